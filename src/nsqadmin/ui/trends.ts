import type { Trends } from '../live-types.ts'

/** How many depths of each row are kept: two minutes, when nsqadmin looks every two seconds. */
const KEPT = 60

/**
 * The last depths of each row of a table, for the small chart beside its name. One object for as long as the table is
 * shown: to copy thousands of lists with every update would be wasteful.
 */
export class TrendBook {
  #times: number[] = []
  readonly #depths = new Map<string, (number | null)[]>()

  /** What the server remembers, from before the first update. */
  start({ time, depths }: Trends): void {
    this.#times = time.slice(-KEPT)
    this.#depths.clear()
    for (const [name, values] of depths) this.#depths.set(name, values.slice(-KEPT))
  }

  /** Rows that are not among `depths` are gone. */
  observe(time: number, depths: readonly (readonly [name: string, depth: number])[]): void {
    if (time <= (this.#times.at(-1) ?? 0)) return // said by the server already
    this.#times.push(time)
    const names = new Set<string>()
    for (const [name, depth] of depths) {
      names.add(name)
      const values = this.#depths.get(name)
      if (!values) {
        this.#depths.set(name, [depth])
        continue
      }
      values.push(depth)
      if (values.length > KEPT) values.shift()
    }
    if (this.#times.length > KEPT) this.#times.shift()
    for (const name of this.#depths.keys()) if (!names.has(name)) this.#depths.delete(name)
  }

  /** Oldest first; shorter than others' when the row is younger. */
  of(name: string): readonly (number | null)[] {
    return this.#depths.get(name) ?? []
  }
}

/** How many depths a small chart has place for. */
export const TREND_LENGTH = KEPT

/** Points of an SVG polyline, the newest at the right edge; as many runs as there are without a gap. */
export function trendLines(values: readonly (number | null)[], width: number, height: number): string[] {
  const most = Math.max(1, ...values.map(value => value ?? 0))
  const step = width / (KEPT - 1)
  const lines: string[] = []
  let points: string[] = []
  const end = () => {
    if (points.length > 1) lines.push(points.join(' '))
    points = []
  }
  for (const [i, value] of values.entries()) {
    if (value === null) {
      end()
      continue
    }
    const x = width - (values.length - 1 - i) * step
    points.push(`${round(x)},${round(height - (value / most) * height)}`)
  }
  end()
  return lines
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
