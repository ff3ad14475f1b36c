/** Bits by number, as many as are needed. */
class Bits {
  #words = new Uint32Array(1024)

  /** Returns whether it was not set yet. */
  set(index: number): boolean {
    const at = index >>> 5
    if (at >= this.#words.length) this.#grow(at)
    const bit = 1 << (index & 31)
    const word = this.#words[at] ?? 0
    if ((word & bit) !== 0) return false
    this.#words[at] = word | bit
    return true
  }

  /** How many are set here and not there. */
  countWithout(other: Bits): number {
    let count = 0
    for (let at = 0; at < this.#words.length; at++) {
      for (let word = (this.#words[at] ?? 0) & ~(other.#words[at] ?? 0); word !== 0; word &= word - 1) count++
    }
    return count
  }

  #grow(at: number): void {
    const words = new Uint32Array(Math.max(2 * this.#words.length, at + 1))
    words.set(this.#words)
    this.#words = words
  }
}

/** Which messages nsqd has acknowledged, and which have come, by their numbers: in what order is all the same. */
export class Ledger {
  acknowledged = 0
  /** Different ones. */
  received = 0
  /** Those that came again. */
  duplicates = 0
  readonly #acknowledged = new Bits()
  readonly #received = new Bits()

  acknowledge(first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      if (this.#acknowledged.set(number)) this.acknowledged++
    }
  }

  /** Returns whether it comes for the first time. */
  receive(number: number): boolean {
    const isFirst = this.#received.set(number)
    if (isFirst) this.received++
    else this.duplicates++
    return isFirst
  }

  /** Messages that were acknowledged and have not come. */
  get missing(): number {
    return this.#acknowledged.countWithout(this.#received)
  }
}
