/** Sums over the rows of a table, for the tiles above it. */
import type { TopicRow } from '../live-types.ts'

export interface TopicTotals {
  depth: number
  backendDepth: number
  inFlight: number
  deferred: number
  rateIn: number | null
  rateOut: number | null
  growing: number
  paused: number
}

export function topicTotals(rows: readonly TopicRow[]): TopicTotals {
  const sum: TopicTotals = {
    depth: 0,
    backendDepth: 0,
    inFlight: 0,
    deferred: 0,
    rateIn: null,
    rateOut: null,
    growing: 0,
    paused: 0,
  }
  for (const row of rows) {
    sum.depth += row.depth
    sum.backendDepth += row.backendDepth
    sum.inFlight += row.inFlight
    sum.deferred += row.deferred
    // What is known: a topic that is new does not make the sum unknown.
    if (row.rateIn !== null) sum.rateIn = (sum.rateIn ?? 0) + row.rateIn
    if (row.rateOut !== null) sum.rateOut = (sum.rateOut ?? 0) + row.rateOut
    if (row.growing) sum.growing++
    if (isPaused(row)) sum.paused++
  }
  return sum
}

/** The topic, or a channel of it. */
export function isPaused(row: TopicRow): boolean {
  return row.paused || row.pausedChannels > 0
}
