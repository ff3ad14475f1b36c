import type { NsqdStats } from '../../cluster/stats.ts'
import { findCluster } from '../cluster-options.ts'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { StatOptions } from '../commands/stat.ts'
import { describeError, ExitCode } from '../errors.ts'
import { errorLine, oneLine } from '../escape.ts'
import { type CellStyle, columnsFor } from './columns.ts'
import { glyphsFor } from './glyphs.ts'
import { failureJson, reportJson } from './json.ts'
import { runLive, type Watched } from './live.ts'
import { Looks, type Outcome } from './looks.ts'
import { isComplete, missing } from './names.ts'
import { OfficialReport } from './official.ts'
import { reportMetrics } from './prometheus.ts'
import type { Report } from './report.ts'
import { rowsOf, totalsOf } from './rows.ts'
import type { Selection } from './selection.ts'
import { statSettings, type StatSettings } from './settings.ts'
import { layOut, printTable, type Widths } from './table.ts'
import { judge, verdictText } from './thresholds.ts'

/** Shows what a look has brought, and resolves when it has left: a reader that is slow slows us down. */
type Emit = (outcome: Outcome) => Promise<unknown>

/** Exit codes of a check, besides those of every command. */
const LEVEL_CODES = { ok: ExitCode.done, warning: 3, critical: 4 } as const

export async function runStat(context: Context<StatOptions>): Promise<number> {
  const settings = statSettings(context)
  try {
    return await watch(context, settings)
  } catch (error) {
    // What was given up is no failure, but a check that has seen nothing has not passed.
    if (context.signal.aborted) return isCheck(settings) ? ExitCode.failed : ExitCode.done
    throw error
  }
}

async function watch(context: Context<StatOptions>, settings: StatSettings): Promise<number> {
  const { options, signal, stderr, program } = context
  const say = (text: string): void => stderr.line(`${program}: ${oneLine(text)}`)
  const { cluster, assumed } = await findCluster(options, context)
  if (assumed !== undefined && settings.mode === 'plain' && stderr.isTerminal) say(`asking ${assumed}`)
  const looks = new Looks(cluster, settings.selection)
  const outcome = await looks.attempt(signal)
  signal.throwIfAborted()
  if ('error' in outcome) throw outcome.error
  const first = outcome.report
  const { unknown, nowhere } = await missing(cluster, settings.selection, first)
  const isEmpty = first.topics.length === 0
  const [error] = unknown
  if (error !== undefined && (isEmpty || settings.mode === 'official')) throw error
  for (const each of [...unknown, ...nowhere]) say(sentence(each))
  if (isEmpty && nowhere.length === 0 && settings.mode !== 'live') say(nothingThere(settings.selection))
  const watched =
    settings.mode === 'live'
      ? await runLive(context, settings, looks, first)
      : await print(context, settings, looks, first, say)
  return exitCode(watched, settings, say)
}

/** Prints report after report. */
async function print(
  context: Context<StatOptions>,
  settings: StatSettings,
  looks: Looks,
  first: Report,
  say: (text: string) => void,
): Promise<Watched> {
  const { signal, stdout } = context
  const { count, intervalMs, mode, selection } = settings
  let last: Outcome = { report: first }
  for (const warning of first.warnings) say(errorLine(warning))
  if (mode === 'prometheus') {
    await stdout.write(await reportMetrics(first, selection))
    return { last, hasEnded: true }
  }
  // The first has no rates yet.
  const emit = await emitter(context, settings, first, say)
  for (let made = 0; made < count; made++) {
    await looks.due(intervalMs, signal)
    if (signal.aborted) return { last, hasEnded: false }
    const outcome = await looks.attempt(signal)
    // What was given up says nothing.
    if (signal.aborted) return { last, hasEnded: false }
    last = outcome
    const errors = 'report' in last ? last.report.warnings : [last.error]
    if (count > 1 || 'error' in last) for (const error of errors) say(errorLine(error))
    await emit(last)
  }
  return { last, hasEnded: true }
}

/** How a report is shown that is not on a screen of its own. */
async function emitter(
  context: Context<StatOptions>,
  settings: StatSettings,
  first: Report,
  say: (text: string) => void,
): Promise<Emit> {
  const { stdout, options } = context
  const { selection, thresholds, mode } = settings
  if (mode === 'official') {
    const { topic = '', channel = '' } = selection.only
    const official = new OfficialReport(topic, channel)
    const print = (stats: readonly NsqdStats[] | undefined): Promise<unknown> =>
      stdout.write(
        official
          .next(stats)
          .map(line => `${line}\n`)
          .join(''),
      )
    await print(first.stats)
    return outcome => {
      if (!('report' in outcome)) return print(undefined)
      if (outcome.report.topics.length === 0) say(`the topic ${topic} has no channel ${channel} any more`)
      return print(outcome.report.stats)
    }
  }
  if (mode === 'json') {
    return outcome =>
      stdout.write(
        'report' in outcome
          ? `${reportJson(outcome.report, thresholds, options.minDepth)}\n`
          : `${failureJson(outcome.error, new Date())}\n`,
      )
  }
  const style: CellStyle = {
    painter: await loadPainter(stdout.colour),
    glyphs: glyphsFor(context.env),
    thresholds,
    isPlain: !stdout.isTerminal,
  }
  const widths: Widths = new Map()
  return async outcome => {
    if (!('report' in outcome)) return
    const rows = rowsOf(outcome.report, { sort: options.sort, minDepth: options.minDepth, filter: '' })
    const sheet = layOut(rows, totalsOf(rows), {
      columns: columnsFor(rows, false),
      style,
      room: stdout.isTerminal ? (stdout.columns ?? Infinity) : Infinity,
      widths,
      sort: undefined,
    })
    const time = settings.count > 1 ? `${outcome.report.at.toTimeString().slice(0, 8)}\n` : ''
    await stdout.write(time + printTable(sheet) + (settings.count > 1 ? '\n' : ''))
  }
}

function exitCode({ last, hasEnded }: Watched, settings: StatSettings, say: (text: string) => void): number {
  // Whoever stops it has seen how it stood, unless nobody watches.
  if ('error' in last) return hasEnded || isCheck(settings) ? ExitCode.failed : ExitCode.done
  const verdict = judge(last.report, settings.thresholds)
  if (verdict.level !== 'ok') say(verdictText(verdict))
  // What was not seen has not passed.
  else if (
    isCheck(settings) &&
    !(isComplete(settings.selection, last.report) && last.report.warnings.length === 0)
  )
    return ExitCode.failed
  return LEVEL_CODES[verdict.level]
}

function isCheck({ thresholds: { warn, critical } }: StatSettings): boolean {
  return warn !== undefined || critical !== undefined
}

function nothingThere({ patterns }: Selection): string {
  return patterns.length === 0 ? 'no nsqd has a topic yet' : `nothing is like ${patterns.join(', ')}`
}

function sentence(error: unknown): string {
  const { message, remedy } = describeError(error)
  return remedy === undefined ? message : `${message}. ${remedy}`
}
