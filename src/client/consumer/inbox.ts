import { promiseOf } from '../../util/promise.ts'
import { Queue } from '../../util/queue.ts'
import type { Delivery } from './delivery.ts'
import type { MessagingSpan } from '../tracing.ts'

/** Where messages go that are to be handled. */
export interface Inbox {
  push(delivery: Delivery): void
  /** Drops those that wait and were lost meanwhile. */
  sweep(): void
  /** Hands out nothing more, and gives back what has not been handed out. */
  close(): void
}

export interface InboxOwner {
  /** Begins a span for a message, when spans are wanted. */
  span(delivery: Delivery): MessagingSpan | undefined
  /** The message could not be handled, for this reason. */
  failed(delivery: Delivery, error: unknown): void
}

/** Messages that wait for their turn. */
export class WaitingMessages {
  readonly #queue = new Queue<Delivery>()

  push(delivery: Delivery): void {
    this.#queue.push(delivery)
  }

  /** The next one that can still be answered: nsqd delivers the others again. */
  next(): Delivery | undefined {
    let delivery = this.#queue.shift()
    while (delivery !== undefined && !delivery.isLive) {
      delivery.requeue()
      delivery = this.#queue.shift()
    }
    return delivery
  }

  sweep(): void {
    for (let waiting = this.#queue.length; waiting > 0; waiting--) {
      const delivery = this.#queue.shift()
      if (delivery?.isLive === true) this.#queue.push(delivery)
      else delivery?.requeue()
    }
  }

  giveBack(): void {
    for (let delivery = this.#queue.shift(); delivery !== undefined; delivery = this.#queue.shift()) {
      delivery.giveBack()
    }
  }
}

/** Gets a message, or undefined when there will be none. */
type Taker = (delivery: Delivery | undefined) => void

const END = { done: true, value: undefined } as const

/** Hands messages to `for await` loops. */
export class IteratorInbox implements Inbox {
  readonly #waiting = new WaitingMessages()
  /** Of the loops that wait for a message. */
  readonly #takers = new Queue<Taker>()
  readonly #owner: InboxOwner
  readonly #left: () => Promise<void>
  #isClosed = false

  /** `left` is called when a loop is left. */
  constructor(owner: InboxOwner, left: () => Promise<void>) {
    this.#owner = owner
    this.#left = left
  }

  /** One more loop. */
  loop(): AsyncIterator<Delivery, undefined> {
    return new Loop(this)
  }

  push(delivery: Delivery): void {
    const take = this.#takers.shift()
    if (take === undefined) this.#waiting.push(delivery)
    else this.#hand(delivery, take)
  }

  sweep(): void {
    this.#waiting.sweep()
  }

  close(): void {
    this.#isClosed = true
    for (let take = this.#takers.shift(); take !== undefined; take = this.#takers.shift()) take(undefined)
    this.#waiting.giveBack()
  }

  /** For a loop: the next message. */
  next(take: Taker): void {
    const delivery = this.#waiting.next()
    if (delivery !== undefined) this.#hand(delivery, take)
    else if (this.#isClosed) take(undefined)
    else this.#takers.push(take)
  }

  /** For a loop. */
  left(): Promise<void> {
    return this.#left()
  }

  #hand(delivery: Delivery, take: Taker): void {
    delivery.isSeen = true
    const span = this.#owner.span(delivery)
    if (span !== undefined) delivery.endWithAnswer(span)
    take(delivery)
  }
}

class Loop implements AsyncIterator<Delivery, undefined> {
  readonly #inbox: IteratorInbox
  #last: Delivery | undefined

  constructor(inbox: IteratorInbox) {
    this.#inbox = inbox
  }

  next(): Promise<IteratorResult<Delivery, undefined>> {
    return new Promise(resolve => {
      this.#inbox.next(delivery => {
        this.#last = delivery
        resolve(delivery === undefined ? END : { done: false, value: delivery })
      })
    })
  }

  async return(): Promise<IteratorResult<Delivery, undefined>> {
    // The loop was left in the middle of it, maybe by an error: nobody will answer it any more.
    this.#last?.giveBack()
    await this.#inbox.left()
    return END
  }
}

/** Hands each message over as it comes. */
export class CallbackInbox implements Inbox {
  readonly #callback: (delivery: Delivery) => unknown
  readonly #owner: InboxOwner

  constructor(callback: (delivery: Delivery) => unknown, owner: InboxOwner) {
    this.#callback = callback
    this.#owner = owner
  }

  push(delivery: Delivery): void {
    delivery.isSeen = true
    const span = this.#owner.span(delivery)
    if (span !== undefined) delivery.endWithAnswer(span)
    try {
      const result = span === undefined ? this.#callback(delivery) : span.run(() => this.#callback(delivery))
      promiseOf(result)?.then(undefined, (error: unknown) => this.#owner.failed(delivery, error))
    } catch (error) {
      this.#owner.failed(delivery, error)
    }
  }

  sweep(): void {}

  close(): void {}
}
