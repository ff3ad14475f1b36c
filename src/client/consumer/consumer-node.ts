import type { IdentifyRequest } from '../../protocol/identify.ts'
import { NsqError } from '../../util/errors.ts'
import { Link, type LinkHandler } from '../connection/link.ts'
import type { ResolvedConnectionOptions } from '../options.ts'
import { Subscription, type SubscriptionOwner } from './subscription.ts'

export interface ConsumerNodeOwner extends SubscriptionOwner {
  opened(subscription: Subscription): void
  failed(error: NsqError): void
}

/** One nsqd of a consumer: its subscription as long as there is one, and the attempts to get one. */
export class ConsumerNode implements LinkHandler {
  readonly address: string
  readonly #owner: ConsumerNodeOwner
  readonly #options: ResolvedConnectionOptions
  readonly #request: Partial<IdentifyRequest>
  readonly #link: Link
  /** Set while no nsqlookupd names this nsqd any more: what to do when its connection ends. */
  #released: (() => void) | undefined
  #isUp = false

  constructor(
    address: string,
    owner: ConsumerNodeOwner,
    options: ResolvedConnectionOptions,
    request: Partial<IdentifyRequest>,
  ) {
    this.address = address
    this.#owner = owner
    this.#options = options
    this.#request = request
    this.#link = new Link(this, options)
  }

  start(): void {
    this.#link.start()
  }

  /** The outcome of the attempt that is under way, or else of the next one. */
  outcome(): Promise<void> {
    return this.#link.outcome()
  }

  stop(): void {
    this.#link.stop(new NsqError('E_CLOSED', `the subscription at nsqd ${this.address} is no longer wanted`))
  }

  /** No nsqlookupd names it any more: it is kept only as long as its connection holds, then `gone` is called. */
  release(gone: () => void): void {
    this.#released = gone
    if (!this.#isUp) this.#giveUp()
  }

  /** It is named again. */
  keep(): void {
    this.#released = undefined
  }

  lost(error: NsqError): void {
    this.#isUp = false
    this.#link.lost(error)
  }

  /** For the link. */
  async connect(signal: AbortSignal): Promise<void> {
    const subscription = new Subscription(this.address, this.#owner)
    await subscription.open(this.#options, this.#request, signal)
    if (signal.aborted) {
      subscription.destroy()
      return
    }
    this.#isUp = true
    this.#owner.opened(subscription)
  }

  /** For the link. */
  down(error: NsqError): boolean {
    this.#owner.failed(error)
    if (this.#released === undefined) return true
    this.#giveUp()
    return false
  }

  #giveUp(): void {
    this.stop()
    this.#released?.()
  }
}
