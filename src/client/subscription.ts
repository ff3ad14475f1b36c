import { rdy, req, sub, touch } from '../protocol/command.ts'
import type { IdentifyRequest } from '../protocol/identify.ts'
import type { NsqError } from '../util/errors.ts'
import { Connection, type ConnectionHandler } from './connection.ts'
import { Message, type MessageSource } from './message.ts'
import type { ResolvedConnectionOptions } from './options.ts'
import type { ReadySlot, ReadyTarget } from './ready-count.ts'

export interface SubscriptionOwner {
  readonly topic: string
  readonly channel: string
  received(message: Message): void
  finished(): void
  requeued(backoff: boolean): void
  /** The delay for a message that is requeued without one. */
  requeueDelay(attempts: number): number
  refused(error: NsqError): void
  /** Only called after `open`, once. */
  closed(subscription: Subscription, error: NsqError): void
}

/** A connection to an nsqd that is subscribed to a channel, from SUB to its end. */
export class Subscription implements ConnectionHandler, MessageSource, ReadyTarget {
  readonly nsqd: string
  readonly #owner: SubscriptionOwner
  #connection: Connection | undefined
  #slot: ReadySlot | undefined
  #drained: (() => void) | undefined

  constructor(nsqd: string, owner: SubscriptionOwner) {
    this.nsqd = nsqd
    this.#owner = owner
  }

  get topic(): string {
    return this.#owner.topic
  }

  get isOpen(): boolean {
    return this.#connection?.isOpen === true
  }

  get maxReady(): number {
    return this.#connection?.identity.max_rdy_count ?? 0
  }

  /** Its part in the distribution of RDY; set by the owner when it is open. */
  get slot(): ReadySlot | undefined {
    return this.#slot
  }

  set slot(slot: ReadySlot) {
    this.#slot = slot
  }

  /** Connects and subscribes, unless the signal is aborted before. No message comes before RDY is sent. */
  async open(
    options: ResolvedConnectionOptions,
    request: Partial<IdentifyRequest>,
    signal: AbortSignal,
  ): Promise<void> {
    const connection = await Connection.open(this.nsqd, options, this, request, signal)
    try {
      await connection.request(sub(this.#owner.topic, this.#owner.channel), signal)
    } catch (error) {
      connection.destroy()
      throw error
    }
    if (connection.error !== undefined) throw connection.error
    this.#connection = connection
  }

  sendReady(count: number): void {
    this.#connection?.send(rdy(count))
  }

  /** Asks nsqd for no more messages, waits until those in hand are answered, and closes; at most `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    const connection = this.#connection
    if (connection === undefined) return
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>(resolve => (timer = setTimeout(resolve, timeoutMs)))
    const drained = new Promise<void>(resolve => (this.#drained = resolve))
    if (this.#slot === undefined || this.#slot.inFlight === 0) this.#drained?.()
    // When the connection is lost meanwhile there is nothing left to wait for.
    const stopped = connection.stopMessages().then(
      () => drained,
      () => {},
    )
    await Promise.race([stopped, timeout])
    clearTimeout(timer)
    await connection.end()
  }

  destroy(): void {
    this.#connection?.destroy()
  }

  message(bytes: Buffer, start: number, end: number): void {
    this.#slot?.received()
    this.#owner.received(new Message(this, bytes, start, end))
  }

  refused(error: NsqError): void {
    this.#owner.refused(error)
  }

  closed(error: NsqError): void {
    if (this.#connection === undefined) return
    this.#drained?.()
    this.#owner.closed(this, error)
  }

  finish(bytes: Buffer, idAt: number): void {
    this.#connection?.finish(bytes, idAt)
    this.#answered()
    this.#owner.finished()
  }

  requeue(message: Message, delayMs: number | undefined, backoff: boolean): void {
    const delay = delayMs ?? this.#owner.requeueDelay(message.attempts)
    this.#connection?.send(req(message.id, Math.min(Math.round(delay), Number.MAX_SAFE_INTEGER)))
    this.#answered()
    this.#owner.requeued(backoff)
  }

  touch(message: Message): void {
    this.#connection?.send(touch(message.id))
  }

  #answered(): void {
    const slot = this.#slot
    if (slot === undefined) return
    slot.answered()
    if (this.#drained !== undefined && slot.inFlight === 0) this.#drained()
  }
}
