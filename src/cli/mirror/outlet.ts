import type { Message } from '../../client/consumer/message.ts'
import { toNsqError } from '../../client/errors.ts'
import { NsqError } from '../../util/errors.ts'
import { Group } from './group.ts'
import type { Tally } from './tally.ts'

/** What of a Producer is needed. */
export interface PublishTarget {
  publishBatch(topic: string, bodies: readonly Buffer[]): Promise<void>
}

export interface OutletOptions {
  readonly topic: string
  readonly target: PublishTarget
  /** The same with a command for each message: for what is refused together with others. */
  readonly oneByOne: () => PublishTarget
  /** Bytes of the largest message that the destination takes. */
  readonly maxBytes: number
  readonly tally: Tally
  /** A message that cannot be mirrored, whatever the state of the destination. It has gone back. */
  readonly failed: (message: Message, error: NsqError) => void
  /** The destination has not taken messages, and they have gone back. */
  readonly refused: (error: NsqError) => void
  /** The destination has acknowledged some messages. */
  readonly acknowledged: () => void
  /** Whether the run comes to its end: what goes back is then for others, at once. */
  readonly isEnding: () => boolean
}

/**
 * When nsqd has messages ready again that the destination did not take: soon, as it is not their fault. The consumer slows
 * down by itself.
 */
const AGAIN_MS = 1000

/** What nsqd answers to an MPUB when one of its messages is too large, or the like. */
const REFUSES_A_MESSAGE: ReadonlySet<string> = new Set(['E_BAD_MESSAGE', 'E_BAD_BODY'])

/**
 * Publishes messages, and finishes them when the destination has acknowledged them. What comes with one piece of the
 * network goes out together, and has one promise.
 */
export class Outlet {
  readonly #options: OutletOptions
  #open: Group | undefined

  constructor(options: OutletOptions) {
    this.#options = options
  }

  /** Publishes this body for the message. */
  send(message: Message, body: Buffer): void {
    if (!this.#isFit(message, body)) return
    this.#group().add(message, body)
  }

  /** Publishes all of these bodies, at least one, for the message. */
  sendAll(message: Message, bodies: readonly Buffer[]): void {
    if (bodies.every(body => this.#isFit(message, body))) this.#group().addAll(message, bodies)
  }

  /** Gives a message back that cannot be mirrored. */
  fail(message: Message, error: NsqError): void {
    this.#options.tally.failed++
    message.requeue()
    this.#options.failed(message, error)
  }

  /** Lets other consumers have a message, at once. */
  release(message: Message): void {
    if (message.requeue(0, { backoff: false })) this.#options.tally.unsent++
  }

  #group(): Group {
    if (this.#open === undefined) {
      this.#open = new Group()
      queueMicrotask(this.#flush)
    }
    return this.#open
  }

  readonly #flush = (): void => {
    const group = this.#open
    this.#open = undefined
    if (group !== undefined) this.#publish(group, this.#options.target)
  }

  #publish(group: Group, target: PublishTarget): void {
    target.publishBatch(this.#options.topic, group.bodies).then(
      () => this.#acknowledged(group),
      (error: unknown) => this.#refused(group, toNsqError(error)),
    )
  }

  #acknowledged({ messages, bodies, bytes, begunAt }: Group): void {
    const { tally, acknowledged } = this.#options
    for (const message of messages) if (!message.finish()) tally.unfinished++
    tally.mirrored += messages.length
    tally.published += bodies.length
    tally.bytes += bytes
    tally.took(performance.now() - begunAt)
    acknowledged()
  }

  #refused(group: Group, error: NsqError): void {
    const [first, ...others] = group.messages
    if (first === undefined) return
    if (!REFUSES_A_MESSAGE.has(error.code)) this.#giveBack(group, error)
    else if (others.length === 0) this.fail(first, error)
    // One of them is to blame: alone, the others are taken.
    else for (const single of group.split()) this.#publish(single, this.#options.oneByOne())
  }

  #giveBack({ messages }: Group, error: NsqError): void {
    const { tally, refused, isEnding } = this.#options
    for (const message of messages) {
      if (isEnding()) this.release(message)
      else message.requeue(AGAIN_MS)
    }
    if (!isEnding()) tally.requeued += messages.length
    refused(error)
  }

  #isFit(message: Message, { length }: Buffer): boolean {
    const { maxBytes } = this.#options
    if (length > 0 && length <= maxBytes) return true
    const error =
      length === 0
        ? new NsqError('E_MESSAGE_EMPTY', 'it has no body, and nsqd takes no such message')
        : new NsqError('E_MESSAGE_TOO_BIG', `${length} bytes are over --max-msg-size (${maxBytes})`)
    this.fail(message, error)
    return false
  }
}
