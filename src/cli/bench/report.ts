import { printTable, type Column } from '../admin/table.ts'
import type { Context } from '../command.ts'
import { formatCount, plural } from '../units.ts'
import type { Ceiling } from './ceiling.ts'
import { formatFigure, formatMs } from './format.ts'
import type { Result } from './job.ts'
import type { Percentiles } from './latencies.ts'
import type { Mode } from './settings.ts'

/** A run, and what it is compared with. */
export interface Measured {
  readonly result: Result
  readonly ceiling: Ceiling | undefined
}

/** From so much on, this process is what was measured. */
const BUSY = 0.9
/** So late, it spoils what is measured. */
const LATE_MS = 1
/** Of what was planned, less is not on schedule. */
const ON_SCHEDULE = 0.98

const NAMES: Readonly<Record<Mode, string>> = { pub: 'publish', sub: 'subscribe', latency: 'latency' }

interface Row {
  readonly name: string
  readonly messagesPerSecond: number
  readonly size: number
  readonly latencies: Percentiles | undefined
  readonly lost: string
}

const COLUMNS: readonly Column<Row>[] = [
  { head: '', rank: 0, cell: ({ name }) => name },
  figure('MESSAGES/S', 0, ({ messagesPerSecond }) => formatCount(messagesPerSecond)),
  figure('MB/S', 2, ({ messagesPerSecond, size }) => formatFigure((messagesPerSecond * size) / 1e6)),
  latency('P50', 0, 'p50'),
  latency('P90', 3, 'p90'),
  latency('P99', 0, 'p99'),
  latency('P99.9', 1, 'p99.9'),
  latency('P99.99', 3, 'p99.99'),
  latency('MAX', 1, 'max'),
  figure('LOST', 0, ({ lost }) => lost),
]

function figure(head: string, rank: number, cell: (row: Row) => string): Column<Row> {
  return { head, rank, isFigure: true, cell }
}

function latency(head: string, rank: number, key: keyof Percentiles): Column<Row> {
  return figure(head, rank, ({ latencies }) => (latencies === undefined ? '-' : formatMs(latencies[key])))
}

/** For people. */
export async function printReport(
  context: Pick<Context, 'stdout' | 'env'>,
  nsqd: string,
  all: readonly Measured[],
): Promise<void> {
  const [first] = all
  if (first === undefined) return
  const { size, connections, pipeline } = first.result.load
  context.stdout.line(
    `nsqd ${nsqd}: messages of ${plural(size, 'byte')}, ${plural(connections, 'connection')}, ` +
      `${plural(pipeline, 'command')} under way on each`,
  )
  context.stdout.line()
  await printTable(context, COLUMNS, all.flatMap(rowsOf))
}

function rowsOf({ result, ceiling }: Measured): Row[] {
  const { load, latencies, lost } = result
  const batch = load.mode === 'sub' ? '' : `, ${load.batch === 1 ? 'PUB' : `MPUB of ${load.batch}`}`
  const row: Row = {
    name: `${NAMES[load.mode]}${batch}`,
    messagesPerSecond: perSecond(result),
    size: load.size,
    latencies,
    lost: lost === undefined ? '-' : formatCount(lost),
  }
  if (ceiling === undefined) return [row]
  return [row, { ...ceiling, name: '  without NSQ', size: load.size, lost: '-' }]
}

/** What is to be known of the figures, if anything. */
export function remarks({ result }: Measured): string[] {
  const { load, lost, duplicates, unanswered, busy = 0, lateMs = 0, isWhole, seconds } = result
  const name = NAMES[load.mode]
  const texts: string[] = []
  if (!isWhole) texts.push(`${name}: stopped after ${seconds.toFixed(1)} s`)
  if (lost !== undefined && lost > 0) {
    texts.push(
      `${name}: ${plural(lost, 'message')} that nsqd has acknowledged ${lost === 1 ? 'is' : 'are'} lost`,
    )
  }
  if (duplicates > 0) texts.push(`${name}: ${plural(duplicates, 'message')} came more than once`)
  if (unanswered > 0) texts.push(`${name}: ${plural(unanswered, 'command')} got no answer`)
  if (load.rate !== undefined && isWhole && isBehind(result, load.rate)) {
    texts.push(
      `${name}: nsqd did not keep up with ${formatCount(load.rate)} messages/s, so that latencies have ` +
        'grown for as long as it went on',
    )
  }
  if (busy >= BUSY) {
    texts.push(
      `${name}: bench itself was busy ${(100 * busy).toFixed(0)} % of the time, so nsqd may be faster than this; ` +
        'start several at once to find out',
    )
  }
  if (lateMs >= LATE_MS) {
    texts.push(
      `${name}: bench itself was late by ${formatMs(lateMs)} (99th percentile), which is part of the latencies`,
    )
  }
  return texts
}

