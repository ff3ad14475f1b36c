/**
 * `--consumer-opt` and `--producer-opt` of the official tools, `NAME,VALUE` in go-nsq's names (the `opt` tags of nsq.Config),
 * and the flags of the connection, made into options of our client.
 */
import type { SecureVersion } from 'node:tls'
import type { ConsumerOptions } from '../client/consumer/consumer-options.ts'
import type { ConnectionOptions } from '../client/options.ts'
import { errorText } from '../util/errors.ts'
import { option } from '../util/option.ts'
import type { ConnectionFlags } from './connection-options.ts'
import { UsageError } from './errors.ts'
import { type SecureSettings, secureOptions, settingsOf } from './secure-settings.ts'
import { suggest } from '../util/suggest.ts'

/** The options of a consumer that go-nsq has a name for. */
type ConsumerSettings = ConnectionOptions &
  Partial<
    Pick<
      ConsumerOptions,
      | 'maxInFlight'
      | 'maxAttempts'
      | 'messageTimeoutMs'
      | 'sampleRate'
      | 'outputBufferBytes'
      | 'outputBufferTimeoutMs'
      | 'requeueDelayMs'
      | 'maxRequeueDelayMs'
      | 'backoffMultiplierMs'
      | 'maxBackoffMs'
      | 'rotateMs'
    >
  >

/** What was said so far. */
interface Draft {
  readonly client: ConsumerSettings
  readonly secure: SecureSettings
}

/** What one of go-nsq's names does. */
interface Setting {
  /** Its name alone switches it on, as in go-nsq. */
  readonly isSwitch?: boolean
  /** The client's option, and the range that it has there. */
  readonly number?: { name: string; min: number; max: number }
  /** Throws RangeError. `source` is how the user named it, for what is found wrong with it later. */
  set(draft: Draft, value: string, source: string): void
}

type Settings = Readonly<Record<string, Setting>>

const HOUR = 3_600_000
const INT32 = 2 ** 31 - 1

/** Of producers and consumers. */
const CONNECTION: Settings = {
  client_id: { set: ({ client }, value) => (client.clientId = value) },
  hostname: { set: ({ client }, value) => (client.hostname = value) },
  user_agent: { set: ({ client }, value) => (client.userAgent = value) },
  dial_timeout: time('connectTimeoutMs', 1, HOUR),
  heartbeat_interval: time('heartbeatIntervalMs', 1000, HOUR),
  lookupd_poll_interval: time('lookupPollIntervalMs', 10, HOUR),
  lookupd_poll_timeout: time('lookupTimeoutMs', 1, HOUR),
  tls_v1: toggle(({ secure }, isOn) => (secure.tls = isOn)),
  tls_root_ca_file: { set: ({ secure }, value, source) => (withTls(secure).ca = { source, value }) },
  tls_cert: { set: ({ secure }, value, source) => (withTls(secure).cert = { source, value }) },
  tls_key: { set: ({ secure }, value, source) => (withTls(secure).key = { source, value }) },
  tls_insecure_skip_verify: toggle(({ secure }, isOn) => (secure.insecure = isOn)),
  tls_min_version: { set: ({ secure }, value) => (secure.minVersion = tlsVersion(value)) },
  deflate: toggle(({ secure }, isOn) => (secure.deflate = isOn)),
  deflate_level: { set: ({ secure }, value) => (secure.deflateLevel = integer(value, 1, 9)) },
  snappy: toggle(({ secure }, isOn) => (secure.snappy = isOn)),
  auth_secret: { set: ({ secure }, value, source) => (secure.authSecret = { source, value }) },
  // Its name says the opposite of what go-nsq does: false is what keeps the secret from nsqlookupd.
  skip_lookupd_authorization: toggle(({ secure }, isOn) => (secure.lookupdAuthorization = isOn)),
}

/** Of consumers only. go-nsq has one Config for both, so that a producer takes them, and without effect. */
const CONSUMER: Settings = {
  max_in_flight: count('maxInFlight', 1, 1_000_000),
  max_attempts: count('maxAttempts', 0, 65_535),
  msg_timeout: unlessZero(time('messageTimeoutMs', 1000, INT32)),
  sample_rate: unlessZero(count('sampleRate', 1, 99)),
  output_buffer_size: unlessZero(count('outputBufferBytes', 64, INT32)),
  output_buffer_timeout: unlessZero(time('outputBufferTimeoutMs', 1, HOUR)),
  default_requeue_delay: time('requeueDelayMs', 0, INT32),
  max_requeue_delay: time('maxRequeueDelayMs', 0, INT32),
  backoff_multiplier: time('backoffMultiplierMs', 1, HOUR),
  max_backoff_duration: time('maxBackoffMs', 0, HOUR),
  rdy_redistribute_interval: time('rotateMs', 500, HOUR),
}

