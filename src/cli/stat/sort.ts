import type { Row } from './report.ts'

/** What a table can be sorted by: names upwards, the others downwards. */
export const SORTS = [
  'name',
  'depth',
  'memory',
  'disk',
  'in-flight',
  'deferred',
  'in',
  'out',
  'requeued',
  'timed-out',
  'connections',
  'messages',
  'latency',
] as const

export type Sort = (typeof SORTS)[number]

const UNKNOWN = -1

const VALUES: Readonly<Record<Exclude<Sort, 'name'>, (row: Row) => number>> = {
  depth: row => row.depth,
  memory: row => row.depth - row.disk,
  disk: row => row.disk,
  'in-flight': row => row.inFlight,
  deferred: row => row.deferred,
  in: row => row.in ?? UNKNOWN,
  out: row => row.out ?? UNKNOWN,
  requeued: row => row.requeued,
  'timed-out': row => row.timedOut,
  connections: row => row.connections,
  messages: row => row.messages,
  latency: row => row.latency.at(-1)?.ms ?? UNKNOWN,
}

/** @param rows - in the order of their names, in which those stay that are alike */
export function sortRows(rows: readonly Row[], sort: Sort): readonly Row[] {
  if (sort === 'name') return rows
  const value = VALUES[sort]
  return rows.toSorted((a, b) => value(b) - value(a))
}

/** The next one, or with -1 the one before. */
export function otherSort(sort: Sort, step: 1 | -1): Sort {
  return SORTS.at((SORTS.indexOf(sort) + step) % SORTS.length) ?? 'name'
}
