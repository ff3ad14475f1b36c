import type { ArchivedMessage } from '../../archive/message.ts'
import type { NsqError } from '../../util/errors.ts'

/** More are only counted. */
const MOST = 100_000
const REFUSED = /^nsqd (.*): E_FIN_FAILED FIN (\S+)/

/**
 * Messages that are in the archive and that nsqd, as far as we know, still has: their FIN came too late, or their
 * connection was lost. They are no longer unfinished when they have come again and were finished then.
 */
export class Unfinished {
  readonly #keys = new Set<string>()
  #more = 0

  get count(): number {
    return this.#keys.size + this.#more
  }

  /** What became of the messages of a batch; see `ArchiverEvents.finished`. */
  answered(messages: readonly ArchivedMessage[], unfinished: readonly ArchivedMessage[]): void {
    if (this.#keys.size > 0) for (const { nsqd, id } of messages) this.#keys.delete(key(nsqd, id))
    for (const { nsqd, id } of unfinished) this.#add(key(nsqd, id))
  }

  /** For what a consumer's `onError` gets: whether it says that a FIN came too late. */
  refused(error: NsqError): boolean {
    if (error.code !== 'E_FIN_FAILED') return false
    const [, nsqd = '', id = error.message] = REFUSED.exec(error.message) ?? []
    this.#add(key(nsqd, id))
    return true
  }

  /** The channels were seen to have nothing any more. */
  clear(): void {
    this.#keys.clear()
    this.#more = 0
  }

  #add(text: string): void {
    if (this.#keys.size < MOST) this.#keys.add(text)
    else if (!this.#keys.has(text)) this.#more++
  }
}

function key(nsqd: string, id: string): string {
  return `${nsqd} ${id}`
}
