/** What a heap item must have: where it is in its heap, or -1. The heap writes it; nobody else does. */
export interface HeapItem {
  heapIndex: number
}

/**
 * A binary heap whose items know their place, so that any of them can be removed or re-ordered in O(log n).
 * An item is in one heap at most, and once.
 */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  /** `before(a, b)`: whether `a` comes out before `b`. */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  push(item: T): void {
    item.heapIndex = this.#items.length
    this.#items.push(item)
    this.#up(item)
  }

  /** The first item, which stays. */
  peek(): T | undefined {
    return this.#items[0]
  }

  /** Takes the first item. */
  pop(): T | undefined {
    const first = this.#items[0]
    if (first !== undefined) this.remove(first)
    return first
  }

  /** Takes an item out, wherever it is; returns whether it was here. */
  remove(item: T): boolean {
    const index = item.heapIndex
    if (index < 0 || this.#items[index] !== item) return false
    const last = this.#items.pop()
    if (last !== undefined && last !== item) {
      this.#place(last, index)
      this.update(last)
    }
    item.heapIndex = -1
    return true
  }

  /** Puts an item where it belongs after what orders it has changed. */
  update(item: T): void {
    this.#up(item)
    this.#down(item)
  }

  clear(): void {
    for (const item of this.#items) item.heapIndex = -1
    this.#items.length = 0
  }

  /** Every item, in no order. The heap must not change meanwhile. */
  values(): IterableIterator<T> {
    return this.#items.values()
  }

  /** Every item, first to last; taking k of them costs O(k log k). The heap must not change meanwhile. */
  *inOrder(): Generator<T, void, undefined> {
    // An item comes before its children: candidates are those whose parent has been given.
    const next = new Heap<Candidate<T>>((a, b) => this.#before(a.item, b.item))
    const consider = (index: number): void => {
      const item = this.#items[index]
      if (item !== undefined) next.push({ item, index, heapIndex: -1 })
    }
    consider(0)
    for (let first = next.pop(); first !== undefined; first = next.pop()) {
      yield first.item
      consider(2 * first.index + 1)
      consider(2 * first.index + 2)
    }
  }

  #place(item: T, index: number): void {
    this.#items[index] = item
    item.heapIndex = index
  }

  #up(item: T): void {
    let index = item.heapIndex
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = this.#items[parentIndex]
      if (parent === undefined || !this.#before(item, parent)) break
      this.#place(parent, index)
      index = parentIndex
    }
    this.#place(item, index)
  }

  #down(item: T): void {
    let index = item.heapIndex
    for (;;) {
      let childIndex = 2 * index + 1
      let child = this.#items[childIndex]
      if (child === undefined) break
      const right = this.#items[childIndex + 1]
      if (right !== undefined && this.#before(right, child)) {
        child = right
        childIndex++
      }
      if (!this.#before(child, item)) break
      this.#place(child, index)
      index = childIndex
    }
    this.#place(item, index)
  }
}

interface Candidate<T> extends HeapItem {
  readonly item: T
  readonly index: number
}
