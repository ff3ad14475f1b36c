/**
 * `--consumer-opt` and `--producer-opt` of the official tools, `NAME,VALUE` in go-nsq's names (the `opt` tags of nsq.Config),
 * made into options of our client.
 */
import type { ConsumerOptions } from '../client/consumer-options.ts'
import type { ConnectionOptions } from '../client/options.ts'
import { parseDuration } from '../util/duration.ts'
import { errorText } from '../util/errors.ts'
import { UsageError } from './errors.ts'
import { suggest } from './suggest.ts'

/** Reads a value and sets the option that it means. Throws RangeError. */
type Setter<T> = (options: T, value: string) => void
type Setters<T> = Readonly<Record<string, Setter<T>>>

const CONNECTION: Setters<ConnectionOptions> = {
  client_id: (options, value) => (options.clientId = value),
  hostname: (options, value) => (options.hostname = value),
  user_agent: (options, value) => (options.userAgent = value),
  dial_timeout: (options, value) => (options.connectTimeoutMs = milliseconds(value)),
  heartbeat_interval: (options, value) => (options.heartbeatIntervalMs = milliseconds(value)),
  lookupd_poll_interval: (options, value) => (options.lookupPollIntervalMs = milliseconds(value)),
  lookupd_poll_timeout: (options, value) => (options.lookupTimeoutMs = milliseconds(value)),
}

const CONSUMER: Setters<ConsumerSettings> = {
  ...CONNECTION,
  max_in_flight: (options, value) => (options.maxInFlight = integer(value)),
  msg_timeout: (options, value) => (options.messageTimeoutMs = milliseconds(value)),
  sample_rate: (options, value) => (options.sampleRate = integer(value)),
  output_buffer_size: (options, value) => (options.outputBufferBytes = integer(value)),
  output_buffer_timeout: (options, value) => (options.outputBufferTimeoutMs = milliseconds(value)),
  default_requeue_delay: (options, value) => (options.requeueDelayMs = milliseconds(value)),
  max_requeue_delay: (options, value) => (options.maxRequeueDelayMs = milliseconds(value)),
  backoff_multiplier: (options, value) => (options.backoffMultiplierMs = milliseconds(value)),
  max_backoff_duration: (options, value) => (options.maxBackoffMs = milliseconds(value)),
  rdy_redistribute_interval: (options, value) => (options.rotateMs = milliseconds(value)),
}

/** What our client decides by itself; taken, so that a script need not be changed, and without effect. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'backoff_strategy',
  'lookupd_poll_jitter',
  'low_rdy_idle_timeout',
  'low_rdy_timeout',
  // The tools finish every message that they could handle, and never give one up.
  'max_attempts',
  'read_timeout',
  'write_timeout',
])

/** What can only be taken when it is off. */
const NOT_YET = /^(tls_|deflate|snappy|auth_secret$|lookupd_authorization$|local_addr$)/

type ConsumerSettings = Partial<ConsumerOptions>

/** @throws UsageError naming what is wrong, and with which */
export function producerOptions(settings: readonly string[]): ConnectionOptions {
  const options: ConnectionOptions = {}
  read('producer-opt', settings, CONNECTION, options)
  return options
}

/** @throws UsageError naming what is wrong, and with which */
export function consumerOptions(settings: readonly string[]): ConsumerSettings {
  const options: ConsumerSettings = {}
  read('consumer-opt', settings, CONSUMER, options)
  return options
}

function read<T>(flag: string, settings: readonly string[], setters: Setters<T>, options: T): void {
  for (const setting of settings) {
    const comma = setting.search(/[,=]/)
    const name = comma === -1 ? setting : setting.slice(0, comma)
    // As in go-nsq, a name alone switches something on.
    const value = comma === -1 ? 'true' : setting.slice(comma + 1)
    const set = setters[name]
    try {
      if (set !== undefined) set(options, value)
      else if (!WITHOUT_EFFECT.has(name) && !(NOT_YET.test(name) && isOff(value))) refuse(flag, name, setters)
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`--${flag} ${name}: ${errorText(error)}`)
      throw error
    }
  }
}

function refuse<T>(flag: string, name: string, setters: Setters<T>): never {
  if (NOT_YET.test(name)) {
    throw new UsageError(
      `--${flag}: this version does not support ${name}`,
      'It has no TLS, compression or authorization yet.',
    )
  }
  const near = suggest(name, [...Object.keys(setters), ...WITHOUT_EFFECT])
  const remedy =
    near === undefined ? `Known are ${Object.keys(setters).join(', ')}.` : `Did you mean ${near}?`
  throw new UsageError(`--${flag}: there is no option "${name}"`, remedy)
}

function isOff(value: string): boolean {
  return /^(0|false|f|)$/i.test(value)
}

function milliseconds(value: string): number {
  return Math.round(parseDuration(value))
}

function integer(value: string): number {
  if (!/^\d+$/.test(value)) throw new RangeError(`"${value}" is not a whole number`)
  return Number(value)
}
