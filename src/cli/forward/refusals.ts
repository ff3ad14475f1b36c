import type { Message } from '../../client/consumer/message.ts'

/** Messages that are remembered. */
const MEMORY = 100_000

/**
 * How often each message was refused. Its attempts do not say so: during an outage they grow as well, and then the first
 * refusal, as of a proxy that has nothing behind it yet, would be the last.
 */
export class Refusals {
  readonly #times = new Map<string, number>()
  readonly #memory: number

  constructor(memory: number = MEMORY) {
    this.#memory = memory
  }

  /** Once more; how often by now. Of one that cannot be remembered it is the attempts. */
  add(message: Message): number {
    const name = nameOf(message)
    const known = this.#times.get(name)
    if (known === undefined && this.#times.size >= this.#memory) return message.attempts
    const times = (known ?? 0) + 1
    this.#times.set(name, times)
    return times
  }

  /** It does not come again. */
  forget(message: Message): void {
    if (this.#times.size > 0) this.#times.delete(nameOf(message))
  }
}

function nameOf({ id, nsqd }: Message): string {
  return `${id} ${nsqd}`
}
