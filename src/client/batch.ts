import { dpub, mpub, pub } from '../protocol/command.ts'
import type { NsqError } from '../util/errors.ts'
import { PublishError } from './errors.ts'

/** One call of publish: its promise settles when all its messages have. */
export class Publication {
  readonly promise: Promise<void>
  /** When it fails if it has not settled before; on performance.now(). */
  readonly deadline: number
  isSettled = false
  #waiting: number
  #failed = 0
  #error: NsqError | undefined
  // Set by the promise's executor, which runs at once.
  #resolve: () => void = unset
  #reject: (error: PublishError) => void = unset

  constructor(messages: number, deadline: number) {
    this.#waiting = messages
    this.deadline = deadline
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** Some of its messages were acknowledged, or failed with this error. */
  settle(messages: number, error?: NsqError): void {
    if (this.isSettled) return
    this.#waiting -= messages
    if (error !== undefined) {
      this.#failed += messages
      this.#error ??= error
    }
    if (this.#waiting > 0) return
    this.isSettled = true
    if (this.#error === undefined) this.#resolve()
    else this.#reject(new PublishError(this.#error, this.#failed))
  }

  /** Fails with whatever has not been acknowledged by now. */
  abandon(error: NsqError): void {
    this.settle(this.#waiting, error)
  }
}

function unset(): void {}

/** What a publication costs in memory besides its messages, roughly: its promise and its place in the queues. */
const PUBLICATION_COST = 256
/** The size field before each message of an MPUB; also what a Buffer object costs, more or less. */
const MESSAGE_COST = 4
/** The count field of an MPUB. */
const BATCH_HEADER = 4

/** Messages for one topic that go to nsqd in one command: a PUB, an MPUB, or a DPUB when `delayMs` is given. */
export class Batch {
  readonly topic: string
  readonly delayMs: number
  /** Bytes of memory that are accounted for it. */
  cost = 0
  /** Bytes of an MPUB's body. */
  size = BATCH_HEADER
  /** Places it must still be delivered to. */
  deliveries = 0
  #bodies: Buffer[] = []
  #command: Buffer | undefined
  readonly #publications: Publication[] = []
  readonly #counts: number[] = []
  #error: NsqError | undefined

  constructor(topic: string, delayMs: number) {
    this.topic = topic
    this.delayMs = delayMs
  }

  get length(): number {
    return this.#bodies.length
  }

  /** Whether every publication in it has settled already, so that nobody waits for it. */
  get isAbandoned(): boolean {
    return this.#publications.every(publication => publication.isSettled)
  }

  /** What a body adds to `size`. */
  static sizeOf(body: Buffer): number {
    return MESSAGE_COST + body.length
  }

  add(body: Buffer, publication: Publication): void {
    const size = Batch.sizeOf(body)
    this.size += size
    this.cost += size
    this.#bodies.push(body)
    const last = this.#publications.length - 1
    if (this.#publications[last] === publication) {
      this.#counts[last] = (this.#counts[last] ?? 0) + 1
    } else {
      this.cost += PUBLICATION_COST
      this.#publications.push(publication)
      this.#counts.push(1)
    }
  }

  /** The command. Made once and kept, so that the bodies can go. */
  command(): Buffer {
    this.#command ??= this.#encode()
    return this.#command
  }

  /** One of its deliveries was acknowledged, or given up. Returns whether that was the last. */
  delivered(error?: NsqError): boolean {
    this.#error ??= error
    this.deliveries--
    if (this.deliveries > 0) return false
    for (const [index, publication] of this.#publications.entries()) {
      publication.settle(this.#counts[index] ?? 0, this.#error)
    }
    return true
  }

  #encode(): Buffer {
    const bodies = this.#bodies
    this.#bodies = []
    const [first] = bodies
    if (first === undefined) throw new Error('a batch without messages')
    if (this.delayMs > 0) return dpub(this.topic, this.delayMs, first)
    return bodies.length === 1 ? pub(this.topic, first) : mpub(this.topic, bodies)
  }
}
