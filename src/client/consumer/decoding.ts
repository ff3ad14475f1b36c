import type { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import { decodeWith, type Decoder } from '../codec.ts'
import type { Delivery } from './delivery.ts'
import { toNsqError } from '../errors.ts'
import { checkWith, type StandardSchemaV1 } from '../schema.ts'

export interface DecodingOwner {
  decoded(delivery: Delivery): void
  /** It has no value; the error is `E_DECODE` or `E_SCHEMA`. */
  undecodable(delivery: Delivery, error: NsqError): void
}

/** One whose turn has not come, as long as its outcome or that of one before it is not known. */
interface Waiting {
  readonly delivery: Delivery
  isDone: boolean
  error: NsqError | undefined
}

/**
 * Makes the values of messages, before anything else sees them. They go on in the order they came in: behind one whose
 * schema takes its time, the others wait.
 */
export class Decoding {
  readonly #decoder: Decoder<unknown>
  readonly #schema: StandardSchemaV1 | undefined
  readonly #owner: DecodingOwner
  readonly #waiting = new Queue<Waiting>()

  constructor(decoder: Decoder<unknown>, schema: StandardSchemaV1 | undefined, owner: DecodingOwner) {
    this.#decoder = decoder
    this.#schema = schema
    this.#owner = owner
  }

  push(delivery: Delivery): void {
    let value: unknown
    try {
      value = this.#decode(delivery)
    } catch (error) {
      this.#settled(delivery, toNsqError(error))
      return
    }
    if (this.#schema !== undefined && value instanceof Promise) {
      void this.#wait(delivery, value)
      return
    }
    delivery.value = value
    this.#settled(delivery)
  }

  /** Drops those that wait and were lost meanwhile. */
  sweep(): void {
    for (const { delivery } of this.#waiting) if (!delivery.isLive) delivery.requeue()
    this.#advance()
  }

  /** Gives back what waits. */
  close(): void {
    for (const { delivery } of this.#waiting) delivery.giveBack()
    this.#advance()
  }

  #decode(delivery: Delivery): unknown {
    const value = decodeWith(this.#decoder, delivery.body, delivery)
    return this.#schema === undefined ? value : checkWith(this.#schema, value, delivery)
  }

  async #wait(delivery: Delivery, value: Promise<unknown>): Promise<void> {
    const waiting: Waiting = { delivery, isDone: false, error: undefined }
    this.#waiting.push(waiting)
    try {
      delivery.value = await value
    } catch (error) {
      waiting.error = toNsqError(error)
    }
    waiting.isDone = true
    this.#advance()
  }

  #settled(delivery: Delivery, error?: NsqError): void {
    if (this.#waiting.length === 0) this.#goOn(delivery, error)
    else this.#waiting.push({ delivery, isDone: true, error })
  }

  #advance(): void {
    for (let first = this.#waiting.peek(); first !== undefined; first = this.#waiting.peek()) {
      if (!first.isDone && !first.delivery.isAnswered) return
      this.#waiting.shift()
      if (!first.delivery.isAnswered) this.#goOn(first.delivery, first.error)
    }
  }

  #goOn(delivery: Delivery, error: NsqError | undefined): void {
    if (!delivery.isLive) delivery.requeue()
    else if (error === undefined) this.#owner.decoded(delivery)
    else this.#owner.undecodable(delivery, error)
  }
}
