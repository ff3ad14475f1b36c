import type { Message } from '../../client/consumer/message.ts'
import type { NsqError } from '../../util/errors.ts'
import { printable } from '../escape.ts'
import { plural } from '../units.ts'

/** Lines in a second. */
const MOST_LINES = 5
const WINDOW_MS = 1000
/** Messages that are remembered. */
const MEMORY = 10_000
/** Of what a function of the user's has to say. */
const MOST_TEXT = 300

/** Says which messages have failed: each once, whatever its attempts, and not more of them than anybody can read. */
export class FailureLog {
  readonly #say: (text: string) => void
  readonly #said = new Set<string>()
  #windowAt = Number.NEGATIVE_INFINITY
  #lines = 0
  #unsaid = 0

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  add({ topic, id, nsqd, attempts }: Message, { message }: NsqError): void {
    const name = `${id} of nsqd ${nsqd}`
    if (this.#said.has(name)) return
    this.#remember(name)
    const now = performance.now()
    if (now - this.#windowAt >= WINDOW_MS) {
      this.tellRest()
      this.#windowAt = now
      this.#lines = 0
    }
    if (++this.#lines > MOST_LINES) {
      this.#unsaid++
      return
    }
    const text = message.length > MOST_TEXT ? `${message.slice(0, MOST_TEXT)}…` : message
    const why = printable(Buffer.from(text)).replaceAll(/\s+/g, ' ')
    const again = attempts > 1 ? `, attempt ${attempts},` : ''
    this.#say(`message ${name}, topic ${topic},${again} went back: ${why}`)
  }

  /** Says how many more there were that were not named. */
  tellRest(): void {
    if (this.#unsaid > 0) this.#say(`${plural(this.#unsaid, 'more message')} went back for such reasons`)
    this.#unsaid = 0
  }

  #remember(name: string): void {
    this.#said.add(name)
    if (this.#said.size <= MEMORY) return
    for (const oldest of this.#said) {
      this.#said.delete(oldest)
      break
    }
  }
}
