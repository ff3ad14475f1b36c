import type { Message } from '../../client/consumer/message.ts'
import { NsqError } from '../../util/errors.ts'

interface Entry {
  readonly message: Message
  /** On performance.now(). */
  readonly since: number
}

/** How often at most it is looked for what takes too long. */
const LEAST_TICK_MS = 50

/**
 * Messages that a function of the user's is not ready with. One that never comes to an end would hold its message for ever,
 * as messages in hand are touched: after a time it has failed, and what it still returns does not count.
 */
export class Waiting<T> {
  readonly #limitMs: number
  /** Oldest first. */
  readonly #entries = new Set<Entry>()
  readonly #done: (message: Message, value: T) => void
  readonly #failed: (message: Message, error: unknown) => void
  #timer: NodeJS.Timeout | undefined

  constructor(
    limitMs: number,
    done: (message: Message, value: T) => void,
    failed: (message: Message, error: unknown) => void,
  ) {
    this.#limitMs = limitMs
    this.#done = done
    this.#failed = failed
  }

  add(message: Message, later: Promise<T>): void {
    const entry = { message, since: performance.now() }
    this.#entries.add(entry)
    this.#timer ??= setInterval(() => this.#tick(), Math.max(LEAST_TICK_MS, this.#limitMs / 8))
    later.then(
      value => this.#remove(entry) && this.#done(message, value),
      (error: unknown) => this.#remove(entry) && this.#failed(message, error),
    )
  }

  /** Waits for none of them any more, and hands them over. */
  takeAll(): Message[] {
    const messages = Array.from(this.#entries, ({ message }) => message)
    for (const entry of this.#entries) this.#remove(entry)
    return messages
  }

  #tick(): void {
    const now = performance.now()
    for (const entry of this.#entries) {
      if (now - entry.since < this.#limitMs) return
      const error = new NsqError(
        'E_USER_CODE',
        `--filter or --map took longer than ${this.#limitMs / 1000} s`,
      )
      if (this.#remove(entry)) this.#failed(entry.message, error)
    }
  }

  #remove(entry: Entry): boolean {
    const isThere = this.#entries.delete(entry)
    if (this.#entries.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    return isThere
  }
}
