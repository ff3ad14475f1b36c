import type { LooseEncoder } from './body.ts'
import type { Encoder } from '../codec.ts'
import {
  badOption,
  choice,
  CONNECTION_OPTIONS,
  type ConnectionOptions,
  duration,
  integer,
  LARGEST_BYTES,
  LONGEST_TIMER_MS,
  lookupdAddresses,
  nsqdAddresses,
  resolveConnectionOptions,
} from '../options.ts'
import { checkNames, type NamesOf } from '../option-names.ts'
import type { ProducerStrategy, RouterOptions } from './router.ts'

/** What may be published: bytes, or a string that goes as UTF-8. Bytes must not change until the promise settles. */
export type MessageValue = Buffer | Uint8Array | string

export interface PublishOptions {
  /** Deliver the messages this many milliseconds later, 0 to `maxDeferMs`. */
  defer?: number
}

/** `T`: what is published; what `codec` encodes. */
export interface ProducerOptions<T = MessageValue> extends ConnectionOptions {
  /** Address of an nsqd, `host:port` (port 4150 unless given) or the path of its unix socket, or several. */
  nsqd?: string | readonly string[]
  /** HTTP address of an nsqlookupd, `host:port` (port 4161 unless given) or a URL, or several: all nsqds they know. */
  lookupd?: string | readonly string[]
  /** Which of several nsqds gets a message; `failover` unless given. */
  strategy?: ProducerStrategy
  /** Makes bytes of what is published: `raw` (bytes and strings) unless given, `text`, `json`, or one of your own. */
  codec?: Encoder<T>
  /**
   * A larger message is refused before it is sent, 1 to 2,147,483,647 bytes; 1 MiB unless given. It must not be more
   * than nsqd's `--max-msg-size`: nsqd refuses all that was published with a larger one in the same turn.
   */
  maxMessageBytes?: number
  /**
   * Bytes of an MPUB's body, 1 to 2,147,483,647; 512 KiB unless given. It must not be more than nsqd's
   * `--max-body-size`. A larger message goes alone.
   */
  maxBatchBytes?: number
  /** Messages in an MPUB, 1 to 1,000,000; 250 unless given: with more, nsqd and the client wait for each other. */
  maxBatchMessages?: number
  /**
   * Messages and bookkeeping that wait for nsqd, 1 to 2,147,483,647 bytes; 16 MiB unless given. The call that reaches
   * it is still taken as a whole.
   */
  maxPendingBytes?: number
  /**
   * What a publish does when `maxPendingBytes` wait: it waits its turn (`wait`, unless given), or fails at once
   * (`error`: `E_FULL`). What waits its turn is not counted: it is as much as the program has published and not awaited.
   */
  whenFull?: 'wait' | 'error'
  /** A longer `defer` is refused, 0 to 2,147,483,647; 1 hour unless given, as nsqd's `--max-req-timeout`. */
  maxDeferMs?: number
  /** How long a publish may take with everything, reconnecting too, 1 to 2,147,483,647; 60,000 unless given. */
  publishTimeoutMs?: number
  /** How often a message is sent again after its connection was lost, 0 to 1,000; 3 unless given. */
  retries?: number
  /** Attempts in a row to connect to an nsqd, 1 to 1,000,000, before it is given up until the next publish; 10. */
  maxConnectAttempts?: number
}

export interface ResolvedProducerOptions<T> {
  encoder: LooseEncoder<T>
  maxMessageBytes: number
  maxBatchBytes: number
  maxBatchMessages: number
  maxPendingBytes: number
  whenFull: 'wait' | 'error'
  maxDeferMs: number
  publishTimeoutMs: number
  router: RouterOptions
}

const NAMES = {
  ...CONNECTION_OPTIONS,
  nsqd: true,
  lookupd: true,
  strategy: true,
  codec: true,
  maxMessageBytes: true,
  maxBatchBytes: true,
  maxBatchMessages: true,
  maxPendingBytes: true,
  whenFull: true,
  maxDeferMs: true,
  publishTimeoutMs: true,
  retries: true,
  maxConnectAttempts: true,
} satisfies NamesOf<ProducerOptions>
const PUBLISH_NAMES = { defer: true } satisfies NamesOf<PublishOptions>

/** `raw`, for whatever type the program has told the compiler: what comes out is checked. */
const AS_IT_IS: LooseEncoder<unknown> = { encode: value => value }
const STRATEGIES = ['failover', 'round-robin', 'least-pending', 'all'] as const

/** @throws NsqError `E_OPTION` naming the option and its range */
export function resolveProducerOptions<T>(options: ProducerOptions<T>): ResolvedProducerOptions<T> {
  checkNames('a producer', options, NAMES)
  const nsqd = nsqdAddresses(options.nsqd)
  const lookupd = lookupdAddresses(options.lookupd)
  if (nsqd.length + lookupd.length === 0) throw badOption('nsqd or lookupd must name at least one address')
  const large = LARGEST_BYTES
  return {
    encoder: resolveEncoder(options.codec),
    maxMessageBytes: integer('maxMessageBytes', options.maxMessageBytes, 1024 * 1024, 1, large),
    maxBatchBytes: integer('maxBatchBytes', options.maxBatchBytes, 512 * 1024, 1, large),
    maxBatchMessages: integer('maxBatchMessages', options.maxBatchMessages, 250, 1, 1_000_000),
    maxPendingBytes: integer('maxPendingBytes', options.maxPendingBytes, 16 * 1024 * 1024, 1, large),
    whenFull: choice('whenFull', options.whenFull, 'wait', ['wait', 'error']),
    maxDeferMs: duration('maxDeferMs', options.maxDeferMs, 3_600_000, 0, LONGEST_TIMER_MS),
    publishTimeoutMs: duration('publishTimeoutMs', options.publishTimeoutMs, 60_000, 1, LONGEST_TIMER_MS),
    router: {
      ...resolveConnectionOptions(options),
      nsqd,
      lookupd,
      strategy: choice('strategy', options.strategy, 'failover', STRATEGIES),
      retries: integer('retries', options.retries, 3, 0, 1000),
      maxConnectAttempts: integer('maxConnectAttempts', options.maxConnectAttempts, 10, 1, 1_000_000),
    },
  }
}

/**
 * In how many milliseconds to deliver: what was given, which is not checked yet.
 *
 * @throws NsqError `E_OPTION` when something else was given
 */
export function deferOf(options: PublishOptions | undefined): number {
  const defer = options?.defer
  if (defer !== undefined) return defer
  if (options !== undefined) checkNames('publish', options, PUBLISH_NAMES)
  return 0
}

function resolveEncoder<T>(codec: Encoder<T> | undefined): LooseEncoder<T> {
  if (codec === undefined) return AS_IT_IS
  if (typeof codec?.encode === 'function') return codec
  throw badOption('codec must have a function encode, as raw, text and json do')
}
