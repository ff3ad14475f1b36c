import type { NsqError } from '../util/errors.ts'
import type { ArchiverEvents } from './archiver-options.ts'
import type { ArchivedMessage } from './message.ts'

/**
 * When nsqd has messages ready again that went back: soon, for any consumer of the channel. This one slows down by itself,
 * and the delay of handlers that fail, minutes, would come on top of that.
 */
const AGAIN_MS = 1000

/** Answers messages, and counts. */
export class Answers {
  /** Messages that were finished. */
  finished = 0
  /** Messages that are durable, and were no longer live. */
  unfinished = 0
  /** Messages that went back. */
  requeued = 0
  readonly #events: Pick<ArchiverEvents, 'finished' | 'givenBack'>

  constructor(events: Pick<ArchiverEvents, 'finished' | 'givenBack'>) {
    this.#events = events
  }

  /** These are durable. */
  finish(messages: readonly ArchivedMessage[]): void {
    const unfinished: ArchivedMessage[] = []
    for (const message of messages) if (!message.finish()) unfinished.push(message)
    this.unfinished += unfinished.length
    this.finished += messages.length - unfinished.length
    this.#events.finished(messages, unfinished)
  }

  /**
   * These could not be made durable. When the archive goes on, the consumer slows down and nsqd waits; when it ends, others
   * shall have them at once.
   */
  giveBack(messages: readonly ArchivedMessage[], error: NsqError, goesOn: boolean): void {
    for (const message of messages) {
      if (goesOn) message.requeue(AGAIN_MS)
      else message.requeue(0, { backoff: false })
    }
    this.requeued += messages.length
    this.#events.givenBack(messages.length, error)
  }

  /** This one came too late. */
  refuse(message: ArchivedMessage): void {
    message.requeue(0, { backoff: false })
    this.requeued++
  }
}
