/**
 * A message as nsqd delivered it. It must be answered with `finish` or `requeue` before nsqd's message timeout (60 s
 * unless negotiated), or nsqd delivers it again; `touch` restarts that timeout, which the consumer does by itself
 * unless told otherwise (see `autoTouch`).
 *
 * A message that is no longer live (see `isLive`) can be asked and answered as before: that does nothing, and harms
 * nothing.
 */
export interface Message<T = Buffer> {
  readonly topic: string
  /** The nsqd it came from, as `host:port`, or the path of its socket. */
  readonly nsqd: string
  /** 16 hexadecimal digits, unique for one nsqd. */
  readonly id: string
  /** When nsqd took the message: nanoseconds since 1970. */
  readonly timestamp: bigint
  /** Deliveries so far, this one included: 1 is the first. nsqd stops counting at 65,535. */
  readonly attempts: number
  /** A view of what was received: copy it (`Buffer.from(body)`) to keep a small part of it for long. */
  readonly body: Buffer
  /** What the consumer's `codec` and `schema` made of the body; without them the body. */
  readonly value: T
  /** Whether `finish` or `requeue` was called. */
  readonly isAnswered: boolean
  /**
   * Whether it can still be answered: it has not been, and, as far as the client has heard, nsqd still holds it for this
   * consumer. nsqd delivers a message again whose connection was lost. That a timeout has passed is only heard from a
   * refused `touch`, so with `autoTouch: false` it shows in the error that a late answer meets.
   */
  readonly isLive: boolean
  /**
   * Aborted when the message can no longer be answered because its connection was lost, or because nsqd has taken it
   * back: what is under way for it may be given up. The reason is an NsqError: `E_MESSAGE_LOST`. The signal of a
   * message that was answered is never aborted.
   */
  readonly signal: AbortSignal
  /**
   * Tells nsqd that the message is done with. Returns false, and does nothing, when the message is not live any more.
   * When its timeout has passed, nsqd answers `E_FIN_FAILED`, which the consumer's `onError` gets.
   */
  finish(): boolean
  /**
   * Gives the message back, to be delivered again after `delayMs` milliseconds; nsqd cuts what is over its
   * `--max-req-timeout`. Without a delay it is the consumer's `requeueDelayMs` times the attempts. Returns false, and
   * does nothing, when the message is not live any more.
   *
   * @throws NsqError `E_OPTION` when the delay is no number from 0
   */
  requeue(delayMs?: number, options?: RequeueOptions): boolean
  /**
   * Restarts the message's timeout, up to nsqd's `--max-msg-timeout` from its delivery. Returns false, and does
   * nothing, when the message is not live any more.
   */
  touch(): boolean
}

export interface RequeueOptions {
  /** Whether this counts as a failure that slows the consumer down (see `maxBackoffMs`); true unless given. */
  backoff?: boolean
}

/** Handles a message. When it returns or resolves, the message is finished; when it throws or rejects, it failed. */
export type MessageHandler<T = Buffer> = (message: Message<T>) => unknown
