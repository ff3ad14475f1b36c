import { isValidChannelName, isValidTopicName, NAME_RULE } from '../../protocol/names.ts'
import { NsqError } from '../../util/errors.ts'
import { json, raw, type Decoder } from '../codec.ts'
import type { DeadLetterHook } from './dead-letters.ts'
import type { DedupeKey, ResolvedDedupeOptions } from './dedupe.ts'
import type { Delivery } from './delivery.ts'
import type { Message, MessageHandler } from './message.ts'
import { checkNames, type NamesOf } from '../option-names.ts'
import {
  badOption,
  callable,
  CONNECTION_OPTIONS,
  duration,
  flag,
  integer,
  LARGEST_BYTES,
  LONGEST_TIMER_MS,
  lookupdAddresses,
  nsqdAddresses,
  resolveConnectionOptions,
  type ConnectionOptions,
  type ResolvedConnectionOptions,
} from '../options.ts'
import type { StandardSchemaV1 } from '../schema.ts'

/** What every consumer can be told; `T` is the type of its messages' `value`. Times are milliseconds. */
export interface ConsumerSettings<T> extends ConnectionOptions {
  topic: string
  channel: string
  /**
   * Address of an nsqd, `host:port` (port 4150 unless given) or the path of its unix socket, or several. Each is tried
   * again for ever.
   */
  nsqd?: string | readonly string[]
  /**
   * HTTP address of an nsqlookupd, `host:port` (port 4161 unless given) or a URL, or several: the nsqds that have the
   * topic. One that is lost is tried again only while an nsqlookupd names it.
   */
  lookupd?: string | readonly string[]
  /**
   * Whether to subscribe on every nsqd that nsqlookupd names, also where the topic is not yet, which makes it there; false
   * unless given. For topics whose messages are answers: where they will come from is not known before.
   */
  everyNsqd?: boolean
  /**
   * Gets each message. When it returns or its promise resolves, the message is finished, unless it was answered; when
   * it throws or its promise rejects, the message is requeued, and `onError` gets `E_HANDLER`.
   */
  handler?: MessageHandler<T>
  /** Handlers running at a time, 1 to 1,000,000; 1 unless given. */
  concurrency?: number
  /**
   * Gets each message at once, without a promise, and answers it now or later: the fastest way. Messages come as many
   * at a time as `maxInFlight` allows. When it throws, the message is requeued.
   */
  onMessage?: (message: Message<T>) => void
  /** Messages received and not yet answered, over all nsqds, 1 to 1,000,000; `concurrency` unless given. */
  maxInFlight?: number
  /**
   * Bytes of messages received and not yet answered, from 1; no limit unless given. With more, no messages are asked for
   * until it is half as many; those that nsqd has sent by then still come.
   */
  maxInFlightBytes?: number
  /**
   * nsqd's timeout for a message that is not answered, 1,000 to 2,147,483,647; nsqd's `--msg-timeout` (60,000) unless
   * given. nsqd refuses more than its `--max-msg-timeout`.
   */
  messageTimeoutMs?: number
  /** Percentage of messages to get, 1 to 99; all unless given. */
  sampleRate?: number
  /** Bytes nsqd gathers before it writes to the connection, 64 to 2,147,483,647; nsqd's own default unless given. */
  outputBufferBytes?: number
  /** How long nsqd gathers at most, 1 to 3,600,000; nsqd's own default unless given. */
  outputBufferTimeoutMs?: number
  /**
   * Whether messages whose handling takes its time, or that wait behind such, are touched before their timeout passes;
   * true unless given. It ends where touching does not help any more: nsqd's `--max-msg-timeout` after the delivery.
   */
  autoTouch?: boolean
  /**
   * Deliveries after which a message that fails is given up, 0 to 65,535; 5 unless given, 0 for any number. One that
   * comes once more nevertheless, as its handling never came to an end, is given up at once; so is one that does not
   * decode, whatever this says.
   */
  maxAttempts?: number
  /**
   * What becomes of a message that is given up. A topic: its body is published there, to the same nsqds, and the message
   * finished when that is acknowledged. A function: gets the message and why it was given up, an `E_HANDLER`, `E_DECODE`,
   * `E_SCHEMA` or `E_MAX_ATTEMPTS`, and the message is finished when it returns or its promise resolves; the message's
   * value is undefined when it did not decode. When either fails, the message is requeued and `onError` gets
   * `E_DEAD_LETTER`. Without this option the message is finished, and `onError` gets `E_MAX_ATTEMPTS`; without that, too,
   * the process warns.
   */
  deadLetter?: string | ((message: Message<T | undefined>, error: NsqError) => unknown)
  /**
   * Keeps a message from being handled twice in this process: a copy of one in hand waits, and is finished with it, or
   * handled when that one fails; a copy of a finished one is finished at once. `true` or `{}` for the defaults; off
   * unless given.
   */
  dedupe?: boolean | DedupeOptions<T>
  /** A message requeued without a delay comes back after this, times its attempts, 0 to 2,147,483,647; 90,000. */
  requeueDelayMs?: number
  /** The longest of those delays, 0 to 2,147,483,647; 900,000 unless given. */
  maxRequeueDelayMs?: number
  /**
   * Backoff: after a requeue nothing is taken for twice this time, after further ones for four times, and so on, 1 to
   * 3,600,000; 1,000 unless given.
   */
  backoffMultiplierMs?: number
  /** The longest wait of backoff, 0 to 3,600,000; 120,000 unless given, 0 for no backoff. */
  maxBackoffMs?: number
  /** With more nsqds than `maxInFlight` they take turns of this length, 500 to 3,600,000; 1,000 unless given. */
  rotateMs?: number
}

