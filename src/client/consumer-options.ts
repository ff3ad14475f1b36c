import { isValidChannelName, isValidTopicName, NAME_RULE } from '../protocol/names.ts'
import { NsqError } from '../util/errors.ts'
import type { MessageHandler } from './inbox.ts'
import type { Message } from './message.ts'
import {
  badOption,
  duration,
  integer,
  LARGEST_BYTES,
  lookupdAddresses,
  nsqdAddresses,
  resolveConnectionOptions,
  type ConnectionOptions,
  type ResolvedConnectionOptions,
} from './options.ts'

export interface ConsumerOptions extends ConnectionOptions {
  topic: string
  channel: string
  /** Address of an nsqd, `host:port` (port 4150 unless given), or several. Each is tried again for ever. */
  nsqd?: string | readonly string[]
  /**
   * HTTP address of an nsqlookupd, `host:port` (port 4161 unless given) or a URL, or several: the nsqds that have the
   * topic. One that is lost is tried again only while an nsqlookupd names it.
   */
  lookupd?: string | readonly string[]
  /**
   * Gets each message. When it returns or its promise resolves, the message is finished, unless it was answered; when
   * it throws or its promise rejects, the message is requeued, and `onError` gets `E_HANDLER`.
   */
  handler?: MessageHandler
  /** Handlers running at a time, 1 to 1,000,000; 1 unless given. */
  concurrency?: number
  /**
   * Gets each message at once, without a promise, and answers it now or later: the fastest way. Messages come as many
   * at a time as `maxInFlight` allows. When it throws, the message is requeued.
   */
  onMessage?: (message: Message) => void
  /** Messages received and not yet answered, over all nsqds, 1 to 1,000,000; `concurrency` unless given. */
  maxInFlight?: number
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

export interface ResolvedConsumerOptions extends ResolvedConnectionOptions {
  topic: string
  channel: string
  nsqd: readonly string[]
  lookupd: readonly string[]
  handler: MessageHandler | undefined
  concurrency: number
  onMessage: ((message: Message) => void) | undefined
  maxInFlight: number
  requeueDelayMs: number
  maxRequeueDelayMs: number
  backoffMultiplierMs: number
  maxBackoffMs: number
  rotateMs: number
}

const LONGEST_TIMER_MS = 0x7fff_ffff

/** Checks every option and puts the defaults in. */
export function resolveConsumerOptions(options: ConsumerOptions): ResolvedConsumerOptions {
  const { topic, channel, handler, onMessage } = options
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
    handler,
    concurrency,
    onMessage,
    maxInFlight: integer('maxInFlight', options.maxInFlight, concurrency, 1, 1_000_000),
    requeueDelayMs: duration('requeueDelayMs', options.requeueDelayMs, 90_000, 0, LONGEST_TIMER_MS),
    maxRequeueDelayMs: duration('maxRequeueDelayMs', options.maxRequeueDelayMs, 900_000, 0, LONGEST_TIMER_MS),
    backoffMultiplierMs: duration('backoffMultiplierMs', options.backoffMultiplierMs, 1000),
    maxBackoffMs: duration('maxBackoffMs', options.maxBackoffMs, 120_000, 0),
    // Much longer than what ReadyCount waits for an idle connection's turn to end.
    rotateMs: duration('rotateMs', options.rotateMs, 1000, 500),
  }
}
