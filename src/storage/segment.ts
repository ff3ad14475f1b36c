import type { SegmentFile } from './segment-file.ts'

/**
 * A run of a topic's messages under one number. Message `i` of a segment has the id (node, segment number, i) and the
 * ordinal `firstOrdinal + i`, its place among all messages that the topic holds.
 */
export class Segment {
  readonly number: number
  readonly firstOrdinal: number
  /** How many bytes of the log lie before it, like `firstOrdinal`. The log that it is in writes this; nobody else does. */
  firstByte = 0
  /** Undefined for a segment that lives in memory. */
  readonly file: SegmentFile | undefined
  /** Messages and bytes appended. */
  count: number
  size: number
  /** Messages and bytes of these that are committed. */
  committedCount: number
  committedSize: number
  /** When its first message was published, Unix ms; undefined when nobody has looked, NaN when it cannot be read. */
  firstMs: number | undefined = undefined
  /** It takes no more messages: bad bytes lie behind its last one, and could not be cut off. */
  isClosed = false
  /** The next newer segment of the topic. */
  next: Segment | undefined = undefined

  constructor(number: number, firstOrdinal: number, file: SegmentFile | undefined, count = 0, size = 0) {
    this.number = number
    this.firstOrdinal = firstOrdinal
    this.file = file
    this.count = this.committedCount = count
    this.size = this.committedSize = size
  }

  /** The ordinal behind the last committed message. */
  get endOrdinal(): number {
    return this.firstOrdinal + this.committedCount
  }
}