/** What may be under way at the end is not behind: it is what `--pipeline` allows. */
function isBehind({ load, messages, seconds }: Result, rate: number): boolean {
  const underWay = load.connections * load.pipeline * load.batch
  return messages + underWay < ON_SCHEDULE * rate * seconds
}

function perSecond({ messages, seconds }: Result): number {
  return seconds > 0 ? messages / seconds : 0
}

/** For programs: the same fields in JSON and, with those of objects in the names, in CSV. */
export function record(nsqd: string, { result, ceiling }: Measured) {
  const { load, latencies, lost, duplicates, unanswered, busy, lateMs, isWhole, seconds } = result
  return {
    time: result.startedAt.toISOString(),
    mode: load.mode,
    nsqd,
    size: load.size,
    batch: load.batch,
    connections: load.connections,
    pipeline: load.pipeline,
    rate: load.rate ?? null,
    complete: isWhole,
    seconds: rounded(seconds),
    messages: result.messages,
    messages_per_second: rounded(perSecond(result)),
    bytes_per_second: Math.round(perSecond(result) * load.size),
    latency_ms: latencyFields(latencies),
    lost: lost ?? null,
    duplicates,
    unanswered,
    bench_busy: busy === undefined ? null : rounded(busy),
    bench_late_ms: lateMs === undefined ? null : rounded(lateMs),
    ceiling:
      ceiling === undefined
        ? null
        : {
            messages_per_second: rounded(ceiling.messagesPerSecond),
            latency_ms: latencyFields(ceiling.latencies),
          },
  }
}

const LATENCY_FIELDS = ['min', 'mean', 'p50', 'p90', 'p99', 'p99.9', 'p99.99', 'max'] as const

function latencyFields(latencies: Percentiles | undefined): Record<string, number> | null {
  if (latencies === undefined) return null
  return Object.fromEntries(LATENCY_FIELDS.map(key => [key, rounded(latencies[key])]))
}

/** To the microsecond, where it is milliseconds. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000
}

type Cell = string | number | boolean | null

const LATENCY_NAMES = LATENCY_FIELDS.map(key => `latency_${key}_ms`)

const PLAIN_NAMES = [
  ['time', 'mode', 'nsqd', 'size', 'batch', 'connections', 'pipeline', 'rate', 'complete', 'seconds'],
  ['messages', 'messages_per_second', 'bytes_per_second'],
  ['lost', 'duplicates', 'unanswered', 'bench_busy', 'bench_late_ms', 'ceiling_messages_per_second'],
].flat()

/** Those of latencies stand last. */
export const CSV_NAMES: readonly string[] = [
  ...PLAIN_NAMES,
  ...LATENCY_NAMES,
  ...LATENCY_NAMES.map(name => `ceiling_${name}`),
]

/** What is not known is empty. */
export function csvLine(nsqd: string, measured: Measured): string {
  const { latency_ms: own, ceiling, ...plain } = record(nsqd, measured)
  const cells: Record<string, Cell> = { ...plain }
  const add = (prefix: string, fields: Record<string, number> | null): void => {
    for (const key of LATENCY_FIELDS) cells[`${prefix}latency_${key}_ms`] = fields?.[key] ?? null
  }
  add('', own)
  add('ceiling_', ceiling?.latency_ms ?? null)
  cells['ceiling_messages_per_second'] = ceiling?.messages_per_second ?? null
  return CSV_NAMES.map(name => quoted(String(cells[name] ?? ''))).join(',')
}

function quoted(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
