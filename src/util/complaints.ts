import type { Logger } from './logger.ts'
import { Seldom } from './seldom.ts'

/** So many lines of a kind are written a minute. */
const MOST = 10
const MINUTE = 60_000

interface Kind {
  readonly more: Seldom
  /** When the minute began, and the lines since. */
  since: number
  count: number
}

/**
 * The log of what others can make happen as often as they like: a few lines of each kind a minute, and then how many there
 * were besides. With the level `debug`, all of them.
 */
export class Complaints {
  readonly #logger: Logger
  readonly #kinds = new Map<string, Kind>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** `kind`: one of a few, which others do not choose. */
  info(kind: string, text: string): void {
    if (this.#isFew(kind)) this.#logger.info(text)
    else this.#logger.debug(text)
  }

  /** As `info`. */
  warn(kind: string, text: string): void {
    if (this.#isFew(kind)) this.#logger.warn(text)
    else this.#logger.debug(text)
  }

  /** As `info`. */
  error(kind: string, text: string): void {
    if (this.#isFew(kind)) this.#logger.error(text)
    else this.#logger.debug(text)
  }

  #isFew(name: string): boolean {
    const now = performance.now()
    let kind = this.#kinds.get(name)
    if (kind === undefined) {
      const more = new Seldom(times => {
        this.#logger.warn(`${name}: ${times === 1 ? '1 line' : `${times} lines`} more of this kind left out`)
      })
      kind = { more, since: now, count: 0 }
      this.#kinds.set(name, kind)
    }
    if (now - kind.since >= MINUTE) {
      kind.since = now
      kind.count = 0
    }
    if (kind.count < MOST) {
      kind.count++
      return true
    }
    kind.more.happened()
    return false
  }
}
