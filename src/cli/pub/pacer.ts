import { setTimeout as sleep } from 'node:timers/promises'

/** Bursts are no longer than this, whatever was not used before. */
const BURST_MS = 100

/** Lets so many messages a second pass; a rate of 0 lets all pass. */
export class Pacer {
  readonly #perMs: number
  readonly #burst: number
  #allowance: number
  #at: number

  constructor(ratePerSecond: number) {
    this.#perMs = ratePerSecond === 0 ? Number.POSITIVE_INFINITY : ratePerSecond / 1000
    this.#burst = Math.max(1, this.#perMs * BURST_MS)
    this.#allowance = 1
    this.#at = performance.now()
  }

  /** Resolves to how many of `wanted` may pass now, at least one; 0 when the signal is aborted while waiting. */
  async take(wanted: number, signal: AbortSignal): Promise<number> {
    if (this.#perMs === Number.POSITIVE_INFINITY) return wanted
    for (;;) {
      const now = performance.now()
      this.#allowance = Math.min(this.#burst, this.#allowance + (now - this.#at) * this.#perMs)
      this.#at = now
      const passing = Math.min(wanted, Math.floor(this.#allowance))
      if (passing > 0) {
        this.#allowance -= passing
        return passing
      }
      await sleep((1 - this.#allowance) / this.#perMs, undefined, { signal }).catch(() => {})
      if (signal.aborted) return 0
    }
  }
}
