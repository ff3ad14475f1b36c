import { errorText, NsqError } from '../../util/errors.ts'
import type { Delivery } from './delivery.ts'
import { toNsqError } from '../errors.ts'

/** Takes a message that was given up. When it returns or resolves, the message is finished, unless it was answered. */
export type DeadLetterHook = (delivery: Delivery, error: NsqError) => unknown

/** What of a Producer is needed. */
export interface DeadLetterProducer {
  publish(topic: string, body: Buffer): Promise<void>
  close(timeoutMs: number): Promise<void>
}

export interface DeadLetterOptions {
  /** A topic, a hook, or neither: then the message is finished, and lost. */
  target: string | DeadLetterHook | undefined
  /** Makes what publishes to the topic, when it is first needed. */
  createProducer: () => DeadLetterProducer
  /** Undefined when the program has none: then what is lost is a warning of the process. */
  onError: ((error: NsqError) => void) | undefined
}

/** Where messages end that could not be handled. */
export class DeadLetters {
  readonly #options: DeadLetterOptions
  #producer: DeadLetterProducer | undefined

  constructor(options: DeadLetterOptions) {
    this.#options = options
  }

  /** Settles the message, sooner or later; the error is why it was given up. Never throws. */
  take(delivery: Delivery, error: NsqError): void {
    if (this.#options.target === undefined) this.#drop(delivery, error)
    else void this.#hand(delivery, error, this.#options.target)
  }

  /** To be called when nothing is taken any more. What is still on its way is given up. */
  async close(): Promise<void> {
    await this.#producer?.close(0)
  }

  #drop(delivery: Delivery, cause: NsqError): void {
    if (!delivery.discard()) return
    const remedy = 'Keep such messages with the option deadLetter: a topic or a function.'
    const what = `${delivery.toString()} was dropped: ${cause.message}`
    const { onError } = this.#options
    if (onError !== undefined) onError(new NsqError('E_MAX_ATTEMPTS', what, { cause, remedy }))
    else process.emitWarning(`${what}. ${remedy}`, { type: 'NsqWarning', code: 'E_MAX_ATTEMPTS' })
  }

  async #hand(delivery: Delivery, error: NsqError, target: string | DeadLetterHook): Promise<void> {
    try {
      if (typeof target === 'string') await this.#publish(target, delivery.body)
      else await target(delivery, error)
      delivery.discard()
    } catch (failure) {
      // It stays in its channel, and comes again.
      delivery.requeue()
      const what = `${delivery.toString()} could not be put among the dead letters`
      const cause = toNsqError(failure)
      this.#options.onError?.(new NsqError('E_DEAD_LETTER', `${what}: ${errorText(failure)}`, { cause }))
    }
  }

  async #publish(topic: string, body: Buffer): Promise<void> {
    this.#producer ??= this.#options.createProducer()
    await this.#producer.publish(topic, body)
  }
}
