/** Buckets for each doubling: neighbours differ by less than 1 %. */
const FINENESS = 128
/** The least that is told apart, and the most, in ms. */
const LEAST = 0.001
const DOUBLINGS = 26

/** What a histogram came to, in ms. */
export interface Quantiles {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly min: number
}

/** Counts times in buckets, however many there are: each as wide as a hundredth of itself. */
export class Histogram {
  readonly #counts = new Uint32Array(FINENESS * DOUBLINGS + 1)
  #count = 0
  #max = -Infinity
  #min = Infinity

  add(ms: number): void {
    const bucket = ms <= LEAST ? 0 : Math.ceil(Math.log2(ms / LEAST) * FINENESS)
    const at = Math.min(bucket, this.#counts.length - 1)
    this.#counts[at] = (this.#counts[at] ?? 0) + 1
    this.#count++
    if (ms > this.#max) this.#max = ms
    if (ms < this.#min) this.#min = ms
  }

  get quantiles(): Quantiles {
    return {
      count: this.#count,
      p50: this.#quantile(0.5),
      p99: this.#quantile(0.99),
      p999: this.#quantile(0.999),
      max: this.#max,
      min: this.#min,
    }
  }

  /** The upper end of the bucket in which it lies. */
  #quantile(share: number): number {
    let left = Math.ceil(share * this.#count)
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return Math.min(this.#max, LEAST * 2 ** (bucket / FINENESS))
    }
    return this.#max
  }
}
