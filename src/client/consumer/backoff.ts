export interface BackoffOptions {
  /** The first wait is twice this. */
  multiplierMs: number
  /** The longest wait; 0 turns backoff off. */
  maxMs: number
}

export interface BackoffHandler {
  /** Take no messages. */
  pause(): void
  /** Take one message, to see whether it can be handled. */
  probe(): void
  /** Take messages as always. */
  resume(): void
}

/**
 * Slows a consumer down while its messages fail, as the official clients do: each failure doubles the time in which
 * nothing is taken, then a single message decides.
 *
 *     steady --requeue--> waiting --timer--> probing --requeue--> waiting, one level up
 *        ^                                       `--finish--> waiting, one level down, or steady from level 1
 *
 * What is finished or requeued while waiting was in flight already: it counts for nothing, so that a window of many
 * failures is one step.
 */
export class Backoff {
  readonly #options: BackoffOptions
  readonly #handler: BackoffHandler
  #state: 'steady' | 'waiting' | 'probing' | 'stopped' = 'steady'
  #level = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: BackoffOptions, handler: BackoffHandler) {
    this.#options = options
    this.#handler = handler
  }

  finished(): void {
    if (this.#state !== 'probing') return
    this.#level--
    if (this.#level > 0) {
      this.#wait()
    } else {
      this.#state = 'steady'
      this.#handler.resume()
    }
  }

  requeued(): void {
    if (this.#state === 'waiting' || this.#state === 'stopped' || this.#options.maxMs === 0) return
    // A level at which the wait is the longest already is not left upwards, or the way back would take longer too.
    if (this.#level === 0 || this.#duration() < this.#options.maxMs) this.#level++
    this.#wait()
  }

  /** For good. */
  stop(): void {
    this.#state = 'stopped'
    clearTimeout(this.#timer)
  }

  #wait(): void {
    this.#state = 'waiting'
    this.#handler.pause()
    this.#timer = setTimeout(() => {
      this.#state = 'probing'
      this.#handler.probe()
    }, this.#duration())
  }

  #duration(): number {
    return Math.min(this.#options.maxMs, this.#options.multiplierMs * 2 ** this.#level)
  }
}
