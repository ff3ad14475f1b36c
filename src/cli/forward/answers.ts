import { Delivery } from '../../client/consumer/delivery.ts'
import type { Message } from '../../client/consumer/message.ts'
import { toNsqError } from '../../client/errors.ts'
import type { NsqError } from '../../util/errors.ts'
import { Refusals } from './refusals.ts'

export interface AnswersOptions {
  /** Resolves when nsqd has it; undefined when there is no topic for what is refused. */
  readonly deadLetter: ((body: Buffer) => Promise<void>) | undefined
  /** Refusals after which a message is dropped; 0 for any number. */
  readonly maxAttempts: number
  /** What failed comes again after so long, times its deliveries. */
  readonly againMs: number
  readonly longestAgainMs: number
  readonly events: AnswerEvents
}

export interface AnswerEvents {
  /** @param why - what the endpoint said of it */
  dropped(message: Message, why: string): void
  /** A message could not be published to the dead-letter topic, and comes again. */
  deadLetterFailed(error: NsqError): void
}

/** What has become of messages. */
export interface AnswerCounts {
  /** Answered 2xx, and finished. */
  readonly sent: number
  /** Left out by --sample, and finished. */
  readonly skipped: number
  /** Went back, to be sent again. */
  readonly requeued: number
  readonly deadLettered: number
  /** Refused so often that they were finished, and are gone. */
  readonly dropped: number
  /** Answered 2xx too late for nsqd, which delivers them again. */
  readonly unfinished: number
}

/** Answers messages, and counts. */
export class Answers {
  readonly #options: AnswersOptions
  readonly #counts = { sent: 0, skipped: 0, requeued: 0, deadLettered: 0, dropped: 0, unfinished: 0 }
  readonly #refusals = new Refusals()
  /** Nobody is there any more to try again: what goes back is for others, at once. */
  #isOver = false

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  get counts(): AnswerCounts {
    return { ...this.#counts }
  }

  end(): void {
    this.#isOver = true
  }

  sent(messages: readonly Message[]): void {
    for (const message of messages) {
      this.#refusals.forget(message)
      if (message.finish()) this.#counts.sent++
      else this.#counts.unfinished++
    }
  }

  skip(message: Message): void {
    discard(message)
    this.#counts.skipped++
  }

  /** These were not sent: others may have them. */
  giveBack(messages: readonly Message[]): void {
    for (const message of messages) this.#requeue(message, 0, false)
  }

  /** The endpoints ask to be left alone for so long. */
  postpone(messages: readonly Message[], delayMs: number): void {
    for (const message of messages) this.#requeue(message, delayMs, false)
  }

  /** @param slowsDown - whether it says that the next one would fail as well */
  failed(messages: readonly Message[], slowsDown: boolean): void {
    const { againMs, longestAgainMs } = this.#options
    for (const message of messages) {
      this.#requeue(message, Math.min(longestAgainMs, againMs * message.attempts), slowsDown)
    }
  }

  /** Nothing changes by sending these again, unless somebody changes the endpoint. */
  refused(messages: readonly Message[], why: string, slowsDown: boolean): void {
    const { deadLetter, maxAttempts } = this.#options
    for (const message of messages) {
      if (deadLetter !== undefined) void this.#bury(message, deadLetter)
      else if (maxAttempts > 0 && this.#refusals.add(message) >= maxAttempts) this.#drop(message, why)
      else this.#requeue(message, undefined, slowsDown)
    }
  }

  async #bury(message: Message, deadLetter: (body: Buffer) => Promise<void>): Promise<void> {
    try {
      await deadLetter(message.body)
      discard(message)
      this.#counts.deadLettered++
    } catch (error) {
      this.#requeue(message, undefined, true)
      this.#options.events.deadLetterFailed(toNsqError(error))
    }
  }

  #drop(message: Message, why: string): void {
    if (!discard(message)) return
    this.#refusals.forget(message)
    this.#counts.dropped++
    this.#options.events.dropped(message, why)
  }

  #requeue(message: Message, delayMs: number | undefined, slowsDown: boolean): void {
    if (this.#isOver) message.requeue(0, { backoff: false })
    else message.requeue(delayMs, { backoff: slowsDown })
    this.#counts.requeued++
  }
}

/** Finishes it, which is no sign that the endpoints are well: a consumer that goes slowly does not go on faster. */
function discard(message: Message): boolean {
  return message instanceof Delivery ? message.discard() : message.finish()
}
