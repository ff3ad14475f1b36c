import { formatDuration } from '../../util/duration.ts'
import { formatCount, plural } from '../units.ts'
import { errorLine } from '../escape.ts'
import { type CellStyle, columnsFor } from './columns.ts'
import { shorten } from '../fit.ts'
import type { Report } from './report.ts'
import { rowsOf, totalsOf } from './rows.ts'
import { type DrawTable, layOut, type Widths } from './table.ts'
import type { View } from './view.ts'

/** What the live table shows. */
export interface Scene {
  /** The last one that there was. */
  readonly report: Report
  /** Why there is none newer: nobody answers. */
  readonly failure: Error | undefined
  readonly view: View
  readonly minDepth: number
  readonly intervalMs: number
  /** Nobody can press a key any more. */
  readonly isOver: boolean
  readonly style: CellStyle
  readonly widths: Widths
  readonly drawTable: DrawTable
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

export interface Frame {
  readonly lines: readonly string[]
  /** Rows of the table that there is room for, and that there are. */
  readonly page: number
  readonly rows: number
}

/** Of daemons that do not answer. */
const MOST_WARNINGS = 4
/** With fewer lines there is a table and nothing else. */
const SMALL = 8

/** The lines of a screen: none is longer than it is wide, and there are no more than it has. */
export function drawFrame(scene: Scene, { columns: room, rows: height }: Size): Frame {
  const { report, view, style } = scene
  const rows = rowsOf(report, { sort: view.sort, minDepth: scene.minDepth, filter: view.filter })
  const isSmall = height < SMALL
  const above = isSmall ? [] : [title(scene, room), ...warnings(scene, room)]
  const reserved = isSmall ? 0 : 1
  // Two for the head of the table and its totals.
  const page = Math.max(1, height - above.length - 2 - reserved)
  const top = Math.max(0, Math.min(view.top, rows.length - page))
  const shown = rows.slice(top, top + page)
  const sheet = layOut(shown, totalsOf(rows), {
    columns: columnsFor(rows, true),
    style,
    room,
    widths: scene.widths,
    sort: view.sort,
  })
  const [head = '', ...rest] = scene.drawTable(sheet)
  const body =
    rows.length > 0 ? rest : [style.painter.dim(shorten(nothing(scene), room, style.glyphs.ellipsis))]
  const place =
    shown.length < rows.length ? `${top + 1}-${top + shown.length} of ${formatCount(rows.length)}` : ''
  const below = isSmall || scene.isOver ? [] : [keys(scene, place, room)]
  return { lines: [...above, head, ...body, ...below].slice(0, height), page, rows: rows.length }
}

function title(scene: Scene, room: number): string {
  const { report, failure, intervalMs, view, isOver, style } = scene
  const { nodes, stats, topics, at } = report
  const channels = topics.reduce((sum, topic) => sum + topic.channels.length, 0)
  const time = at.toTimeString().slice(0, 8)
  const parts = [
    `${stats.length < nodes.length ? `${stats.length} of ` : ''}${plural(nodes.length, 'nsqd')}`,
    plural(topics.length, 'topic'),
    plural(channels, 'channel'),
    ...(isOver ? [] : [view.isPaused ? 'PAUSED' : `every ${formatDuration(intervalMs)}`]),
    time,
  ]
  const { bold, red } = style.painter
  if (failure === undefined) return bold(shorten(parts.join('  '), room, style.glyphs.ellipsis))
  return red(shorten(`NOBODY ANSWERS  this is how it was at ${time}`, room, style.glyphs.ellipsis))
}

function warnings({ report, failure, style: { painter, glyphs } }: Scene, room: number): string[] {
  const errors = failure === undefined ? report.warnings : [failure]
  const lines = errors.slice(0, MOST_WARNINGS).map(errorLine)
  if (errors.length > MOST_WARNINGS) lines.push(`and ${errors.length - MOST_WARNINGS} more`)
  return lines.map(line => painter.red(shorten(`! ${line}`, room, glyphs.ellipsis)))
}

function nothing({ report, view, minDepth }: Scene): string {
  if (view.filter !== '') return `no name has "${view.filter}" in it`
  return report.topics.length > 0 && minDepth > 0
    ? `nothing is ${formatCount(minDepth)} deep`
    : 'no topics yet'
}

function keys({ view, style: { painter, glyphs } }: Scene, place: string, room: number): string {
  if (view.isTyping) {
    return shorten(`filter: ${view.filter}_   Enter keeps it, Esc drops it`, room, glyphs.ellipsis)
  }
  const parts = [
    'q quit',
    `s sort: ${view.sort}`,
    view.filter === '' ? '/ filter' : `/ filter: ${view.filter}`,
    view.isPaused ? 'p go on' : 'p pause',
    ...(place === '' ? [] : [`${glyphs.upDown} ${place}`]),
  ]
  return painter.dim(shorten(parts.join('  '), room, glyphs.ellipsis))
}
