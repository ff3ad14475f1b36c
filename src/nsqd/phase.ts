import { DRAINING, EXITING } from '../protocol/leaving.ts'
import type { Logger } from '../util/logger.ts'
import { Refusal } from './refusal.ts'

interface Counted {
  readonly depth: number
}

interface CountedChannel extends Counted {
  readonly inFlightCount: number
  readonly deferredCount: number
}

interface CountedTopic extends Counted {
  readonly channels: ReadonlyMap<string, CountedChannel>
}

/** How often is looked whether a draining nsqd is empty, in ms. */
const LOOK = 1000

/**
 * Whether an nsqd takes messages in:
 *
 *     serving <--drain, undrain--> draining
 *        `----------stop-------------´`--> stopping
 *
 * Draining, it refuses publishes and new topics and goes on delivering. Stopping, it delivers nothing new either.
 */
export class Phase {
  readonly #topics: ReadonlyMap<string, CountedTopic>
  readonly #logger: Logger
  #refusal: Refusal | undefined
  #isStopping = false
  /** Runs while it is not known that a draining nsqd is empty. */
  #watch: NodeJS.Timeout | undefined

  constructor(topics: ReadonlyMap<string, CountedTopic>, logger: Logger) {
    this.#topics = topics
    this.#logger = logger
  }

  /** Why nothing is taken in; undefined while everything is. Asked for at every publish. */
  get refusal(): Refusal | undefined {
    return this.#refusal
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** What stands in the way of its health; undefined while it serves. */
  get problem(): string | undefined {
    if (this.#refusal === undefined) return undefined
    return this.#isStopping ? 'shutting down' : `draining: ${leftText(this.#left())}`
  }

  /** Takes nothing in from now on, until `undrain` or the next start. */
  drain(): void {
    if (this.#refusal !== undefined) return
    this.#refusal = new Refusal('E_DRAINING', DRAINING, 503, 'DRAINING')
    this.#logger.info(`draining: publishes and new topics are refused; ${leftText(this.#left())}`)
    this.#watch = setInterval(() => this.#look(), LOOK)
    // Waits for nothing by itself.
    this.#watch.unref()
    this.#look()
  }

  undrain(): void {
    if (this.#refusal === undefined || this.#isStopping) return
    this.#refusal = undefined
    clearInterval(this.#watch)
    this.#logger.info('no longer draining: publishes are taken again')
  }

  stop(): void {
    this.#isStopping = true
    this.#refusal = new Refusal('E_EXITING', EXITING, 503, 'EXITING')
    clearInterval(this.#watch)
  }

  #look(): void {
    if (this.#left() > 0) return
    clearInterval(this.#watch)
    this.#logger.info('drained: no message is left')
  }

  /** Messages that wait, are deferred or in flight, each as often as there are channels that it waits in. */
  #left(): number {
    let left = 0
    for (const topic of this.#topics.values()) {
      left += topic.depth
      for (const channel of topic.channels.values()) {
        left += channel.depth + channel.inFlightCount + channel.deferredCount
      }
    }
    return left
  }
}

function leftText(left: number): string {
  return left === 1 ? '1 message is left' : `${left} messages are left`
}
