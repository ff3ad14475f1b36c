const SMALLEST = 16

/**
 * Runs of messages delivered with one message timeout, in the order of their deadlines: equal timeouts expire in the
 * order of delivery, so a plain queue does. A run is what one write carried, so delivering a message costs nothing
 * here.
 */
export class RunQueue {
  #mask = SMALLEST - 1
  #first = new Float64Array(SMALLEST)
  #end = new Float64Array(SMALLEST)
  #deadline = new Float64Array(SMALLEST)
  #head = 0
  #tail = 0

  get isEmpty(): boolean {
    return this.#head === this.#tail
  }

  /** The head's first ordinal, the ordinal behind its last, and its deadline; only when the queue is not empty. */
  get headFirst(): number {
    return this.#first[this.#head & this.#mask] ?? 0
  }

  get headEnd(): number {
    return this.#end[this.#head & this.#mask] ?? 0
  }

  get headDeadline(): number {
    return this.#deadline[this.#head & this.#mask] ?? 0
  }

  push(first: number, end: number, deadline: number): void {
    if (this.#tail - this.#head > this.#mask) this.#grow()
    const slot = this.#tail & this.#mask
    this.#first[slot] = first
    this.#end[slot] = end
    this.#deadline[slot] = deadline
    this.#tail++
  }

  shift(): void {
    this.#head++
  }

  /** The deadline of the run in which this ordinal is; undefined when none holds it. */
  deadlineOf(ordinal: number): number | undefined {
    let low = this.#head
    let high = this.#tail
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.#end[middle & this.#mask] ?? 0) <= ordinal) low = middle + 1
      else high = middle
    }
    if (low === this.#tail || (this.#first[low & this.#mask] ?? 0) > ordinal) return undefined
    return this.#deadline[low & this.#mask]
  }

  clear(): void {
    this.#head = this.#tail = 0
  }

  #grow(): void {
    const mask = this.#mask * 2 + 1
    const copy = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const larger = new Float64Array(mask + 1)
      for (let i = this.#head; i < this.#tail; i++) larger[i & mask] = old[i & this.#mask] ?? 0
      return larger
    }
    this.#first = copy(this.#first)
    this.#end = copy(this.#end)
    this.#deadline = copy(this.#deadline)
    this.#mask = mask
  }
}
