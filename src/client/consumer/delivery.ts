import { messageAttempts, messageBody, messageId, messageTimestamp } from '../../protocol/message.ts'
import { NsqError } from '../../util/errors.ts'
import type { Message, RequeueOptions } from './message.ts'
import { badOption } from '../options.ts'
import type { MessagingSpan } from '../tracing.ts'

/** The connection that a message came over. It is told the answer once, and only while the message is live. */
export interface DeliverySource {
  readonly topic: string
  readonly nsqd: string
  /** Sends FIN. `counts`: whether it says that messages can be handled again (see `Backoff`). */
  finish(delivery: Delivery, counts: boolean): void
  /** Sends REQ. `backoff`: whether it says that messages cannot be handled. */
  requeue(delivery: Delivery, delayMs: number | undefined, backoff: boolean): void
  touch(delivery: Delivery): void
  /** nsqd has delivered it again, and holds it for that delivery. */
  supersede(delivery: Delivery): void
}

/** Is told what becomes of a message, whether it is live or not: the work may have been done all the same. */
export interface OutcomeWatcher {
  finished(): void
  failed(): void
}

/** Stands for the body as it is. */
const BODY = Symbol('body')

/**
 * A message in hand: what the handler sees of it, and its places on the receive path. There is one for every message,
 * so what few programs use is made when it is asked for.
 */
export class Delivery implements Message<unknown> {
  // The list of what its connection has in hand, and when it came into it and was touched. Only for InHand.
  previous: Delivery | undefined = undefined
  next: Delivery | undefined = undefined
  receivedIn = 0
  touchedIn = 0
  /** Whether the program has got it. Until then nobody minds when it goes. */
  isSeen = false
  /** The frame's data is `bytes` from `start` to `end`. */
  readonly bytes: Buffer
  readonly start: number
  readonly #end: number
  readonly #source: DeliverySource
  #isAnswered = false
  #isLost = false
  #body: Buffer | undefined = undefined
  #value: unknown = BODY
  #watcher: OutcomeWatcher | undefined = undefined
  #span: MessagingSpan | undefined = undefined
  #controller: AbortController | undefined = undefined

  constructor(source: DeliverySource, bytes: Buffer, start: number, end: number) {
    this.#source = source
    this.bytes = bytes
    this.start = start
    this.#end = end
  }

  /** Bytes that it takes, its head included. */
  get size(): number {
    return this.#end - this.start
  }

  get topic(): string {
    return this.#source.topic
  }

  get nsqd(): string {
    return this.#source.nsqd
  }

  get id(): string {
    return messageId(this.bytes, this.start)
  }

  get timestamp(): bigint {
    return messageTimestamp(this.bytes, this.start)
  }

  get attempts(): number {
    return messageAttempts(this.bytes, this.start)
  }

  get body(): Buffer {
    this.#body ??= messageBody(this.bytes, this.start, this.#end)
    return this.#body
  }

  get value(): unknown {
    return this.#value === BODY ? this.body : this.#value
  }

  set value(value: unknown) {
    this.#value = value
  }

  get isAnswered(): boolean {
    return this.#isAnswered
  }

  get isLive(): boolean {
    return !this.#isAnswered && !this.#isLost
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#isLost) this.#controller.abort(lostError(this))
    }
    return this.#controller.signal
  }

  finish(): boolean {
    return this.#finish(true)
  }

  /** Finishes it without having handled it: it is dealt with in another way. */
  discard(): boolean {
    return this.#finish(false)
  }

  requeue(delayMs?: number, { backoff = true }: RequeueOptions = {}): boolean {
    if (delayMs !== undefined && !(delayMs >= 0 && Number.isFinite(delayMs))) {
      throw badOption(`delayMs must be a number from 0, not ${delayMs}`)
    }
    if (this.#isAnswered) return false
    this.#isAnswered = true
    if (!this.#isLost) this.#source.requeue(this, delayMs, backoff)
    this.#span?.end()
    this.#watcher?.failed()
    return !this.#isLost
  }

  /** Lets another consumer have it, as it was not looked at here. */
  giveBack(): void {
    this.requeue(0, { backoff: false })
  }

  touch(): boolean {
    if (!this.isLive) return false
    this.#source.touch(this)
    return true
  }

  /** nsqd no longer holds it for this connection. To be called by the source. */
  lose(): void {
    if (this.#isLost || this.#isAnswered) return
    this.#isLost = true
    this.#span?.end(lostError(this))
    this.#span = undefined
    const controller = this.#controller
    // Not now: who listens may answer other messages that are about to be lost with this one.
    if (controller !== undefined) queueMicrotask(() => controller.abort(lostError(this)))
  }

  /** Whether both are deliveries of one message over one connection. */
  isSameAs(other: Delivery): boolean {
    return this.#source === other.#source && this.id === other.id
  }

  /** nsqd holds it for a newer delivery. */
  supersede(): void {
    if (this.isLive) this.#source.supersede(this)
  }

  watch(watcher: OutcomeWatcher): void {
    this.#watcher = watcher
  }

  /** The span ends with the answer, or with the message. */
  endWithAnswer(span: MessagingSpan): void {
    this.#span = span
  }

  /** As errors name it. */
  toString(): string {
    return `message ${this.id} of nsqd ${this.nsqd}`
  }

  #finish(counts: boolean): boolean {
    if (this.#isAnswered) return false
    this.#isAnswered = true
    if (!this.#isLost) this.#source.finish(this, counts)
    this.#span?.end()
    this.#watcher?.finished()
    return !this.#isLost
  }
}

function lostError(delivery: Delivery): NsqError {
  return new NsqError(
    'E_MESSAGE_LOST',
    `${delivery.toString()} can no longer be answered: nsqd does not hold it`,
  )
}
