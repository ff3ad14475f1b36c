import { createHistogram } from 'node:perf_hooks'

/** The percentiles that are shown. */
export const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const

/** Milliseconds. */
export interface Percentiles {
  count: number
  min: number
  mean: number
  p50: number
  p90: number
  p99: number
  'p99.9': number
  'p99.99': number
  max: number
}

const NS = 1e6

/** Latencies in an HDR histogram: three digits of each, from a nanosecond to an hour. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: 3600 * 1000 * NS, figures: 3 })

  get count(): number {
    return this.#histogram.count
  }

  record(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(ms * NS)))
  }

  /** In milliseconds; 0 when there is none. */
  percentile(percent: number): number {
    return this.count === 0 ? 0 : this.#histogram.percentile(percent) / NS
  }

  /** Undefined when there is none. */
  summary(): Percentiles | undefined {
    if (this.count === 0) return undefined
    const { count, min, mean, max } = this.#histogram
    return {
      count,
      min: min / NS,
      mean: mean / NS,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
      'p99.9': this.percentile(99.9),
      'p99.99': this.percentile(99.99),
      max: max / NS,
    }
  }
}
