import type { MessageRecord } from '../../archive/jsonl.ts'
import type { Format } from './format.ts'

/** What a printer needs of a message of the client. */
export interface PrintedMessage extends Readonly<MessageRecord> {
  finish(): boolean
  requeue(delayMs: number, options: { backoff: boolean }): boolean
}

export interface PrinterOptions {
  format: Format
  /** Resolves to whether the bytes have left. */
  write: (bytes: Buffer) => Promise<boolean>
  /** Messages to print; those that come after them go back. Infinity prints all. */
  limit: number
}

/**
 * Prints messages, those of one turn of the event loop in one write, and finishes each when its bytes have left: what is
 * on its way is bounded by the number of messages in flight, however slow the reader is.
 */
export class Printer {
  /** Resolves when as many as wanted are printed and finished, or nobody reads any more. */
  readonly done: Promise<void>
  printed = 0
  /** When a message last came, on performance.now(). */
  lastAt = Number.NEGATIVE_INFINITY
  readonly #options: PrinterOptions
  #taken = 0
  #out: Buffer[] = []
  #waiting: PrintedMessage[] = []
  #writing: Promise<void> | undefined
  // Set by the promise's executor, which runs at once.
  #finish: () => void = () => {}

  constructor(options: PrinterOptions) {
    this.#options = options
    this.done = new Promise(resolve => {
      this.#finish = resolve
    })
  }

  print(message: PrintedMessage): void {
    if (this.#taken >= this.#options.limit) {
      giveBack(message)
      return
    }
    this.#taken++
    this.#options.format(message, this.#out)
    this.#waiting.push(message)
    this.#writing ??= this.#writeAll()
  }

  /** Resolves when all that was given has been written. */
  async flushed(): Promise<void> {
    await this.#writing
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What else this turn brings goes along.
      await new Promise(resolve => setImmediate(resolve))
      this.lastAt = performance.now()
      const bytes = Buffer.concat(this.#out)
      const messages = this.#waiting
      this.#out = []
      this.#waiting = []
      const isWritten = await this.#options.write(bytes)
      if (isWritten) this.printed += messages.length
      for (const message of messages) {
        if (isWritten) message.finish()
        else giveBack(message)
      }
      if (!isWritten || this.printed >= this.#options.limit) this.#finish()
    }
    this.#writing = undefined
  }
}

/** To whoever wants it next, at once and without counting as a failure. */
function giveBack(message: PrintedMessage): void {
  message.requeue(0, { backoff: false })
}
