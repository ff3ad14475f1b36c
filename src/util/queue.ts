const SMALLEST = 16
/** An emptied ring larger than this is let go, so that one burst does not hold its memory for ever. */
const KEPT_WHEN_EMPTY = 1024

/**
 * A first-in, first-out queue in a growable ring: no operation moves the other items.
 * `undefined` cannot be an item; it is what `shift` and `peek` return when the queue is empty.
 */
export class Queue<T> implements Iterable<T> {
  // The capacity is a power of two, so that `& mask` wraps an index:
  //   [ c d . . . a b ]   head = 5, length = 4
  #ring: (T | undefined)[] = emptyRing(SMALLEST)
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Adds an item at the end. */
  push(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#ring[(this.#head + this.#length) & (this.#ring.length - 1)] = item
    this.#length++
  }

  /** Adds an item at the front: it is the next to be shifted. */
  unshift(item: T): void {
    if (this.#length === this.#ring.length) this.#grow()
    this.#head = (this.#head - 1) & (this.#ring.length - 1)
    this.#ring[this.#head] = item
    this.#length++
  }

  /** Takes the first item. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined
    const item = this.#ring[this.#head]
    this.#ring[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#ring.length - 1)
    this.#length--
    if (this.#length === 0 && this.#ring.length > KEPT_WHEN_EMPTY) this.clear()
    return item
  }

  /** The first item, which stays. */
  peek(): T | undefined {
    return this.#ring[this.#head]
  }

  clear(): void {
    this.#ring = emptyRing(SMALLEST)
    this.#head = 0
    this.#length = 0
  }

  /** First to last. The queue must not change meanwhile. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let i = 0; i < this.#length; i++) {
      const item = this.#ring[(this.#head + i) & (this.#ring.length - 1)]
      if (item !== undefined) yield item
    }
  }

  #grow(): void {
    const old = this.#ring
    const ring = emptyRing<T>(old.length * 2)
    for (let i = 0; i < this.#length; i++) ring[i] = old[(this.#head + i) & (old.length - 1)]
    this.#ring = ring
    this.#head = 0
  }
}

function emptyRing<T>(capacity: number): (T | undefined)[] {
  return Array.from<T | undefined>({ length: capacity }).fill(undefined)
}
