/** The numbers of the charts: what the server remembers, and what has come since. */
import type { History, Numbers } from '../live-types.ts'

/** How far back the charts go. */
export const CHART_MS = 5 * 60_000
/** nsqadmin looks every ten seconds at least; between points that are further apart it did not. */
const GAP_MS = 25_000

const NAMES = ['depth', 'inFlight', 'rateIn', 'rateOut'] as const

export function emptySeries(): History {
  return { time: [], depth: [], inFlight: [], rateIn: [], rateOut: [] }
}

/** With one more point, and without those that are too old. The series given stays as it is. */
export function withPoint(
  series: History,
  time: number,
  numbers: Pick<Numbers, 'depth' | 'inFlight' | 'rateIn' | 'rateOut'>,
): History {
  const last = series.time.at(-1) ?? 0
  // The server's clock was set back: what was seen has no place before this.
  if (last - time > GAP_MS) return withPoint(emptySeries(), time, numbers)
  if (time <= last) return series
  const next: History = { ...series, time: [...series.time] }
  for (const name of NAMES) next[name] = [...series[name]]
  if (last > 0 && time - last > GAP_MS) {
    // Between the two the line is broken, rather than straight.
    next.time.push(last + 1)
    for (const name of NAMES) next[name].push(null)
  }
  next.time.push(time)
  for (const name of NAMES) next[name].push(numbers[name])
  return since(next, time - CHART_MS)
}

/** The server's memory, and after it what the page has seen since. */
export function joined(remembered: History, seen: History): History {
  const last = remembered.time.at(-1) ?? 0
  const from = seen.time.findIndex(time => time > last)
  if (from === -1) return remembered
  const next: History = { ...remembered, time: [...remembered.time, ...seen.time.slice(from)] }
  for (const name of NAMES) next[name] = [...remembered[name], ...seen[name].slice(from)]
  return since(next, (next.time.at(-1) ?? 0) - CHART_MS)
}

function since(series: History, oldest: number): History {
  const from = series.time.findIndex(time => time >= oldest)
  if (from <= 0) return series
  const next: History = { ...series, time: series.time.slice(from) }
  for (const name of NAMES) next[name] = series[name].slice(from)
  return next
}

/** The end of an axis that begins at 0: 1, 2 or 5 times a power of ten, so that it seldom moves. */
export function niceMaximum(largest: number, least: number): number {
  if (!(largest > least)) return least
  const power = 10 ** Math.floor(Math.log10(largest))
  for (const times of [1, 2, 5]) if (times * power >= largest) return times * power
  return 10 * power
}
