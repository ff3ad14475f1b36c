import type { Context } from '../command.ts'
import type { StatOptions } from '../commands/stat.ts'
import { UsageError } from '../errors.ts'
import { checkChannel, checkTopic } from '../names.ts'
import { select, type Selection } from './selection.ts'
import type { Thresholds } from './thresholds.ts'

/** What is to be shown, as the flags and the terminal say. */
export interface StatSettings {
  readonly mode: 'live' | 'plain' | 'json' | 'prometheus' | 'official'
  readonly selection: Selection
  readonly thresholds: Thresholds
  /** Reports; Infinity: until it is stopped. */
  readonly count: number
  readonly intervalMs: number
}

const INTERVAL_MS = 2000
/** Somebody waits for it. */
const SINGLE_INTERVAL_MS = 1000

/** @throws UsageError */
export function statSettings({
  options,
  positionals,
  program,
  stdout,
}: Pick<Context<StatOptions>, 'options' | 'positionals' | 'program' | 'stdout'>): StatSettings {
  const { json, prometheus, interval, warnDepth: warn, criticalDepth: critical } = options
  const topics = [...new Set([...options.topic, ...positionals.flatMap(text => text.split(','))])]
  const channels = [...new Set(options.channel)]
  const selection = select(topics, channels)
  selection.named.topics.forEach(checkTopic)
  selection.named.channels.forEach(checkChannel)
  if (json && prometheus) throw new UsageError('--json and --prometheus exclude each other')
  if (warn !== undefined && critical !== undefined && warn > critical) {
    throw new UsageError(
      `--warn-depth ${warn} is above --critical-depth ${critical}`,
      'A warning comes before what is critical.',
    )
  }
  const isOfficial = program === 'nsq_stat' && !json && !prometheus
  if (program === 'nsq_stat' && options.count === 0) throw new UsageError('--count must be positive')
  if (isOfficial && (selection.only.topic === undefined || selection.only.channel === undefined)) {
    throw new UsageError(
      '--topic and --channel are required, one of each',
      '"nsq-ts stat" shows all topics and channels.',
    )
  }
  if (prometheus && ((options.count ?? 1) !== 1 || interval !== undefined))
    throw new UsageError('--prometheus is one report: leave out --count and --interval')
  if (prometheus && options.minDepth > 0)
    throw new UsageError('--prometheus is of all depths: leave out --min-depth')
  const canMove = stdout.canRedraw && !json
  const isEndless = isOfficial || canMove || interval !== undefined
  const count = prometheus
    ? 1
    : options.count === 0
      ? Infinity
      : (options.count ?? (isEndless ? Infinity : 1))
  const text = canMove && count > 1 ? 'live' : 'plain'
  return {
    mode: isOfficial ? 'official' : prometheus ? 'prometheus' : json ? 'json' : text,
    selection,
    thresholds: { warn, critical },
    count,
    intervalMs: interval ?? (count === 1 ? SINGLE_INTERVAL_MS : INTERVAL_MS),
  }
}
