import type { Answers } from '../cluster/answers.ts'
import { NsqError } from '../util/errors.ts'
import { toNsqError } from './errors.ts'

export interface DiscoveryOptions {
  pollIntervalMs: number
  /** Asks every nsqlookupd for addresses of nsqds, until the signal is aborted. */
  query: (signal: AbortSignal) => Promise<Answers<string[]>>
  /** What the nsqlookupds that answered know. Only when it is complete may an nsqd that is missing be let go. */
  found: (addresses: ReadonlySet<string>, isComplete: boolean) => void
  failed: (error: NsqError) => void
}

/** A failed query is repeated after this time, then twice as long, until the ordinary interval is reached. */
const RETRY_MS = 500
/** Keeps the many clients that a deployment starts together from asking together for ever. */
const JITTER = 0.3

/** Asks nsqlookupd again and again which nsqds there are. */
export class Discovery {
  readonly #options: DiscoveryOptions
  #timer: NodeJS.Timeout | undefined
  readonly #stop = new AbortController()
  #failures = 0

  constructor(options: DiscoveryOptions) {
    this.#options = options
  }

  /**
   * Begins; resolves after the first answer, rejects with `E_LOOKUP` when that failed. Goes on in either case. When it is
   * stopped before the answer comes, rejects with `E_CLOSED`.
   */
  async start(): Promise<void> {
    const error = await this.#poll()
    if (error !== undefined) throw error
  }

  stop(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
  }

  async #poll(): Promise<NsqError | undefined> {
    const { signal } = this.#stop
    let failure: NsqError | undefined
    try {
      const { value, warnings } = await this.#options.query(signal)
      if (signal.aborted) return stopped()
      for (const warning of warnings) this.#options.failed(warning)
      this.#options.found(new Set(value), warnings.length === 0)
      this.#failures = warnings.length === 0 ? 0 : this.#failures + 1
    } catch (error) {
      if (signal.aborted) return stopped()
      failure = toNsqError(error)
      this.#options.failed(failure)
      this.#failures++
    }
    this.#timer = setTimeout(() => void this.#poll(), this.#delay())
    return failure
  }

  #delay(): number {
    const { pollIntervalMs } = this.#options
    const delay = this.#failures === 0 ? pollIntervalMs : RETRY_MS * 2 ** Math.min(this.#failures - 1, 20)
    return Math.min(delay, pollIntervalMs) * (1 + Math.random() * JITTER)
  }
}

function stopped(): NsqError {
  return new NsqError('E_CLOSED', 'the nsqlookupds are no longer asked')
}
