import type { NsqError } from '../../util/errors.ts'
import { toNsqError } from '../errors.ts'

export interface LinkOptions {
  reconnectDelayMs: number
  maxReconnectDelayMs: number
}

export interface LinkHandler {
  /**
   * Connects. The connection is for the handler to keep; the link only has to know that it is up. When the signal has
   * been aborted meanwhile, it is no longer wanted, and what comes of it does not matter.
   */
  connect(signal: AbortSignal): Promise<void>
  /** An attempt failed, or the connection was lost. Returns whether to try again. */
  down(error: NsqError, failedAttempts: number): boolean
}

interface OutcomeWaiter {
  resolve: () => void
  reject: (error: NsqError) => void
}

export type LinkState = 'idle' | 'connecting' | 'up' | 'waiting' | 'stopped'

/**
 * Keeps one connection up: connects, and connects again with jittered exponential waits.
 *
 *     idle --start--> connecting --ok--> up --lost--> waiting --timer--> connecting …
 *                         `--failed--> waiting, or idle when the handler wants no more
 *     any --stop--> stopped
 */
export class Link {
  #state: LinkState = 'idle'
  readonly #handler: LinkHandler
  readonly #options: LinkOptions
  #timer: NodeJS.Timeout | undefined
  #outcomeWaiters: OutcomeWaiter[] = []
  #stopError: NsqError | undefined
  #attempt = new AbortController()
  #failedAttempts = 0
  /** Doublings of the wait. */
  #exponent = 0
  #lastDelayMs = 0
  #upSince = 0

  constructor(handler: LinkHandler, options: LinkOptions) {
    this.#handler = handler
    this.#options = options
  }

  get state(): LinkState {
    return this.#state
  }

  /** Attempts in a row that failed. */
  get failedAttempts(): number {
    return this.#failedAttempts
  }

  /** Begins, unless it has begun. */
  start(): void {
    if (this.#state !== 'idle') return
    this.#failedAttempts = 0
    this.#exponent = 0
    void this.#connect()
  }

  /** Makes no further attempt, for good. A connection that is up is not closed by this. */
  stop(error: NsqError): void {
    this.#attempt.abort()
    clearTimeout(this.#timer)
    this.#state = 'stopped'
    this.#stopError = error
    this.#settle(error)
  }

  /** To be called when a connection that was up is gone. */
  lost(error: NsqError): void {
    if (this.#state !== 'up') return
    // A connection that outlived the wait before it was a good one: only flapping makes the waits grow.
    if (performance.now() - this.#upSince > this.#lastDelayMs) this.#exponent = 0
    this.#down(error)
  }

  /** The outcome of the attempt that is under way, or else of the next one. */
  outcome(): Promise<void> {
    if (this.#state === 'up') return Promise.resolve()
    if (this.#state === 'stopped') return Promise.reject(this.#stopError)
    return new Promise((resolve, reject) => this.#outcomeWaiters.push({ resolve, reject }))
  }

  async #connect(): Promise<void> {
    this.#attempt = new AbortController()
    const { signal } = this.#attempt
    this.#state = 'connecting'
    let failure: NsqError | undefined
    try {
      await this.#handler.connect(signal)
    } catch (error) {
      failure = toNsqError(error)
    }
    if (signal.aborted) return
    if (failure === undefined) {
      this.#state = 'up'
      this.#failedAttempts = 0
      this.#upSince = performance.now()
      this.#settle()
    } else {
      this.#failedAttempts++
      this.#down(failure)
      this.#settle(failure)
    }
  }

  #down(error: NsqError): void {
    const { reconnectDelayMs, maxReconnectDelayMs } = this.#options
    const full = Math.min(maxReconnectDelayMs, reconnectDelayMs * 2 ** this.#exponent)
    this.#exponent = Math.min(this.#exponent + 1, 30)
    this.#lastDelayMs = full * (0.5 + Math.random() / 2)
    this.#state = 'waiting'
    const { signal } = this.#attempt
    const again = this.#handler.down(error, this.#failedAttempts)
    // The handler may have stopped the link.
    if (signal.aborted) return
    if (again) this.#timer = setTimeout(() => void this.#connect(), this.#lastDelayMs)
    else this.#state = 'idle'
  }

  #settle(error?: NsqError): void {
    const waiters = this.#outcomeWaiters
    this.#outcomeWaiters = []
    for (const { resolve, reject } of waiters) {
      if (error === undefined) resolve()
      else reject(error)
    }
  }
}
