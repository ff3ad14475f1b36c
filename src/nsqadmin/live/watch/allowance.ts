/** What a watch receives in one of its turns, at most: few percent of a processor, and nothing that others would miss. */
const MESSAGES = 500
const BYTES = 2 * 1024 * 1024

/** Counts what is received in a turn. */
export class Allowance {
  #messages = 0
  #bytes = 0

  /** A message came. Returns whether no more should come in this turn. */
  spend(bytes: number): boolean {
    this.#messages++
    this.#bytes += bytes
    return this.isSpent
  }

  get isSpent(): boolean {
    return this.#messages >= MESSAGES || this.#bytes >= BYTES
  }

  renew(): void {
    this.#messages = 0
    this.#bytes = 0
  }
}