/** What counts as the same message, and for how long it is remembered. */
export interface DedupeOptions<T = Buffer> {
  /**
   * Messages with one key are the same message. Unless given, the id and the nsqd it came from: that tells
   * redeliveries. Ids are unique for one nsqd only, so the copies from a redundant pair need a key from what they say.
   */
  key?: (message: Message<T>) => string | number | bigint
  /** Finished messages that are remembered, 1 to 10,000,000; 10,000 unless given. */
  size?: number
  /** How long they are remembered, 1 to 2,147,483,647; 300,000 unless given. */
  ms?: number
}

/** For values that are the bodies as they are. */
export interface RawConsumerOptions extends ConsumerSettings<Buffer> {
  codec?: Decoder<Buffer> | undefined
  schema?: undefined
}

/** For values that a codec makes of the bodies. */
export interface CodecConsumerOptions<T> extends ConsumerSettings<T> {
  /** Makes the value of a body: `json`, `text`, `raw` (what is used unless given), or one of yours. */
  codec: Decoder<T>
  schema?: undefined
}

/** For values that were checked. */
export interface SchemaConsumerOptions<T> extends ConsumerSettings<T> {
  /** Makes of a body what the schema checks; `json` unless given. */
  codec?: Decoder<unknown> | undefined
  /**
   * A validator of zod, valibot, arktype or another that follows Standard Schema; the value is what it makes of what was
   * decoded. With one that is asynchronous the messages still come in order, and count as in flight meanwhile.
   */
  schema: StandardSchemaV1<unknown, T>
}

/** What makes a `Consumer<T>`. */
export type ConsumerOptions<T = Buffer> = [T] extends [Buffer]
  ? RawConsumerOptions
  : CodecConsumerOptions<T> | SchemaConsumerOptions<T>

/** Any of them. */
export interface AnyConsumerOptions extends ConsumerSettings<never> {
  codec?: Decoder<unknown> | undefined
  schema?: StandardSchemaV1 | undefined
}

export interface ResolvedConsumerOptions extends ResolvedConnectionOptions {
  topic: string
  channel: string
  nsqd: readonly string[]
  lookupd: readonly string[]
  everyNsqd: boolean
  handler: ((delivery: Delivery) => unknown) | undefined
  concurrency: number
  onMessage: ((delivery: Delivery) => unknown) | undefined
  maxInFlight: number
  maxInFlightBytes: number | undefined
  /** Undefined when the bodies are the values. */
  decoder: Decoder<unknown> | undefined
  schema: StandardSchemaV1 | undefined
  autoTouch: boolean
  maxAttempts: number
  deadLetter: string | DeadLetterHook | undefined
  dedupe: ResolvedDedupeOptions | undefined
  requeueDelayMs: number
  maxRequeueDelayMs: number
  backoffMultiplierMs: number
  maxBackoffMs: number
  rotateMs: number
}

const NAMES = {
  ...CONNECTION_OPTIONS,
  topic: true,
  channel: true,
  nsqd: true,
  lookupd: true,
  everyNsqd: true,
  handler: true,
  concurrency: true,
  onMessage: true,
  maxInFlight: true,
  maxInFlightBytes: true,
  messageTimeoutMs: true,
  sampleRate: true,
  outputBufferBytes: true,
  outputBufferTimeoutMs: true,
  autoTouch: true,
  maxAttempts: true,
  deadLetter: true,
  dedupe: true,
  requeueDelayMs: true,
  maxRequeueDelayMs: true,
  backoffMultiplierMs: true,
  maxBackoffMs: true,
  rotateMs: true,
  codec: true,
  schema: true,
} satisfies NamesOf<AnyConsumerOptions>
const DEDUPE_NAMES = { key: true, size: true, ms: true } satisfies NamesOf<DedupeOptions>

/** How long the turn of an nsqd is where `rotateMs` does not say, in ms. */
export const ROTATE_MS = 1000

/** As far as nsqd counts. */
const MOST_ATTEMPTS = 65_535

