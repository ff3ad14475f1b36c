import { decodeMessage, MESSAGE_HEADER, type DecodedMessage } from '../protocol/message.ts'
import { ID_LENGTH } from '../protocol/message-id.ts'
import { badOption } from './options.ts'

/** The connection a message came over. Each method returns false when that is gone. */
export interface MessageSource {
  readonly topic: string
  /** `host:port` of the nsqd. */
  readonly nsqd: string
  readonly isOpen: boolean
  /** The message's id is the 16 bytes at `idAt`. */
  finish(bytes: Buffer, idAt: number): void
  requeue(message: Message, delayMs: number | undefined, backoff: boolean): void
  touch(message: Message): void
}

export interface RequeueOptions {
  /** Whether this counts as a failure that slows the consumer down (see `maxBackoffMs`); true unless given. */
  backoff?: boolean
}

/**
 * A message as nsqd delivered it. It must be answered with `finish` or `requeue` before nsqd's message timeout (60 s
 * unless negotiated), or nsqd delivers it again; `touch` restarts that timeout.
 */
export class Message {
  readonly #source: MessageSource
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  #decoded: DecodedMessage | undefined
  #isAnswered = false

  /** `bytes` from `start` to `end` is the data of a message frame. */
  constructor(source: MessageSource, bytes: Buffer, start: number, end: number) {
    this.#source = source
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  get topic(): string {
    return this.#source.topic
  }

  /** The nsqd it came from, as `host:port`. */
  get nsqd(): string {
    return this.#source.nsqd
  }

  /** 16 hexadecimal digits, unique for one nsqd. */
  get id(): string {
    return this.#decode().id
  }

  /** When nsqd took the message: nanoseconds since 1970. */
  get timestamp(): bigint {
    return this.#decode().timestamp
  }

  /** Deliveries so far, this one included: 1 is the first. nsqd stops counting at 65,535. */
  get attempts(): number {
    return this.#decode().attempts
  }

  /** A view of what was received: copy it (`Buffer.from(body)`) to keep a small part of it for long. */
  get body(): Buffer {
    return this.#decode().body
  }

  /** Whether `finish` or `requeue` was called. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /**
   * Whether it can still be answered: it has not been, and its connection holds. nsqd delivers a message again whose
   * connection was lost.
   */
  get isLive(): boolean {
    return !this.#isAnswered && this.#source.isOpen
  }

  /**
   * Tells nsqd that the message is done with. Returns false, and does nothing, when the message is not live any more.
   * When its timeout has passed, nsqd answers `E_FIN_FAILED`, which the consumer's `onError` gets.
   */
  finish(): boolean {
    if (!this.#answer()) return false
    this.#source.finish(this.#bytes, this.#start + MESSAGE_HEADER - ID_LENGTH)
    return true
  }

  /**
   * Gives the message back, to be delivered again after `delayMs` milliseconds; nsqd cuts what is over its
   * `--max-req-timeout`. Without a delay it is the consumer's `requeueDelayMs` times the attempts. Returns false, and
   * does nothing, when the message is not live any more.
   *
   * @throws NsqError `E_OPTION` when the delay is no number from 0
   */
  requeue(delayMs?: number, { backoff = true }: RequeueOptions = {}): boolean {
    if (delayMs !== undefined && !(delayMs >= 0 && Number.isFinite(delayMs))) {
      throw badOption(`delayMs must be a number from 0, not ${delayMs}`)
    }
    if (!this.#answer()) return false
    this.#source.requeue(this, delayMs, backoff)
    return true
  }

  /**
   * Restarts the message's timeout, up to nsqd's `--max-msg-timeout` from its delivery. Returns false, and does
   * nothing, when the message is not live any more.
   */
  touch(): boolean {
    if (!this.isLive) return false
    this.#source.touch(this)
    return true
  }

  #answer(): boolean {
    if (!this.isLive) return false
    this.#isAnswered = true
    return true
  }

  #decode(): DecodedMessage {
    this.#decoded ??= decodeMessage(this.#bytes, this.#start, this.#end)
    return this.#decoded
  }
}
