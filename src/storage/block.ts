import type { Segment } from './segment.ts'

/**
 * A stretch of a segment in memory, holding whole records only. The log's newest blocks are written to before they
 * are committed; blocks read back from disk are complete from the start.
 */
export class Block {
  readonly segment: Segment
  /** Where the block begins in its segment. */
  readonly start: number
  readonly bytes: Buffer
  /** Bytes in use, counted from the block's beginning. */
  length: number
  /** Bytes of these that readers may see. */
  committed: number
  /** The ordinal of the first message. */
  readonly firstOrdinal: number
  /** Somebody has kept a part of it, who does not say when that is over. */
  isShared = false
  /** The next newer block in memory. */
  next: Block | undefined = undefined

  constructor(segment: Segment, start: number, firstOrdinal: number, bytes: Buffer, length = 0) {
    this.segment = segment
    this.start = start
    this.firstOrdinal = firstOrdinal
    this.bytes = bytes
    this.length = length
    this.committed = length
  }

  /** Whether a committed record begins at this offset of the segment. */
  covers(segment: Segment, offset: number): boolean {
    return segment === this.segment && offset >= this.start && offset < this.start + this.committed
  }
}
