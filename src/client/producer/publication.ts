import type { NsqError } from '../../util/errors.ts'
import { PublishError } from '../errors.ts'
import type { MessagingSpan } from '../tracing.ts'

/** Who is told of every publication that has settled. */
export interface PublicationOwner {
  settled(publication: Publication): void
}

/**
 * The promise of a call of publish, which settles when all its messages have. Calls with one message that go in the
 * same batch have the same fate, and share one.
 */
export class Publication {
  readonly promise: Promise<void>
  /** When it fails if it has not settled before; on performance.now(). */
  readonly deadline: number
  isSettled = false
  /** For the owner's list. */
  previous: Publication | undefined
  next: Publication | undefined
  readonly #owner: PublicationOwner
  readonly #isShared: boolean
  #waiting: number
  #failed = 0
  #error: NsqError | undefined
  #spans: MessagingSpan[] | undefined
  // Set by the promise's executor, which runs at once.
  #resolve: () => void = unset
  #reject: (error: PublishError) => void = unset

  /** @param messages - of the call; 0: it is shared, and calls will `join` */
  constructor(owner: PublicationOwner, messages: number, deadline: number) {
    this.#owner = owner
    this.#isShared = messages === 0
    this.#waiting = messages
    this.deadline = deadline
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** One more call shares it. */
  join(): void {
    this.#waiting++
  }

  /** The span of a call ends with it. */
  trace(span: MessagingSpan): void {
    this.#spans ??= []
    this.#spans.push(span)
  }

  /** Some of its messages were acknowledged by this nsqd, or failed with this error. */
  settle(messages: number, error?: NsqError, nsqd?: string): void {
    if (this.isSettled) return
    this.#waiting -= messages
    if (error !== undefined) {
      this.#failed += messages
      this.#error ??= error
    }
    if (this.#waiting > 0) return
    this.isSettled = true
    this.#owner.settled(this)
    for (const span of this.#spans ?? []) span.end(this.#error, nsqd)
    if (this.#error === undefined) this.#resolve()
    else this.#reject(new PublishError(this.#error, this.#isShared ? 1 : this.#failed))
  }

  /** All that shared it, at once. */
  settleAll(error?: NsqError, nsqd?: string): void {
    this.settle(this.#waiting, error, nsqd)
  }

  /** Fails with whatever has not been acknowledged by now. */
  abandon(error: NsqError): void {
    this.settleAll(error)
  }
}

function unset(): void {}