/** Every name that means something here. */
export const SETTINGS: Settings = { ...CONNECTION, ...CONSUMER }

/** What our client decides by itself; taken, so that a script need not be changed, and without effect. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  'backoff_strategy',
  'lookupd_poll_jitter',
  'low_rdy_idle_timeout',
  'low_rdy_timeout',
  'read_timeout',
  'write_timeout',
])

/**
 * The flags of the connection and `--producer-opt`; where they disagree, the latter counts.
 *
 * @throws UsageError naming what is wrong, and with which; NsqError `E_TLS_FILE`
 */
export async function producerOptions(
  flags: ConnectionFlags,
  settings: readonly string[],
): Promise<ConnectionOptions> {
  const { client, secure } = read('--producer-opt', flags, settings, CONNECTION)
  return { ...client, ...(await secureOptions(secure)) }
}

/** The same with `--consumer-opt`. */
export async function consumerOptions(
  flags: ConnectionFlags,
  settings: readonly string[],
): Promise<ConsumerSettings> {
  const { client, secure } = read('--consumer-opt', flags, settings, SETTINGS)
  return { ...client, ...(await secureOptions(secure)) }
}

function read(flag: string, flags: ConnectionFlags, settings: readonly string[], used: Settings): Draft {
  const draft: Draft = { client: {}, secure: settingsOf(flags) }
  for (const text of settings) {
    const [, typed, value] = /^([\w-]+)(?:[,=]([^]*))?$/.exec(text) ?? []
    // The text is not shown: it may hold a secret.
    if (typed === undefined) throw new UsageError(`${flag} must be NAME,VALUE`)
    // As in go-nsq.
    const name = typed.replaceAll('-', '_')
    if (WITHOUT_EFFECT.has(name)) continue
    const setting = SETTINGS[name] ?? refuse(flag, name)
    const target = name in used ? draft : { client: {}, secure: {} }
    try {
      setting.set(target, value ?? valueOfName(setting), `${flag} ${name}`)
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(`${flag} ${name}: ${errorText(error)}`)
      throw error
    }
  }
  return draft
}

function valueOfName({ isSwitch = false }: Setting): string {
  if (isSwitch) return 'true'
  throw new RangeError('it needs a value, after a comma')
}

function refuse(flag: string, name: string): never {
  if (name === 'local_addr') {
    throw new UsageError(`${flag} local_addr: this client cannot choose its own address`, 'Leave it out.')
  }
  const known = Object.keys(SETTINGS)
  const near = suggest(name, [...known, ...WITHOUT_EFFECT])
  const remedy = near === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${near}?`
  throw new UsageError(`${flag}: there is no option "${name}"`, remedy)
}

type NumberName = {
  [Name in keyof ConsumerSettings]-?: NonNullable<ConsumerSettings[Name]> extends number ? Name : never
}[keyof ConsumerSettings]

function time(name: NumberName, min: number, max: number): Setting {
  const duration = option.duration('', min, { min, max })
  return numeric(name, min, max, value => Math.round(duration.parse([value])))
}

function count(name: NumberName, min: number, max: number): Setting {
  return numeric(name, min, max, value => integer(value, min, max))
}

function numeric(name: NumberName, min: number, max: number, parse: (value: string) => number): Setting {
  return {
    number: { name, min, max },
    set: ({ client }, value) => (client[name] = parse(value)),
  }
}

/** To go-nsq and nsqd, zero is what is not given. */
function unlessZero(setting: Setting): Setting {
  return {
    ...setting,
    set: (draft, value, source) => {
      if (!/^0[a-zµ]*$/.test(value)) setting.set(draft, value, source)
    },
  }
}

function toggle(set: (draft: Draft, isOn: boolean) => void): Setting {
  return { isSwitch: true, set: (draft, value) => set(draft, option.bool('').parse([value])) }
}

function integer(value: string, min: number, max: number): number {
  return option.int('', min, { min, max }).parse([value])
}

/** go-nsq would leave TLS off; but who names a certificate does not want to speak in the clear. */
function withTls(secure: SecureSettings): SecureSettings {
  secure.tls ??= true
  return secure
}

// What is before TLS 1.0 nobody speaks any more; who allows it, allows all.
const TLS_VERSIONS = {
  'ssl3.0': 'TLSv1',
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
} as const

function tlsVersion(value: string): SecureVersion {
  return TLS_VERSIONS[
    option.choice('', ['ssl3.0', 'tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'], 'tls1.2').parse([value])
  ]
}
