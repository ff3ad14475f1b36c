import { NO_SERIES, type SeriesTable } from './series.ts'

/** Depths are compared at marks that are so far apart: within that, consumers take in batches and producers pause. */
const MARK_MS = 9500
/** So long a depth must have risen from mark to mark, six times ten seconds. */
const RUN_MS = 58_000

/** Tells which depths have grown for a minute without a break. */
export class Growth {
  readonly #series: SeriesTable
  /** By the number of the series: who it was noted for, the depth at the last mark, and since when it has been rising. */
  readonly #stamps: number[] = []
  readonly #depths: number[] = []
  readonly #runs: number[] = []
  #nowMs = -Infinity
  #markMs = -Infinity
  #isMark = false
  #isComparable = false

  constructor(series: SeriesTable) {
    this.#series = series
  }

  /** A look begins. It is not comparable when other nsqds have answered than before. */
  begin(nowMs: number, isComparable: boolean): void {
    this.#nowMs = nowMs
    this.#isComparable = isComparable
    this.#isMark = nowMs - this.#markMs >= MARK_MS
    if (this.#isMark) this.#markMs = nowMs
  }

  observe(series: number, depth: number): void {
    if (series === NO_SERIES) return
    const stamp = this.#series.since(series)
    const last = this.#depths[series] ?? 0
    if (this.#stamps[series] !== stamp) {
      this.#stamps[series] = stamp
      this.#restart(series, depth)
    } else if (!this.#isComparable) {
      this.#depths[series] = depth
    } else if (depth < last || (this.#isMark && depth === last)) {
      this.#restart(series, depth)
    } else if (this.#isMark) {
      this.#depths[series] = depth
    }
  }

  isGrowing(series: number): boolean {
    return this.#markMs - (this.#runs[series] ?? Infinity) >= RUN_MS
  }

  #restart(series: number, depth: number): void {
    this.#depths[series] = depth
    this.#runs[series] = this.#nowMs
  }
}
