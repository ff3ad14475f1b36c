import { promiseOf } from '../../util/promise.ts'
import type { Delivery } from './delivery.ts'
import { WaitingMessages, type Inbox, type InboxOwner } from './inbox.ts'
import type { MessagingSpan } from '../tracing.ts'

/**
 * Runs a handler for each message, a number of them at a time. A handler that returns no promise costs none, and one
 * that does costs no more than the callbacks on it.
 */
export class HandlerInbox implements Inbox {
  readonly #handler: (delivery: Delivery) => unknown
  readonly #concurrency: number
  readonly #owner: InboxOwner
  readonly #waiting = new WaitingMessages()
  /** Those that have run and can run again. */
  readonly #idle: Run[] = []
  #running = 0

  constructor(handler: (delivery: Delivery) => unknown, concurrency: number, owner: InboxOwner) {
    this.#handler = handler
    this.#concurrency = concurrency
    this.#owner = owner
  }

  push(delivery: Delivery): void {
    if (this.#running < this.#concurrency) this.#start(delivery)
    else this.#waiting.push(delivery)
  }

  sweep(): void {
    this.#waiting.sweep()
  }

  close(): void {
    this.#waiting.giveBack()
  }

  /** For a run: its handler has settled. */
  settled(run: Run): void {
    this.#idle.push(run)
    this.#running--
    while (this.#running < this.#concurrency) {
      const delivery = this.#waiting.next()
      if (delivery === undefined) break
      this.#start(delivery)
    }
  }

  /** For a run. */
  failed(delivery: Delivery, error: unknown): void {
    this.#owner.failed(delivery, error)
  }

  #start(delivery: Delivery): void {
    delivery.isSeen = true
    const span = this.#owner.span(delivery)
    let promise: Promise<unknown> | undefined
    this.#running++
    try {
      const result = span === undefined ? this.#handler(delivery) : span.run(() => this.#handler(delivery))
      promise = promiseOf(result)
    } catch (error) {
      this.#running--
      span?.end(error)
      this.#owner.failed(delivery, error)
      return
    }
    if (promise === undefined) {
      this.#running--
      span?.end()
      delivery.finish()
      return
    }
    const run = this.#idle.pop() ?? new Run(this)
    run.begin(delivery, span)
    promise.then(run.done, run.failed)
  }
}

/** A handler under way. */
class Run {
  readonly #inbox: HandlerInbox
  #delivery: Delivery | undefined
  #span: MessagingSpan | undefined

  constructor(inbox: HandlerInbox) {
    this.#inbox = inbox
  }

  begin(delivery: Delivery, span: MessagingSpan | undefined): void {
    this.#delivery = delivery
    this.#span = span
  }

  readonly done = (): void => {
    this.#span?.end()
    this.#delivery?.finish()
    this.#end()
  }

  readonly failed = (error: unknown): void => {
    const delivery = this.#delivery
    this.#span?.end(error)
    this.#end()
    if (delivery !== undefined) this.#inbox.failed(delivery, error)
  }

  #end(): void {
    this.#delivery = undefined
    this.#span = undefined
    this.#inbox.settled(this)
  }
}
