import type { Painter } from '../colour.ts'
import { oneLine } from '../escape.ts'
import type { Fittable } from '../fit.ts'
import { formatCount } from '../units.ts'
import { type Glyphs, sparkline } from './glyphs.ts'
import type { Numbers, Row } from './report.ts'
import type { Sort } from './sort.ts'
import { levelOf, type Thresholds } from './thresholds.ts'
import { TREND_LENGTH } from './trend.ts'

/** How cells are written. */
export interface CellStyle {
  readonly painter: Painter
  readonly glyphs: Glyphs
  readonly thresholds: Thresholds
  /** For programs: figures without commas, and a dash where a person sees nothing. */
  readonly isPlain: boolean
}

/** A cell, and how its text is painted: colours take no room. */
export interface Cell {
  readonly text: string
  readonly paint?: ((text: string) => string) | undefined
}

export interface Column extends Fittable {
  readonly head: string
  readonly align: 'left' | 'right'
  /** That its values can be sorted by. */
  readonly sort?: Sort | undefined
  readonly cell: (row: Row, style: CellStyle) => Cell
  /** What the line of totals has. */
  readonly total?: (totals: Numbers, style: CellStyle) => Cell
}

/** Those for what few have, losses and latencies, only where some row has it. */
export function columnsFor(rows: readonly Row[], hasTrend: boolean): readonly Column[] {
  const losses = LOSSES.filter(key => rows.some(row => row[key] > 0)).map(key =>
    counted(key.toUpperCase(), 3, undefined, numbers => numbers[key]),
  )
  const latencies = quantilesOf(rows).map(latencyColumn)
  return [...NAMES, ...DEPTH, ...(hasTrend ? TRENDS : []), ...COUNTS, ...losses, ...latencies, STATE]
}

/** Every quantile that some row has, upwards. */
function quantilesOf(rows: readonly Row[]): readonly number[] {
  return [...new Set(rows.flatMap(({ latency }) => latency.map(({ quantile }) => quantile)))].sort(
    (a, b) => a - b,
  )
}

const NAMES: readonly Column[] = [
  {
    head: 'TOPIC',
    align: 'left',
    rank: 0,
    sort: 'name',
    shortest: 12,
    usual: 24,
    cell: ({ topic }) => ({ text: oneLine(topic) }),
  },
  {
    head: 'CHANNEL',
    align: 'left',
    rank: 0,
    shortest: 8,
    usual: 16,
    cell: ({ channel }, { painter }) =>
      channel === undefined ? { text: '-', paint: painter.dim } : { text: oneLine(channel) },
  },
]

const DEPTH: readonly Column[] = [
  {
    head: 'DEPTH',
    align: 'right',
    rank: 0,
    sort: 'depth',
    cell: ({ depth }, style) => depthCell(depth, style),
    total: ({ depth }, style) => count(depth, style),
  },
]

const TRENDS: readonly Column[] = [
  {
    head: 'TREND',
    align: 'left',
    rank: 4,
    cell: ({ trend, growing }, { glyphs, painter }) => ({
      // As long as the longest, so that the column keeps its width.
      text: sparkline(trend, TREND_LENGTH, glyphs),
      paint: growing ? painter.yellow : painter.cyan,
    }),
  },
]

const COUNTS: readonly Column[] = [
  counted('MEM', 11, 'memory', ({ depth, disk }) => depth - disk),
  counted('DISK', 10, 'disk', ({ disk }) => disk),
  counted('IN-FLT', 5, 'in-flight', ({ inFlight }) => inFlight),
  counted('DEFER', 7, 'deferred', ({ deferred }) => deferred),
  rated('IN/S', 2, 'in', numbers => numbers.in),
  rated('OUT/S', 3, 'out', ({ out }) => out),
  counted('REQ', 8, 'requeued', ({ requeued }) => requeued),
  counted('T-O', 9, 'timed-out', ({ timedOut }) => timedOut),
  counted('CONNS', 6, 'connections', ({ connections }) => connections),
  counted('MSGS', 13, 'messages', ({ messages }) => messages),
]

const LOSSES = ['refused', 'dropped', 'expired'] as const

const STATE: Column = {
  head: 'STATE',
  align: 'left',
  rank: 1,
  cell: ({ paused, orphaned, growing }, { painter, isPlain }) => {
    const states = [
      ...(paused ? ['paused'] : []),
      ...(orphaned ? ['orphaned'] : []),
      ...(growing ? ['grows'] : []),
    ]
    return states.length > 0
      ? { text: states.join(', '), paint: painter.yellow }
      : { text: isPlain ? '-' : '' }
  },
}

function latencyColumn(quantile: number): Column {
  const isHighest = quantile === 1
  return {
    head: isHighest ? 'MAX' : `P${String(Number((quantile * 100).toFixed(4)))}`,
    align: 'right',
    rank: 12,
    sort: 'latency',
    cell: ({ latency }) => ({ text: milliseconds(latency.find(each => each.quantile === quantile)?.ms) }),
  }
}

function counted(
  head: string,
  rank: number,
  sort: Sort | undefined,
  read: (numbers: Numbers) => number,
): Column {
  const cell = (numbers: Numbers, style: CellStyle): Cell => count(read(numbers), style)
  return { head, align: 'right', rank, sort, cell, total: cell }
}

function rated(
  head: string,
  rank: number,
  sort: Sort,
  read: (numbers: Numbers) => number | undefined,
): Column {
  const cell = (numbers: Numbers, style: CellStyle): Cell => rate(read(numbers), style)
  return { head, align: 'right', rank, sort, cell, total: cell }
}

function depthCell(depth: number, style: CellStyle): Cell {
  const { painter, thresholds } = style
  const level = levelOf(depth, thresholds)
  if (level === 'ok') return count(depth, style)
  return { text: figure(depth, style), paint: level === 'critical' ? painter.red : painter.yellow }
}

/** What is nothing stands back. */
function count(value: number, style: CellStyle): Cell {
  return { text: figure(value, style), paint: value === 0 ? style.painter.dim : undefined }
}

function rate(value: number | undefined, style: CellStyle): Cell {
  if (value === undefined) return { text: '-', paint: style.painter.dim }
  if (value === 0 || value >= 10) return count(Math.round(value), style)
  return { text: value < 0.1 ? '<0.1' : value.toFixed(1) }
}

function figure(value: number, { isPlain }: CellStyle): string {
  return isPlain || value < 1000 ? String(value) : formatCount(value)
}

function milliseconds(ms: number | undefined): string {
  if (ms === undefined) return '-'
  if (ms < 10) return `${ms.toFixed(1)}ms`
  if (ms < 10_000) return `${Math.round(ms)}ms`
  return `${Math.round(ms / 1000)}s`
}
