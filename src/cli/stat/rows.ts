import type { Numbers, Report, Row, TopicReport } from './report.ts'
import { type Sort, sortRows } from './sort.ts'

/** Which rows of a report a table has. */
export interface RowChoice {
  readonly sort: Sort
  /** Fewer waiting messages than this are not worth a row. */
  readonly minDepth: number
  /** A part of `topic/channel`, in any letter case. */
  readonly filter: string
}

/** The rows of a table: all channels, and the topics that have something of their own to show. */
export function rowsOf(
  { topics }: Pick<Report, 'topics'>,
  { sort, minDepth, filter }: RowChoice,
): readonly Row[] {
  const wanted = filter.toLowerCase()
  const rows = topics
    .flatMap(topic => [...ownRow(topic), ...topic.channels])
    .filter(
      ({ topic, channel = '', depth }) =>
        depth >= minDepth && (wanted === '' || `${topic}/${channel}`.toLowerCase().includes(wanted)),
    )
  return sortRows(rows, sort)
}

/** Messages that are in no channel yet or never came to one, no channel, or that none of them gets anything. */
function ownRow(topic: TopicReport): Row[] {
  const isAlone = topic.channels.length === 0
  const hasLost = topic.refused + topic.dropped + topic.expired > 0
  if (!isAlone && topic.depth === 0 && !topic.paused && !hasLost) return []
  // What is published goes on to the channels, and is counted there, unless it stays.
  return [{ ...topic, in: isAlone || topic.paused ? topic.in : undefined }]
}

export function totalsOf(rows: readonly Row[]): Numbers {
  const sum = (read: (row: Row) => number): number => rows.reduce((total, row) => total + read(row), 0)
  return {
    depth: sum(({ depth }) => depth),
    disk: sum(({ disk }) => disk),
    inFlight: sum(({ inFlight }) => inFlight),
    deferred: sum(({ deferred }) => deferred),
    in: sumOfKnown(rows.map(row => row.in)),
    out: sumOfKnown(rows.map(({ out }) => out)),
    requeued: sum(({ requeued }) => requeued),
    timedOut: sum(({ timedOut }) => timedOut),
    connections: sum(({ connections }) => connections),
    messages: sum(({ messages }) => messages),
    refused: sum(({ refused }) => refused),
    dropped: sum(({ dropped }) => dropped),
    expired: sum(({ expired }) => expired),
  }
}

function sumOfKnown(rates: readonly (number | undefined)[]): number | undefined {
  const known = rates.filter(rate => rate !== undefined)
  return known.length === 0 ? undefined : known.reduce((total, rate) => total + rate, 0)
}
