/** What a watch receives in one of its turns, at most: few percent of a processor, and nothing that others would miss. */
const MESSAGES = 500
const BYTES = 2 * 1024 * 1024
/** What the size of messages is taken for before any has come. */
const FIRST_SIZE = 64 * 1024

/** Counts what is received in a turn. */
export class Allowance {
  #messages = 0
  #bytes = 0
  #size = FIRST_SIZE

  /** A message came. Returns whether no more should come in this turn. */
  spend(bytes: number): boolean {
    this.#messages++
    this.#bytes += bytes
    return this.isSpent
  }

  get isSpent(): boolean {
    return this.#messages >= MESSAGES || this.#bytes >= BYTES
  }

  /** How many messages may be on their way at a time, if they are as large as the last ones. */
  get ready(): number {
    return Math.max(1, Math.min(MESSAGES, Math.floor(BYTES / this.#size)))
  }

  /** The next turn begins. */
  renew(): void {
    if (this.#messages > 0) this.#size = Math.max(1, this.#bytes / this.#messages)
    this.#messages = 0
    this.#bytes = 0
  }
}
