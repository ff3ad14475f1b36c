import type { LoadResult } from '../work.ts'

/** Counts what a load process does, and times the part after the warm-up. */
export class Stopwatch {
  /** Messages so far. */
  total = 0
  readonly #cpu = process.cpuUsage()
  #beganAt = 0
  #before = 0
  #endedAt: number | undefined
  #after = 0

  /** The warm-up is over. */
  begin(): void {
    this.#beganAt = performance.now()
    this.#before = this.total
  }

  /** The measured time is over; what is still under way does not count. Only the first call does. */
  end(): void {
    if (this.#endedAt !== undefined) return
    this.#endedAt = performance.now()
    this.#after = this.total
  }

  get result(): LoadResult {
    const { user, system } = process.cpuUsage(this.#cpu)
    return {
      messages: this.#after - this.#before,
      seconds: ((this.#endedAt ?? performance.now()) - this.#beganAt) / 1000,
      total: this.total,
      cpuSeconds: (user + system) / 1e6,
    }
  }
}
