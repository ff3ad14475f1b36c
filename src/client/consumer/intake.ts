import { errorText, NsqError } from '../../util/errors.ts'
import type { Decoder } from '../codec.ts'
import type { DeadLetters } from './dead-letters.ts'
import { Decoding, type DecodingOwner } from './decoding.ts'
import { Dedupe, type DedupeOwner, type ResolvedDedupeOptions } from './dedupe.ts'
import type { Delivery } from './delivery.ts'
import type { Inbox, InboxOwner } from './inbox.ts'
import type { StandardSchemaV1 } from '../schema.ts'
import { tracing, type MessagingSpan } from '../tracing.ts'

export interface IntakeOptions {
  channel: string
  /** Undefined when bodies are taken as they are. */
  decoder: Decoder<unknown> | undefined
  schema: StandardSchemaV1 | undefined
  dedupe: ResolvedDedupeOptions | undefined
  /** 0 for any number. */
  maxAttempts: number
  deadLetters: DeadLetters
  onError: (error: NsqError) => void
  /** A message failed for good, in a way that says that messages cannot be handled. */
  failed: () => void
}

/**
 * The way of a message from its connection to the program, of which only those stages are there that are asked for:
 *
 *     received -> decoding -> dedupe -> attempts left? -> inbox -> handler
 *                    |                       |                       `-> failed -> requeue
 *                    `-----------------------`------------ dead letters <---'  (no attempts left)
 */
export class Intake implements DecodingOwner, DedupeOwner, InboxOwner {
  readonly #options: IntakeOptions
  readonly #decoding: Decoding | undefined
  readonly #dedupe: Dedupe | undefined
  readonly #inbox: Inbox
  readonly #maxAttempts: number
  #isClosed = false
  #isSweepDue = false

  constructor(options: IntakeOptions, createInbox: (owner: InboxOwner) => Inbox) {
    const { decoder, schema, dedupe, maxAttempts } = options
    this.#options = options
    this.#maxAttempts = maxAttempts === 0 ? Infinity : maxAttempts
    if (decoder !== undefined) this.#decoding = new Decoding(decoder, schema, this)
    if (dedupe !== undefined) this.#dedupe = new Dedupe(dedupe, this)
    this.#inbox = createInbox(this)
  }

  received(delivery: Delivery): void {
    if (this.#isClosed) delivery.giveBack()
    // What was handled and is only delivered once more has not failed: dedupe is asked first.
    else if (this.#dedupe === undefined && this.#isSpent(delivery)) this.#giveUp(delivery)
    else if (this.#decoding !== undefined) this.#decoding.push(delivery)
    else this.decoded(delivery)
  }

  /** Some messages were lost: those that nobody has seen need not be held any longer. */
  lost(): void {
    if (this.#isSweepDue) return
    this.#isSweepDue = true
    // Once for all of them: a stall can cost as many messages as are in flight, and each is told of alone.
    queueMicrotask(() => {
      this.#isSweepDue = false
      this.#decoding?.sweep()
      this.#dedupe?.sweep()
      this.#inbox.sweep()
    })
  }

  /** Hands out nothing more, and gives back what the program has not seen. */
  close(): void {
    this.#isClosed = true
    this.#decoding?.close()
    this.#inbox.close()
  }

  /** For the decoding. */
  decoded(delivery: Delivery): void {
    if (this.#dedupe === undefined) this.#handOut(delivery)
    else this.#dedupe.push(delivery)
  }

  /** For the decoding: no further attempt would change it. */
  undecodable(delivery: Delivery, error: NsqError): void {
    delivery.value = undefined
    this.#options.onError(error)
    this.#options.deadLetters.take(delivery, error)
  }

  /** For dedupe. */
  admitted(delivery: Delivery): void {
    if (this.#isSpent(delivery)) this.#giveUp(delivery)
    else this.#handOut(delivery)
  }

  /** For dedupe. */
  keyFailed(error: NsqError): void {
    this.#options.onError(error)
  }

  /** For the inbox. */
  span(delivery: Delivery): MessagingSpan | undefined {
    const spans = tracing()
    if (spans === undefined) return undefined
    const { topic, id, nsqd, body } = delivery
    return spans.process({ topic, channel: this.#options.channel, id, size: body.length, nsqd })
  }

  /** For the inbox. */
  failed(delivery: Delivery, cause: unknown): void {
    const what = `the handler failed on ${delivery.toString()}`
    const error = new NsqError('E_HANDLER', `${what}: ${errorText(cause)}`, { cause })
    if (delivery.isLive && delivery.attempts >= this.#maxAttempts) {
      this.#options.failed()
      this.#options.deadLetters.take(delivery, error)
    } else {
      delivery.requeue()
    }
    this.#options.onError(error)
  }

  #handOut(delivery: Delivery): void {
    if (this.#isClosed) delivery.giveBack()
    else this.#inbox.push(delivery)
  }

  /** It has been delivered more often than it may fail: its handlers timed out or died, or gave it back. */
  #isSpent(delivery: Delivery): boolean {
    return delivery.attempts > this.#maxAttempts
  }

  #giveUp(delivery: Delivery): void {
    const { attempts } = delivery
    const allowed = `maxAttempts allows ${this.#maxAttempts}`
    const what = `${delivery.toString()} was delivered ${attempts} times, and ${allowed}`
    this.#options.deadLetters.take(delivery, new NsqError('E_MAX_ATTEMPTS', what))
  }
}
