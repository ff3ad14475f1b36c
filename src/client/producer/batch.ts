import type { ChunkPool } from '../../protocol/chunk-pool.ts'
import { PublishCommand } from '../../protocol/publish-command.ts'
import type { NsqError } from '../../util/errors.ts'
import type { Body } from './body.ts'
import type { Publication } from './publication.ts'

/** The size field before a message. */
const MESSAGE_COST = 4
/** What a publication costs in memory besides its messages, roughly: its promise and its place in the queues. */
const PUBLICATION_COST = 256
/** The same of a batch, with the publication that is shared. */
const BATCH_COST = 768

/** How the delivery of a batch to one nsqd has ended. */
export interface Outcome {
  /** None: it was acknowledged. */
  readonly error?: NsqError
  /** The nsqd works, but does not take these messages: that another one has them makes it no better. */
  readonly isRefusal?: boolean
}

/** Messages for one topic that go to nsqd in one command, which is kept until they are acknowledged. */
export class Batch {
  readonly topic: string
  /** Places it must still be delivered to. */
  deliveries = 0
  /** The nsqd it was last sent to. */
  nsqd: string | undefined
  /**
   * Whether it was sent to an nsqd that has not read it: a connection that is being closed may still look at the
   * command.
   */
  wasLost = false
  readonly #command: PublishCommand
  #parts: readonly Buffer[] | undefined
  #cost = 0
  #shared: Publication | undefined
  readonly #publications: Publication[] = []
  readonly #counts: number[] = []
  #isAcknowledged = false
  #error: NsqError | undefined
  #refusal: NsqError | undefined
  #missing: Set<string> | undefined

  /** @param delayMs - when it is not 0, it can have one message only */
  constructor(topic: string, delayMs: number, pool: ChunkPool) {
    this.topic = topic
    this.#command = new PublishCommand(topic, delayMs, pool)
  }

  /** Bytes of memory that are accounted for it. */
  get cost(): number {
    return this.#cost
  }

  /** Messages in it. */
  get length(): number {
    return this.#command.count
  }

  /** Bytes of an MPUB's body. */
  get size(): number {
    return this.#command.size
  }

  /** The publication of those calls that have only one message, and it is in this batch. */
  get shared(): Publication | undefined {
    return this.#shared
  }

  /** Whether one nsqd has it. */
  get isAcknowledged(): boolean {
    return this.#isAcknowledged
  }

  /** Whether every publication in it has settled already, so that nobody waits for it. */
  get isAbandoned(): boolean {
    if (this.#shared !== undefined && !this.#shared.isSettled) return false
    return this.#publications.every(publication => publication.isSettled)
  }

  /** What a body of this length adds to `size`. */
  static sizeOf(length: number): number {
    return MESSAGE_COST + length
  }

  /** To be set before the first message of a call that shares it is added. */
  share(publication: Publication): void {
    this.#shared = publication
  }

  /** Adds a call's only message, and returns what it costs. */
  join(body: Body, publication: Publication): number {
    publication.join()
    return this.#put(body)
  }

  /** Adds one of a call's messages, and returns what it costs. */
  add(body: Body, publication: Publication): number {
    const cost = this.#put(body)
    const last = this.#publications.length - 1
    if (this.#publications[last] === publication) {
      this.#counts[last] = (this.#counts[last] ?? 0) + 1
      return cost
    }
    this.#publications.push(publication)
    this.#counts.push(1)
    this.#cost += PUBLICATION_COST
    return cost + PUBLICATION_COST
  }

  /** The command, in the parts that are to be sent one after the other. Nothing is added to the batch any more. */
  parts(): readonly Buffer[] {
    this.#parts ??= this.#command.end()
    return this.#parts
  }

  /** Each of these nsqds should get it. */
  expectAt(addresses: Iterable<string>): void {
    this.#missing = new Set(addresses)
  }

  /** This nsqd has acknowledged it. */
  receivedBy(address: string): void {
    this.#missing?.delete(address)
  }

  /** Once it is delivered: the nsqds that should have got it and did not, when others did. */
  get missedBy(): Iterable<string> {
    return this.#isAcknowledged && this.#refusal === undefined ? (this.#missing ?? []) : []
  }

  /** One of its deliveries is over. Returns whether that was the last: then its publications have settled. */
  delivered({ error, isRefusal = false }: Outcome): boolean {
    if (error === undefined) this.#isAcknowledged = true
    else if (isRefusal) this.#refusal ??= error
    else this.#error = error
    this.deliveries--
    if (this.deliveries > 0) return false
    if (!this.wasLost) this.#command.release()
    const failure = this.#refusal ?? (this.#isAcknowledged ? undefined : this.#error)
    this.#shared?.settleAll(failure, this.nsqd)
    for (const [index, publication] of this.#publications.entries()) {
      publication.settle(this.#counts[index] ?? 0, failure, this.nsqd)
    }
    return true
  }

  #put(body: Body): number {
    const cost = (this.length === 0 ? BATCH_COST : 0) + MESSAGE_COST + this.#command.add(body)
    this.#cost += cost
    return cost
  }
}
