import { Block } from './block.ts'
import type { BlockOwner, MemoryBudget } from './memory-budget.ts'
import { recordLength } from './record.ts'
import type { Segment } from './segment.ts'

const MIN_BLOCK = 16 * 1024

/** What reads along a log and must let go of blocks that leave memory. */
export interface LogReader {
  detach(block: Block): void
  /** Lets go of every block. */
  release(): void
}

/** The chain of blocks with the newest bytes of a log in memory; the newest of them is still being filled. */
export class RecentBlocks implements BlockOwner {
  readonly #budget: MemoryBudget
  readonly #readers = new Set<LogReader>()
  /** Both undefined when nothing is in memory. */
  #oldest: Block | undefined
  #newest: Block | undefined
  #nextSize = MIN_BLOCK

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  /** The ordinal of the oldest message in memory, if there is one. */
  get firstOrdinal(): number | undefined {
    return this.#oldest?.firstOrdinal
  }

  addReader(reader: LogReader): void {
    this.#readers.add(reader)
  }

  removeReader(reader: LogReader): void {
    this.#readers.delete(reader)
  }

  /** The block to append `length` bytes of this segment to. */
  room(segment: Segment, length: number): Block {
    const newest = this.#newest
    if (newest !== undefined && newest.segment === segment && newest.length + length <= newest.bytes.length) {
      return newest
    }
    const size = Math.min(this.#nextSize, this.#budget.blockLength)
    const bytes = this.#budget.pool.take(Math.max(length, size))
    const block = new Block(segment, segment.size, segment.firstOrdinal + segment.count, bytes)
    this.#nextSize = Math.max(MIN_BLOCK, size * 2)
    if (newest === undefined) this.#begin(block)
    else newest.next = block
    this.#newest = block
    // What lives in memory only cannot be evicted; its topic bounds it by --mem-queue-size.
    if (segment.file !== undefined) this.#budget.add(this, block)
    return block
  }

  /** The block that holds the record at this place, if one does. */
  at(segment: Segment, offset: number): Block | undefined {
    for (let block = this.#oldest; block !== undefined; block = block.next) {
      if (block.covers(segment, offset)) return block
    }
    return undefined
  }

  /** Where the message with this ordinal begins, if it is in memory; `endOrdinal` is that behind the last one. */
  find(ordinal: number, endOrdinal: number): { block: Block; at: number } | undefined {
    for (let block = this.#oldest; block !== undefined; block = block.next) {
      const end = block.next?.firstOrdinal ?? endOrdinal
      if (ordinal < block.firstOrdinal || ordinal >= end) continue
      let at = 0
      for (let i = block.firstOrdinal; i < ordinal; i++) at += recordLength(block.bytes, at)
      return { block, at }
    }
    return undefined
  }

  evict(block: Block): boolean {
    if (block !== this.#oldest || block.length !== block.committed) return false
    this.#dropOldest()
    return true
  }

  /** Lets go of the blocks that lie before this ordinal, but for the newest. */
  forgetBefore(ordinal: number): void {
    for (let block = this.#oldest; block?.next !== undefined; block = this.#oldest) {
      if (block.next.firstOrdinal > ordinal || block.length !== block.committed) return
      this.#dropOldest()
      this.#budget.remove(block)
    }
  }

  /** Lets go of all blocks. Nothing in them may be uncommitted. */
  forget(): void {
    for (let block = this.#oldest; block !== undefined; block = this.#oldest) {
      this.#dropOldest()
      this.#budget.remove(block)
    }
    for (const reader of this.#readers) reader.release()
    this.#nextSize = MIN_BLOCK
  }

  /** Forgets what is not committed, in this block and behind it. */
  rollBack(from: Block): void {
    for (let block = from.next; block !== undefined; block = block.next) this.#budget.remove(block)
    from.next = undefined
    from.length = from.committed
    this.#newest = from
  }

  /** Lets go of the memory; nothing is read or appended after this. */
  close(): void {
    for (let block = this.#oldest; block !== undefined; block = block.next) this.#budget.remove(block)
    if (this.#oldest !== undefined) this.#budget.logs--
    this.#oldest = this.#newest = undefined
  }

  #begin(block: Block): void {
    this.#oldest = block
    this.#budget.logs++
  }

  #dropOldest(): void {
    const block = this.#oldest
    if (block === undefined) return
    this.#oldest = block.next
    if (block.next === undefined) {
      this.#newest = undefined
      this.#budget.logs--
    }
    for (const reader of this.#readers) reader.detach(block)
    if (!block.isShared) this.#budget.pool.giveBack(block.bytes)
  }
}
