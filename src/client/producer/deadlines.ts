import type { NsqError } from '../../util/errors.ts'
import { Publication, type PublicationOwner } from './publication.ts'

export interface DeadlinesHandler {
  /** Why a publication that took too long fails. */
  timeoutError(): NsqError
  /** Some have failed for that. */
  expired(): void
}

/** The publications that have not settled, in the order of their deadlines. One timer is for all. */
export class Deadlines implements PublicationOwner {
  readonly #timeoutMs: number
  readonly #handler: DeadlinesHandler
  #first: Publication | undefined
  #last: Publication | undefined
  #timer: NodeJS.Timeout | undefined
  #idleWaiters: (() => void)[] = []

  constructor(timeoutMs: number, handler: DeadlinesHandler) {
    this.#timeoutMs = timeoutMs
    this.#handler = handler
  }

  /** Makes a publication of so many messages; see there. */
  open(messages: number): Publication {
    const publication = new Publication(this, messages, performance.now() + this.#timeoutMs)
    const last = this.#last
    publication.previous = last
    if (last === undefined) this.#first = publication
    else last.next = publication
    this.#last = publication
    this.#timer ??= setTimeout(this.#onTimer, this.#timeoutMs)
    return publication
  }

  /** Takes it out of the list: one that waits for long must not keep those that came after it. */
  settled(publication: Publication): void {
    const { previous, next } = publication
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    publication.previous = undefined
    publication.next = undefined
    if (this.#first === undefined) for (const wake of this.#idleWaiters.splice(0)) wake()
  }

  /** Resolves when all have settled, or this time has passed. */
  async idle(timeoutMs: number): Promise<void> {
    if (this.#first === undefined) return
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#idleWaiters.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** Fails all that have not settled. */
  close(error: NsqError): void {
    clearTimeout(this.#timer)
    while (this.#first !== undefined) this.#first.abandon(error)
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    const now = performance.now()
    let hasExpired = false
    while (this.#first !== undefined && this.#first.deadline <= now) {
      this.#first.abandon(this.#handler.timeoutError())
      hasExpired = true
    }
    if (this.#first !== undefined) {
      // A timer may be early by a fraction of a millisecond.
      this.#timer = setTimeout(this.#onTimer, Math.ceil(this.#first.deadline - now))
    }
    if (hasExpired) this.#handler.expired()
  }
}
