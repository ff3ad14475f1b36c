/** The answer of a query, in the shape `/stats` shows it: values in nanoseconds. */
export interface LatencyResult {
  count: number
  percentiles: { quantile: number; value: number }[]
}

// Bucket i > 0 holds the values in (GAMMA^(i-2), GAMMA^(i-1)]; bucket 0 holds zero and what a skewed clock made negative.
// The middle of a bucket is within ACCURACY of anything in it. The last bucket begins beyond ten years.
const ACCURACY = 0.01
const GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
const LOG_GAMMA = Math.log(GAMMA)
const BUCKETS = 2048
const SLICES = 4

/**
 * Quantiles of latencies over a sliding window, each within 1 % of the true value.
 *
 * The window is cut into four slices that take turns, so an answer covers between three quarters of the window and all
 * of it (the official nsqd: between half and all). Memory: at most 32 KiB, and none before the first value.
 */
export class LatencyQuantiles {
  readonly #sliceMs: number
  readonly #slices: Slice[] = []

  constructor(windowMs: number) {
    this.#sliceMs = Math.max(1, windowMs / SLICES)
  }

  /** Notes a latency in nanoseconds, seen at `nowMs`. */
  insert(ns: number, nowMs: number): void {
    const number = Math.floor(nowMs / this.#sliceMs)
    const slice = (this.#slices[number % SLICES] ??= new Slice(number))
    if (slice.number !== number) slice.restart(number)
    slice.insert(ns)
  }

  /** The asked quantiles (0 to 1) of what was seen in the window; values are 0 when nothing was. */
  query(quantiles: readonly number[], nowMs: number): LatencyResult {
    return LatencyQuantiles.queryAll([this], quantiles, nowMs)
  }

  /** The quantiles of several taken together, as if all had been inserted into one. */
  static queryAll(
    all: readonly LatencyQuantiles[],
    quantiles: readonly number[],
    nowMs: number,
  ): LatencyResult {
    const slices = all.flatMap(each => each.#recent(nowMs))
    const count = slices.reduce((sum, slice) => sum + slice.count, 0)
    const percentiles = quantiles.map(quantile => ({ quantile, value: 0 }))
    fill(percentiles, slices, count)
    return { count, percentiles }
  }

  #recent(nowMs: number): Slice[] {
    const oldest = Math.floor(nowMs / this.#sliceMs) - SLICES + 1
    return this.#slices.filter(slice => slice.number >= oldest)
  }
}

class Slice {
  number: number
  count = 0
  /** No bucket before this one, or behind that one, has anything. */
  lowest = BUCKETS
  highest = -1
  readonly #buckets = new Uint32Array(BUCKETS)

  constructor(number: number) {
    this.number = number
  }

  restart(number: number): void {
    this.number = number
    this.count = 0
    this.lowest = BUCKETS
    this.highest = -1
    this.#buckets.fill(0)
  }

  insert(ns: number): void {
    const bucket = ns > 0 ? Math.min(BUCKETS - 1, Math.max(1, 1 + Math.ceil(Math.log(ns) / LOG_GAMMA))) : 0
    this.#buckets[bucket] = this.at(bucket) + 1
    if (bucket < this.lowest) this.lowest = bucket
    if (bucket > this.highest) this.highest = bucket
    this.count++
  }

  at(bucket: number): number {
    return this.#buckets[bucket] ?? 0
  }
}

/** Gives each the middle of the bucket in which the value of its rank (1 = smallest) lies, in one pass over all. */
function fill(percentiles: LatencyResult['percentiles'], slices: readonly Slice[], count: number): void {
  const rising = percentiles.toSorted((a, b) => a.quantile - b.quantile)
  const highest = slices.reduce((most, slice) => Math.max(most, slice.highest), -1)
  let bucket = slices.reduce((least, slice) => Math.min(least, slice.lowest), BUCKETS)
  let seen = 0
  for (const percentile of rising) {
    for (; bucket <= highest && (seen === 0 || seen < percentile.quantile * count); bucket++) {
      for (const slice of slices) seen += slice.at(bucket)
    }
    // The last one that was counted.
    if (seen > 0) percentile.value = middleOf(bucket - 1)
  }
}

function middleOf(bucket: number): number {
  return bucket === 0 ? 0 : Math.round((2 * GAMMA ** (bucket - 1)) / (GAMMA + 1))
}
