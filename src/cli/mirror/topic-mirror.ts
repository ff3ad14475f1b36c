import type { Message } from '../../client/consumer/message.ts'
import { toNsqError } from '../../client/errors.ts'
import type { Outlet } from './outlet.ts'
import type { Selected, Selection } from './selection.ts'
import type { Tally } from './tally.ts'
import { Waiting } from './waiting.ts'

export interface TopicMirrorOptions {
  readonly outlet: Outlet
  /** Undefined when everything goes as it is. */
  readonly selection: Selection | undefined
  readonly tally: Tally
  /** How long a function of the user's may take. */
  readonly limitMs: number
}

/** The messages of one topic, from receiving to the outlet. */
export class TopicMirror {
  readonly #outlet: Outlet
  readonly #selection: Selection | undefined
  readonly #tally: Tally
  readonly #waiting: Waiting<Selected>

  constructor({ outlet, selection, tally, limitMs }: TopicMirrorOptions) {
    this.#outlet = outlet
    this.#selection = selection
    this.#tally = tally
    this.#waiting = new Waiting<Selected>(
      limitMs,
      (message, selected) => this.#selected(message, selected),
      (message, error) => this.#failed(message, error),
    )
  }

  take(message: Message): void {
    if (this.#selection === undefined) {
      this.#outlet.send(message, message.body)
      return
    }
    try {
      const selected = this.#selection.select(message)
      if (selected instanceof Promise) this.#waiting.add(message, selected)
      else this.#selected(message, selected)
    } catch (error) {
      this.#failed(message, error)
    }
  }

  /** Gives back what functions of the user's are not ready with. */
  end(): void {
    for (const message of this.#waiting.takeAll()) this.#outlet.release(message)
  }

  #selected(message: Message, selected: Selected): void {
    // When its connection was lost meanwhile, it comes again: once is enough.
    if (!message.isLive) return
    if (typeof selected === 'string') {
      this.#tally.leave(selected)
      message.finish()
    } else if (Buffer.isBuffer(selected)) {
      this.#outlet.send(message, selected)
    } else {
      this.#outlet.sendAll(message, selected)
    }
  }

  #failed(message: Message, error: unknown): void {
    this.#outlet.fail(message, toNsqError(error))
  }
}
