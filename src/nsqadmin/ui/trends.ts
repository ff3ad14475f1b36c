import type { Trends } from '../live-types.ts'

/** How far back the small charts go. */
const TREND_MS = 2 * 60_000
/** However often nsqadmin looks. */
const MOST = 120

/** A few messages that wait for a moment are no mountain. */
const LEAST = 10

export interface Trend {
  /** Milliseconds since 1970, oldest first. */
  time: readonly number[]
  /** The newest is of the newest time; fewer than those when the row is younger. */
  depth: readonly (number | null)[]
}

/**
 * The last depths of each row of a table, for the small chart beside its name. One object for as long as the table is
 * shown: to copy thousands of lists with every update would be wasteful.
 */
export class TrendBook {
  readonly #time: number[] = []
  readonly #depths = new Map<string, (number | null)[]>()

  /** What the server remembers, from before the first update. */
  start({ time, depths }: Trends): void {
    this.#time.splice(0, Infinity, ...time)
    this.#depths.clear()
    for (const [name, values] of depths) this.#depths.set(name, [...values])
  }

  /** Rows that are not among `depths` are gone. */
  observe(time: number, depths: readonly (readonly [name: string, depth: number])[]): void {
    const last = this.#time.at(-1) ?? 0
    if (last - time > TREND_MS) this.start({ time: [], depths: [] }) // its clock was set back
    else if (time <= last) return // said by the server already
    this.#time.push(time)
    const names = new Set<string>()
    for (const [name, depth] of depths) {
      names.add(name)
      const values = this.#depths.get(name)
      if (values) values.push(depth)
      else this.#depths.set(name, [depth])
    }
    for (const name of this.#depths.keys()) if (!names.has(name)) this.#depths.delete(name)
    const old = this.#time.findIndex(each => each >= time - TREND_MS)
    this.#drop(Math.max(old, this.#time.length - MOST))
  }

  of(name: string): Trend {
    return { time: this.#time, depth: this.#depths.get(name) ?? [] }
  }

  #drop(count: number): void {
    if (count <= 0) return
    this.#time.splice(0, count)
    for (const values of this.#depths.values()) values.splice(0, values.length - this.#time.length)
  }
}

/** Points of SVG polylines, the newest at the right edge: as many runs as there are without a gap. */
export function trendLines({ time, depth }: Trend, width: number, height: number): string[] {
  const last = time.at(-1) ?? 0
  const offset = time.length - depth.length
  const most = Math.max(LEAST, ...depth.map(value => value ?? 0))
  const lines: string[] = []
  let points: string[] = []
  const end = () => {
    if (points.length > 1) lines.push(points.join(' '))
    points = []
  }
  for (const [i, value] of depth.entries()) {
    const age = last - (time[offset + i] ?? last)
    if (value === null) end()
    else if (age <= TREND_MS) {
      points.push(`${round(width * (1 - age / TREND_MS))},${round(height * (1 - value / most))}`)
    }
  }
  end()
  return lines
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
