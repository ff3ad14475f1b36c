import { formatCount } from '../units.ts'
import type { Report, Row } from './report.ts'

/** Depths from which on something is wrong; undefined: not asked for. */
export interface Thresholds {
  readonly warn: number | undefined
  readonly critical: number | undefined
}

export type Level = 'ok' | 'warning' | 'critical'

export function levelOf(depth: number, { warn = Infinity, critical = Infinity }: Thresholds): Level {
  return depth >= critical ? 'critical' : depth >= warn ? 'warning' : 'ok'
}

/** The level of a whole report, and the rows that have brought it there, the deepest first. */
export interface Verdict {
  readonly level: Level
  readonly rows: readonly Row[]
}

export function judge({ topics }: Pick<Report, 'topics'>, thresholds: Thresholds): Verdict {
  const all = topics.flatMap(topic => [topic, ...topic.channels])
  for (const level of ['critical', 'warning'] as const) {
    const rows = all.filter(({ depth }) => levelOf(depth, thresholds) === level)
    if (rows.length > 0) return { level, rows: rows.sort((a, b) => b.depth - a.depth) }
  }
  return { level: 'ok', rows: [] }
}

const SHOWN = 5

/** One line, for the log of whatever runs the check. */
export function verdictText({ level, rows }: Verdict): string {
  const shown = rows.slice(0, SHOWN).map(({ topic, channel, depth }) => {
    const name = channel === undefined ? topic : `${topic}/${channel}`
    return `${name} ${formatCount(depth)}`
  })
  const more = rows.length > SHOWN ? ` and ${formatCount(rows.length - SHOWN)} more` : ''
  return `${level}: ${shown.join(', ')}${more}`
}
