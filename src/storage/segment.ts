import type { SegmentFile } from './segment-file.ts'

/**
 * About how many bytes of records one line of the index stands for, and one CRC: what is lost when a byte of them is
 * bad. A longer record has a line of its own.
 */
export const LINE_BYTES = 64 * 1024

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
  /** Where lines of the index end within what is not committed: pairs of an offset, and the messages before it. */
  readonly lineEnds: number[] = []
  /** Where the line begins that is being filled. */
  #lineStart: number
  /** When its first message was published, Unix ms; undefined when nobody has looked, NaN when it cannot be read. */
  firstMs: number | undefined = undefined
  /** It takes no more messages: there are bad bytes in it. */
  isClosed = false
  /** Some of its messages are lost: bad bytes stand for them. */
  isDamaged = false
  /** A checkpoint has said what is in it, after it was synced; or it was made by this process. */
  isVouchedFor = true
  /** The log has let go of it, and its files go, or have gone. */
  isUnlinked = false
  /** The next newer segment of the topic. */
  next: Segment | undefined = undefined

  constructor(number: number, firstOrdinal: number, file: SegmentFile | undefined, count = 0, size = 0) {
    this.number = number
    this.firstOrdinal = firstOrdinal
    this.file = file
    this.count = this.committedCount = count
    this.size = this.committedSize = this.#lineStart = size
  }

  /** Messages that are not committed. */
  get uncommittedCount(): number {
    return this.count - this.committedCount
  }

  /** A message of `length` bytes was appended. */
  append(length: number): void {
    const { size } = this
    if (size + length - this.#lineStart > LINE_BYTES && size > this.#lineStart) {
      this.lineEnds.push(size, this.uncommittedCount)
      this.#lineStart = size
    }
    this.size = size + length
    this.count++
  }

  /** What was appended is written. */
  commit(): void {
    this.committedSize = this.size
    this.committedCount = this.count
    this.#beginLine()
  }

  /** What was appended since the last commit is forgotten. */
  rollBack(): void {
    this.size = this.committedSize
    this.count = this.committedCount
    this.#beginLine()
  }

  /** The ordinal behind the last committed message. */
  get endOrdinal(): number {
    return this.firstOrdinal + this.committedCount
  }

  #beginLine(): void {
    this.#lineStart = this.size
    if (this.lineEnds.length > 0) this.lineEnds.length = 0
  }
}