/** Checks every option and puts the defaults in. */
export function resolveConsumerOptions(options: AnyConsumerOptions): ResolvedConsumerOptions {
  checkNames('a consumer', options, NAMES)
  const { topic, channel, handler, onMessage, codec, schema } = options
  if (!isValidTopicName(topic)) {
    throw new NsqError('E_BAD_TOPIC', `"${topic}" is not the name of a topic`, { remedy: NAME_RULE })
  }
  if (!isValidChannelName(channel)) {
    throw new NsqError('E_BAD_CHANNEL', `"${channel}" is not the name of a channel`, { remedy: NAME_RULE })
  }
  const nsqd = nsqdAddresses(options.nsqd)
  const lookupd = lookupdAddresses(options.lookupd)
  if (nsqd.length + lookupd.length === 0) throw badOption('nsqd or lookupd must name at least one address')
  if (handler !== undefined && onMessage !== undefined) {
    throw badOption('handler and onMessage cannot both get the messages')
  }
  if (codec !== undefined && typeof codec.decode !== 'function') {
    throw badOption('codec must have a function decode')
  }
  if (schema !== undefined && typeof schema['~standard']?.validate !== 'function') {
    throw badOption('schema must be a validator that follows Standard Schema')
  }
  const concurrency = integer('concurrency', options.concurrency, 1, 1, 1_000_000)
  // These go to nsqd only when given; here they are checked.
  duration('messageTimeoutMs', options.messageTimeoutMs, 60_000, 1000, LONGEST_TIMER_MS)
  integer('sampleRate', options.sampleRate, 1, 1, 99)
  integer('outputBufferBytes', options.outputBufferBytes, 16_384, 64, LARGEST_BYTES)
  duration('outputBufferTimeoutMs', options.outputBufferTimeoutMs, 250)
  return {
    ...resolveConnectionOptions(options),
    topic,
    channel,
    nsqd,
    lookupd,
    everyNsqd: flag('everyNsqd', options.everyNsqd, false),
    handler: toDeliveries(callable('handler', handler)),
    concurrency,
    onMessage: toDeliveries(callable('onMessage', onMessage)),
    maxInFlight: integer('maxInFlight', options.maxInFlight, concurrency, 1, 1_000_000),
    maxInFlightBytes:
      options.maxInFlightBytes === undefined
        ? undefined
        : integer('maxInFlightBytes', options.maxInFlightBytes, 1, 1, Number.MAX_SAFE_INTEGER),
    decoder: codec === raw && schema === undefined ? undefined : (codec ?? (schema && json)),
    schema,
    autoTouch: flag('autoTouch', options.autoTouch, true),
    maxAttempts: integer('maxAttempts', options.maxAttempts, 5, 0, MOST_ATTEMPTS),
    deadLetter: resolveDeadLetter(options),
    dedupe: resolveDedupe(options.dedupe),
    requeueDelayMs: duration('requeueDelayMs', options.requeueDelayMs, 90_000, 0, LONGEST_TIMER_MS),
    maxRequeueDelayMs: duration('maxRequeueDelayMs', options.maxRequeueDelayMs, 900_000, 0, LONGEST_TIMER_MS),
    backoffMultiplierMs: duration('backoffMultiplierMs', options.backoffMultiplierMs, 1000),
    maxBackoffMs: duration('maxBackoffMs', options.maxBackoffMs, 120_000, 0),
    // Much longer than what ReadyCount waits for an idle connection's turn to end.
    rotateMs: duration('rotateMs', options.rotateMs, ROTATE_MS, 500),
  }
}

function resolveDeadLetter({ topic, deadLetter }: AnyConsumerOptions): string | DeadLetterHook | undefined {
  if (typeof deadLetter === 'function') return toDeliveries(deadLetter)
  if (deadLetter === undefined) return undefined
  if (typeof deadLetter !== 'string') throw badOption('deadLetter must be the name of a topic or a function')
  if (!isValidTopicName(deadLetter)) {
    const what = `deadLetter: "${deadLetter}" is not the name of a topic`
    throw new NsqError('E_BAD_TOPIC', what, { remedy: NAME_RULE })
  }
  if (deadLetter === topic) throw badOption('deadLetter must not be the topic itself: nothing would ever end')
  return deadLetter
}

function resolveDedupe(
  options: boolean | DedupeOptions<never> | undefined,
): ResolvedDedupeOptions | undefined {
  if (options === undefined || options === false) return undefined
  const given = options === true ? {} : options
  checkNames('dedupe', given, DEDUPE_NAMES)
  const { key, size, ms } = given
  callable('dedupe.key', key)
  return {
    key: toDeliveries<[], DedupeKey>(key),
    size: integer('dedupe.size', size, 10_000, 1, 10_000_000),
    ms: duration('dedupe.ms', ms, 300_000, 1, LONGEST_TIMER_MS),
  }
}

/**
 * A function of the program's as one that takes what is inside. The compiler cannot follow a value to it, but the overloads
 * of Consumer's constructor ask for the decoder that makes values of its type.
 */
function toDeliveries<Rest extends unknown[], R>(
  take: (message: Message<never>, ...rest: Rest) => R,
): (delivery: Delivery, ...rest: Rest) => R
function toDeliveries<Rest extends unknown[], R>(
  take: ((message: Message<never>, ...rest: Rest) => R) | undefined,
): ((delivery: Delivery, ...rest: Rest) => R) | undefined
function toDeliveries(take: unknown): unknown {
  return take
}
