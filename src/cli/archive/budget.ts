/** How many messages may still be taken, over all topics. */
export class Budget {
  /** Resolves when the last one was taken. */
  readonly spent: Promise<void>
  #left: number
  #spend: () => void = () => {}

  /** @param limit - Infinity for no limit */
  constructor(limit: number) {
    this.#left = limit
    this.spent = new Promise(resolve => (this.#spend = resolve))
  }

  /** Whether one more may be taken; it then is. */
  take(): boolean {
    if (this.#left === 0) return false
    if (--this.#left === 0) this.#spend()
    return true
  }
}
