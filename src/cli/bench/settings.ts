import type { OptionValues } from '../../util/option.ts'
import { suggest } from '../../util/suggest.ts'
import type { BenchOptions } from '../commands/bench.ts'
import { UsageError } from '../errors.ts'

const MODES = ['pub', 'sub', 'latency'] as const
export type Mode = (typeof MODES)[number]

/** What one run does. */
export interface Load {
  readonly mode: Mode
  /** Bytes of a message. */
  readonly size: number
  /** Messages of a command. */
  readonly batch: number
  readonly connections: number
  /** Commands of a connection that wait for their OK. */
  readonly pipeline: number
  /** Messages a second; undefined: as fast as it goes. */
  readonly rate: number | undefined
  readonly warmupMs: number
  /** Whichever comes first; Infinity for none. */
  readonly durationMs: number
  readonly messages: number
}

const BATCH = 200
const BATCH_BYTES = 1024 * 1024
const LATENCY_RATE = 1000
const DURATION_MS = 5000

/** The runs that the command line asks for, in their order. */
export function loads(options: OptionValues<BenchOptions>, positionals: readonly string[]): Load[] {
  const { size, connections, pipeline, messages, duration, rate } = options
  if (options.json && options.csv) throw new UsageError('--json and --csv exclude each other')
  const modes = modesOf(positionals[0])
  if (rate !== undefined && modes.every(mode => mode === 'sub')) {
    throw new UsageError('--rate is not for sub', 'It consumes what is there, as fast as it goes.')
  }
  const usual = Math.max(1, Math.min(BATCH, Math.floor(BATCH_BYTES / size)))
  return modes.map(mode => ({
    mode,
    size,
    batch: options.batch ?? (mode === 'latency' ? 1 : usual),
    connections,
    pipeline,
    rate: mode === 'sub' ? undefined : (rate ?? (mode === 'latency' ? LATENCY_RATE : undefined)),
    warmupMs: options.warmup,
    durationMs: duration ?? (messages === undefined ? DURATION_MS : Number.POSITIVE_INFINITY),
    messages: messages ?? Number.POSITIVE_INFINITY,
  }))
}

function modesOf(word = 'all'): readonly Mode[] {
  if (word === 'all') return MODES
  const mode = MODES.find(each => each === word)
  if (mode !== undefined) return [mode]
  const near = suggest(word, [...MODES, 'all'])
  throw new UsageError(
    `there is no "${word}" to measure`,
    near === undefined ? `There are ${MODES.join(', ')} and all.` : `Did you mean ${near}?`,
  )
}
