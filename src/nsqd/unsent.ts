import type { IsBack, Lender } from '../storage/block-pool.ts'

const MiB = 1024 * 1024

/** With more bytes than this still to be sent to a client, no more is sent to it or read from it until they are gone. */
const MOST = MiB
/** The same while much waits over all. A socket with less than this never says that it has drained. */
export const LEAST = 64 * 1024
/** How much may wait over all connections before each has to do with less. */
const MUCH = 64 * MiB

/** Writes to a client. */
export interface Sender {
  /** Bytes that were ever given to it. */
  readonly given: number
  /** Bytes of these that have left the process. */
  readonly sent: number
  /** Those that have not. */
  readonly pending: number
}

/** What waits for clients that are slow to read, over all connections of an nsqd. */
export class Unsent implements Lender {
  #bytes = 0
  /** What each has that has something. */
  readonly #pending = new Map<Sender, number>()

  /** Something was given to it, or something has left. */
  update(sender: Sender): void {
    const { pending } = sender
    const before = this.#pending.get(sender) ?? 0
    if (pending === before) return
    this.#bytes += pending - before
    if (pending === 0) this.#pending.delete(sender)
    else this.#pending.set(sender, pending)
  }

  /** Nothing will leave any more. */
  remove(sender: Sender): void {
    this.#bytes -= this.#pending.get(sender) ?? 0
    this.#pending.delete(sender)
  }

  get isMuch(): boolean {
    return this.#bytes >= MUCH
  }

  /** How much may wait for one client, in bytes. */
  get share(): number {
    return this.isMuch ? LEAST : MOST
  }

  lent(): IsBack {
    const waiting = [...this.#pending.keys()].map(sender => ({ sender, until: sender.given }))
    return () => {
      // One that is not back is enough: with thousands of slow clients, not all of them are asked each time.
      for (let last = waiting.at(-1); last !== undefined; last = waiting.at(-1)) {
        if (this.#pending.has(last.sender) && last.sender.sent < last.until) return false
        waiting.pop()
      }
      return true
    }
  }
}
