import { errorText, NsqError } from '../util/errors.ts'
import { Queue } from '../util/queue.ts'
import type { Message } from './message.ts'

/** Where messages go that were received. */
export interface Inbox {
  push(message: Message): void
  /** Hands out nothing more; returns what has not been handed out. */
  close(): Message[]
}

/** Handles a message. When it returns or resolves, the message is finished; when it throws or rejects, requeued. */
export type MessageHandler = (message: Message) => unknown

/** Runs a handler for each message, a number of them at a time. */
export class HandlerInbox implements Inbox {
  readonly #handler: MessageHandler
  readonly #concurrency: number
  readonly #onError: (error: NsqError) => void
  readonly #queue = new Queue<Message>()
  #running = 0

  constructor(handler: MessageHandler, concurrency: number, onError: (error: NsqError) => void) {
    this.#handler = handler
    this.#concurrency = concurrency
    this.#onError = onError
  }

  push(message: Message): void {
    if (this.#running < this.#concurrency) void this.#run(message)
    else this.#queue.push(message)
  }

  close(): Message[] {
    return takeAll(this.#queue)
  }

  async #run(first: Message): Promise<void> {
    this.#running++
    for (let message: Message | undefined = first; message !== undefined; message = nextLive(this.#queue)) {
      try {
        await this.#handler(message)
        message.finish()
      } catch (error) {
        message.requeue()
        this.#onError(
          new NsqError('E_HANDLER', `the handler failed on message ${message.id}: ${errorText(error)}`, {
            cause: error,
          }),
        )
      }
    }
    this.#running--
  }
}

/** Hands messages to `for await` loops. */
export class IteratorInbox implements Inbox, AsyncIterator<Message, undefined> {
  readonly #queue = new Queue<Message>()
  #waiting: ((result: IteratorResult<Message, undefined>) => void)[] = []
  #isClosed = false
  readonly #onReturn: () => Promise<void>

  /** `onReturn` is called when a loop is left. */
  constructor(onReturn: () => Promise<void>) {
    this.#onReturn = onReturn
  }

  push(message: Message): void {
    const waiting = this.#waiting.shift()
    if (waiting === undefined) this.#queue.push(message)
    else waiting({ done: false, value: message })
  }

  close(): Message[] {
    this.#isClosed = true
    for (const waiting of this.#waiting.splice(0)) waiting({ done: true, value: undefined })
    return takeAll(this.#queue)
  }

  next(): Promise<IteratorResult<Message, undefined>> {
    const message = nextLive(this.#queue)
    if (message !== undefined) return Promise.resolve({ done: false, value: message })
    if (this.#isClosed) return Promise.resolve({ done: true, value: undefined })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  async return(): Promise<IteratorResult<Message, undefined>> {
    await this.#onReturn()
    return { done: true, value: undefined }
  }
}

/** Hands each message over as it comes. */
export class CallbackInbox implements Inbox {
  readonly #callback: (message: Message) => void
  readonly #onError: (error: NsqError) => void

  constructor(callback: (message: Message) => void, onError: (error: NsqError) => void) {
    this.#callback = callback
    this.#onError = onError
  }

  push(message: Message): void {
    try {
      this.#callback(message)
    } catch (error) {
      this.#onError(
        new NsqError('E_HANDLER', `onMessage failed on message ${message.id}: ${errorText(error)}`, {
          cause: error,
        }),
      )
      message.requeue()
    }
  }

  close(): Message[] {
    return []
  }
}

/** The next message that can still be answered: nsqd delivers the others again. */
function nextLive(queue: Queue<Message>): Message | undefined {
  let message = queue.shift()
  while (message !== undefined && !message.isLive) message = queue.shift()
  return message
}

function takeAll(queue: Queue<Message>): Message[] {
  const messages = [...queue]
  queue.clear()
  return messages
}
