import type { Block } from './block.ts'

/** What a budget needs of the logs whose blocks it counts. */
export interface BlockOwner {
  /** Lets go of this block, its oldest; it can be read back from disk. False when it cannot be spared. */
  evict(block: Block): boolean
}

interface Entry {
  readonly owner: BlockOwner
  readonly block: Block
}

/**
 * Bounds the bytes of recent messages kept in memory over all topics. At the limit the oldest block of any topic
 * leaves memory; its channels read it back from disk when they come to it.
 */
export class MemoryBudget {
  readonly limit: number
  #used = 0
  /** In the order of creation: insertion order of a Set. */
  readonly #entries = new Map<Block, Entry>()

  constructor(limit: number) {
    this.limit = limit
  }

  get used(): number {
    return this.#used
  }

  add(owner: BlockOwner, block: Block): void {
    this.#entries.set(block, { owner, block })
    this.#used += block.bytes.length
    if (this.#used > this.limit) this.#reclaim()
  }

  /** The owner has dropped the block itself. */
  remove(block: Block): void {
    if (this.#entries.delete(block)) this.#used -= block.bytes.length
  }

  #reclaim(): void {
    for (const { owner, block } of this.#entries.values()) {
      if (this.#used <= this.limit) return
      if (owner.evict(block)) this.remove(block)
    }
  }
}
