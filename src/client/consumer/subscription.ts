import { rdy, req, sub, touch } from '../../protocol/command.ts'
import type { IdentifyRequest } from '../../protocol/identify.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { MESSAGE_ID_AT } from '../../protocol/message.ts'
import type { NsqError } from '../../util/errors.ts'
import { Connection, type ConnectionHandler } from '../connection/connection.ts'
import { Delivery, type DeliverySource } from './delivery.ts'
import { InHand, type InHandHandler } from './in-hand.ts'
import type { ResolvedConnectionOptions } from '../options.ts'
import type { ReadySlot, ReadyTarget } from './ready-count.ts'

export interface SubscriptionOwner {
  readonly topic: string
  readonly channel: string
  /** Whether slow messages are touched. */
  readonly autoTouch: boolean
  received(delivery: Delivery): void
  /** A message was finished that says that messages can be handled. */
  finished(): void
  /** A message was requeued that says that they cannot be. */
  requeued(): void
  /** Messages were lost that the program may not have seen. */
  lost(): void
  /** The delay for a message that is requeued without one. */
  requeueDelay(attempts: number): number
  refused(error: NsqError): void
  /** Only called after `open`, once. */
  closed(subscription: Subscription, error: NsqError): void
}

/** A connection to an nsqd that is subscribed to a channel, from SUB to its end. */
export class Subscription implements ConnectionHandler, DeliverySource, InHandHandler, ReadyTarget {
  readonly nsqd: string
  readonly #owner: SubscriptionOwner
  #connection: Connection | undefined
  #inHand: InHand | undefined
  #slot: ReadySlot | undefined
  #drained: (() => void) | undefined

  constructor(nsqd: string, owner: SubscriptionOwner) {
    this.nsqd = nsqd
    this.#owner = owner
  }

  get topic(): string {
    return this.#owner.topic
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
    this.#inHand = new InHand(connection.identity, this.#owner.autoTouch, this)
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
    const slot = this.#slot
    if (slot === undefined) throw new ProtocolError('E_BAD_FRAME', 'a message came before it was asked for')
    const delivery = new Delivery(this, bytes, start, end)
    slot.received(delivery.size)
    this.#inHand?.add(delivery)
    this.#owner.received(delivery)
  }

  refused(error: NsqError): void {
    if (error.code === 'E_TOUCH_FAILED') this.#takenBack(error.message)
    this.#owner.refused(error)
  }

  closed(error: NsqError): void {
    const inHand = this.#inHand
    if (inHand === undefined) return
    inHand.stop()
    for (const delivery of inHand) delivery.lose()
    this.#drained?.()
    this.#owner.lost()
    this.#owner.closed(this, error)
  }

  finish(delivery: Delivery, counts: boolean): void {
    this.#connection?.finish(delivery.bytes, delivery.start + MESSAGE_ID_AT)
    this.#release(delivery)
    if (counts) this.#owner.finished()
  }

  requeue(delivery: Delivery, delayMs: number | undefined, backoff: boolean): void {
    const delay = delayMs ?? this.#owner.requeueDelay(delivery.attempts)
    this.#connection?.send(req(delivery.id, Math.min(Math.round(delay), Number.MAX_SAFE_INTEGER)))
    this.#release(delivery)
    if (backoff) this.#owner.requeued()
  }

  touch(delivery: Delivery): void {
    this.#connection?.send(touch(delivery.id))
    this.#inHand?.touched(delivery)
  }

  /** A message that nsqd has delivered again, so that it does not hold this delivery of it any more. */
  supersede(delivery: Delivery): void {
    delivery.lose()
    this.#release(delivery)
  }

  expired(deliveries: Delivery[]): void {
    for (const delivery of deliveries) this.supersede(delivery)
    this.#owner.lost()
  }

  /** nsqd holds the message no more that it was asked to touch. Its id stands in the error: `TOUCH 0123… failed`. */
  #takenBack(text: string): void {
    const [, id] = /TOUCH (\S+)/.exec(text) ?? []
    const delivery = id === undefined ? undefined : this.#inHand?.find(id)
    if (delivery === undefined) return
    this.supersede(delivery)
    this.#owner.lost()
  }

  #release(delivery: Delivery): void {
    this.#inHand?.remove(delivery)
    const slot = this.#slot
    if (slot === undefined) return
    slot.answered(delivery.size)
    if (this.#drained !== undefined && slot.inFlight === 0) this.#drained()
  }
}
