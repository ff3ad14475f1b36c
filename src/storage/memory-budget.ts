import type { Block } from './block.ts'
import { BlockPool, CHUNK } from './block-pool.ts'

/** What a budget needs of the logs whose blocks it counts. */
export interface BlockOwner {
  /** Lets go of this block, its oldest; it can be read back from disk. False when it cannot be spared. */
  evict(block: Block): boolean
}

const SHORTEST_READ = 64 * 1024
const LONGEST_READ = 512 * 1024
/** The share of the limit that reading from disk may take, beside the blocks that are counted. */
const READ_SHARE = 0.5
const SMALLEST_BLOCK = 16 * 1024
const LARGEST_BLOCK = CHUNK
/** The share of the limit that the blocks may take which logs have begun and not filled. */
const BEGUN_SHARE = 0.5
/** A reader holds the stretch in use and the one ahead. */
const BLOCKS_A_READER = 2

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
  /** What blocks are made of. */
  readonly pool: BlockPool
  /** Cursors that hold bytes read back from disk; they count themselves. */
  diskReaders = 0
  /** Logs with something in memory; they count themselves. */
  logs = 0
  #used = 0
  /** In the order of creation: insertion order of a Set. */
  readonly #entries = new Map<Block, Entry>()

  /** Without a pool no memory is used again. */
  constructor(limit: number, pool: BlockPool = new BlockPool({ lent: () => () => false })) {
    this.limit = limit
    this.pool = pool
  }

  /** How much a cursor may read at once: all that read the disk now share a part of the limit. */
  get readLength(): number {
    const share = (this.limit * READ_SHARE) / (BLOCKS_A_READER * Math.max(1, this.diskReaders))
    return Math.round(Math.min(LONGEST_READ, Math.max(SHORTEST_READ, share)))
  }

  /**
   * How much a log may take at once for what is to come: every log has a block that it has not filled. Were they larger,
   * those of a thousand topics would push each other out of memory before they are, for a new one with each message.
   */
  get blockLength(): number {
    const share = (this.limit * BEGUN_SHARE) / Math.max(1, this.logs)
    return Math.round(Math.min(LARGEST_BLOCK, Math.max(SMALLEST_BLOCK, share)))
  }

  get used(): number {
    return this.#used
  }

  add(owner: BlockOwner, block: Block): void {
    this.#used += block.bytes.length
    if (this.#used > this.limit) this.#reclaim()
    // Last, so that the new block itself stays: its owner is about to fill it.
    this.#entries.set(block, { owner, block })
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
