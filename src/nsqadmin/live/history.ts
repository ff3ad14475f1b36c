import type { History, Trends } from '../live-types.ts'
import { NO_SERIES, type SeriesTable } from './series.ts'

/** What is remembered of a topic or a channel at one moment. */
export interface Point {
  depth: number
  inFlight: number
  rateIn: number | null
  rateOut: number | null
}

/** One moment. A place in `depths` is a series, three in `others`: in flight, rate in, rate out. NaN where there is nothing. */
interface Sample {
  look: number
  atMs: number
  depths: Float64Array
  others: Float32Array
}

/** Looks at shorter intervals than this share a sample. Less than two seconds, the usual interval, which is never exact. */
const SPACING_MS = 1500

/** How far back trends go, and how many samples they have at most. */
const TREND_MS = 120_000
const TREND_SAMPLES = 60

/** How long it goes back. */
export const HISTORY_MS = 300_000
const SAMPLES = HISTORY_MS / SPACING_MS

/** The last five minutes of every series: 20 bytes for each and moment, whatever the number of looks. */
export class HistoryRing {
  readonly #series: SeriesTable
  /** Oldest first, from #next on once it is full. */
  readonly #samples: Sample[] = []
  #next = 0
  #current: Sample | undefined
  #lastMs = -Infinity

  constructor(series: SeriesTable) {
    this.#series = series
  }

  /** A look begins; `putting` follows for what it sees, unless this returns false. */
  begin(atMs: number): boolean {
    this.#current = undefined
    if (atMs - this.#lastMs < SPACING_MS) return false
    this.#lastMs = atMs
    const old = this.#samples[this.#next]
    // Some room for what is new in this look.
    const room = this.#series.size + 256
    const fits = old !== undefined && old.depths.length >= room
    const depths = fits ? old.depths : new Float64Array(room)
    const others = fits ? old.others : new Float32Array(room * 3)
    this.#current = { look: this.#series.look, atMs, depths: depths.fill(NaN), others: others.fill(NaN) }
    this.#samples[this.#next] = this.#current
    this.#next = (this.#next + 1) % SAMPLES
    return true
  }

  put(series: number, point: Point): void {
    const sample = this.#current
    if (sample === undefined || series === NO_SERIES) return
    if (series >= sample.depths.length) grow(sample, Math.max(series + 1, sample.depths.length * 2))
    sample.depths[series] = point.depth
    sample.others[series * 3] = point.inFlight
    sample.others[series * 3 + 1] = point.rateIn ?? NaN
    sample.others[series * 3 + 2] = point.rateOut ?? NaN
  }

  /** What is known of a series; `timeAt` makes the time that is told of the one that was measured. */
  read(series: number, nowMs: number, timeAt: (ms: number) => number): History {
    const history: History = { time: [], depth: [], inFlight: [], rateIn: [], rateOut: [] }
    if (series === NO_SERIES) return history
    const since = this.#series.since(series)
    for (const sample of this.#inOrder(nowMs - HISTORY_MS)) {
      if (sample.look < since) continue
      history.time.push(timeAt(sample.atMs))
      history.depth.push(orNull(sample.depths[series]))
      history.inFlight.push(orNull(sample.others[series * 3]))
      history.rateIn.push(orNull(sample.others[series * 3 + 1]))
      history.rateOut.push(orNull(sample.others[series * 3 + 2]))
    }
    return history
  }

  /** The depths of several series in the last two minutes; without those of which nothing is known. */
  trends(
    series: Iterable<[name: string, series: number]>,
    nowMs: number,
    timeAt: (ms: number) => number,
  ): Trends {
    const samples = [...this.#inOrder(nowMs - TREND_MS)].slice(-TREND_SAMPLES)
    const trends: Trends = { time: samples.map(({ atMs }) => timeAt(atMs)), depths: [] }
    for (const [name, number] of series) {
      const since = this.#series.since(number)
      const depths = samples.map(({ look, depths }) => (look < since ? null : orNull(depths[number])))
      if (depths.some(depth => depth !== null)) trends.depths.push([name, depths])
    }
    return trends
  }

  /** Samples after a moment, oldest first. */
  *#inOrder(afterMs: number): Generator<Sample, void, undefined> {
    for (let i = 0; i < this.#samples.length; i++) {
      const sample = this.#samples[(this.#next + i) % this.#samples.length]
      if (sample !== undefined && sample.atMs >= afterMs) yield sample
    }
  }
}

function grow(sample: Sample, room: number): void {
  const depths = new Float64Array(room).fill(NaN)
  const others = new Float32Array(room * 3).fill(NaN)
  depths.set(sample.depths)
  others.set(sample.others)
  sample.depths = depths
  sample.others = others
}

/** With as many digits as a 32-bit float has of a rate. */
function orNull(value: number | undefined): number | null {
  if (value === undefined || Number.isNaN(value)) return null
  return Number.isInteger(value) ? value : Math.round(value * 100) / 100
}
