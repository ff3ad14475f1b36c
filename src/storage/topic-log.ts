import { composeIdHigh, composeIdLow, MAX_INDEX } from '../protocol/message-id.ts'
import { MESSAGE_OVERHEAD, writeMessageHeader } from '../protocol/message.ts'
import { Block } from './block.ts'
import type { BlockOwner, MemoryBudget } from './memory-budget.ts'
import type { Position } from './position.ts'
import { copyBytes } from './copy-bytes.ts'
import { DUE_LENGTH, frameOf, publishedMsOf, RECORD_DEFERRED, recordLength } from './record.ts'
import { Segment } from './segment.ts'
import { SegmentFile } from './segment-file.ts'

const MIN_BLOCK = 16 * 1024
const MAX_BLOCK = 1024 * 1024

/** What reads along a log and must let go of blocks that leave memory. */
export interface LogReader {
  detach(block: Block): void
  /** Lets go of every block. */
  release(): void
}

/** Whether something was given up, so that what the disk has just refused may be tried again. */
export type MakeRoom = (error: unknown) => boolean

export interface TopicLogOptions {
  /** Where the segments lie; undefined keeps the whole log in memory. */
  readonly directory: string | undefined
  /** Ten bits that make ids unique over nsqds. */
  readonly nodeId: number
  /** A segment that would grow over this many bytes is followed by a new one. */
  readonly maxSegmentBytes: number
  readonly budget: MemoryBudget
  /** A segment number never used before on this node. */
  nextSegmentNumber(): number
}

/**
 * The append-only log of a topic: a chain of segments on disk, and a chain of blocks with the newest bytes of them in
 * memory. Messages are appended to the newest block and become readable with `commit`, which writes everything
 * appended since the last one with a single system call for each segment.
 */
export class TopicLog implements BlockOwner {
  readonly #options: TopicLogOptions
  readonly #readers = new Set<LogReader>()
  first: Segment
  /** The newest segment with committed messages. */
  last: Segment
  /** Where messages are appended: `last`, or a segment behind it that joins the chain when it is committed. */
  #tail: Segment
  /** Files with committed messages that were not synced. */
  readonly #unsynced = new Set<SegmentFile>()
  /** The chain of blocks in memory; both undefined when nothing is. */
  #oldest: Block | undefined
  #newest: Block | undefined
  /** The block in which the first uncommitted byte lies. */
  #uncommitted: Block | undefined
  #nextBlockSize = MIN_BLOCK

  /** `segments`: what recovery found, oldest first. */
  constructor(options: TopicLogOptions, segments: readonly Segment[] = []) {
    this.#options = options
    let previous: Segment | undefined
    for (const segment of segments) {
      if (previous !== undefined) previous.next = segment
      segment.firstByte = previous === undefined ? 0 : previous.firstByte + previous.size
      previous = segment
    }
    this.last = previous ?? this.#newSegment(undefined)
    this.#tail = this.last.isClosed ? this.#newSegment(this.last) : this.last
    this.first = segments[0] ?? this.last
  }

  get budget(): MemoryBudget {
    return this.#options.budget
  }

  /** The ordinal behind the last committed message. */
  get endOrdinal(): number {
    return this.last.endOrdinal
  }

  /** The place behind the last committed message. */
  get end(): Position {
    const { last } = this
    return { segment: last, offset: last.committedSize, index: last.committedCount }
  }

  /** The place behind the last message, committed or not. */
  get appended(): Position {
    const tail = this.#tail
    return { segment: tail, offset: tail.size, index: tail.count }
  }

  /** The ordinal of the oldest message in memory: from there on, reading needs no disk. */
  get memoryOrdinal(): number {
    const oldest = this.#oldest
    return oldest === undefined ? this.endOrdinal : oldest.firstOrdinal
  }

  get hasUncommitted(): boolean {
    return this.#uncommitted !== undefined
  }

  get bytesOnDisk(): number {
    let sum = 0
    for (let s: Segment | undefined = this.first; s !== undefined; s = s.next) sum += s.committedSize
    return sum
  }

  addReader(reader: LogReader): void {
    this.#readers.add(reader)
  }

  removeReader(reader: LogReader): void {
    this.#readers.delete(reader)
  }

  /** Appends the message bytes[start..end). It is readable after the next `commit`. */
  append(bytes: Buffer, start: number, end: number, timestampHigh: number, timestampLow: number): void {
    const length = end - start
    const block = this.#reserve(MESSAGE_OVERHEAD + length)
    const at = block.length
    this.#writeHeader(block, at, length, timestampHigh, timestampLow)
    copyBytes(bytes, start, end, block.bytes, at + MESSAGE_OVERHEAD)
    this.#appended(block, MESSAGE_OVERHEAD + length)
  }

  /** Appends a message that is not to be delivered before `dueMs` (Unix ms). */
  appendDeferred(bytes: Buffer, start: number, end: number, high: number, low: number, dueMs: number): void {
    const length = end - start
    const total = MESSAGE_OVERHEAD + length + DUE_LENGTH
    const block = this.#reserve(total)
    const at = block.length
    this.#writeHeader(block, at, length, high, low)
    block.bytes.writeUInt32BE(total - 4, at)
    block.bytes.writeUInt32BE(RECORD_DEFERRED, at + 4)
    bytes.copy(block.bytes, at + MESSAGE_OVERHEAD, start, end)
    block.bytes.writeDoubleBE(dueMs, at + total - DUE_LENGTH)
    this.#appended(block, total)
  }

  /**
   * Writes what was appended and makes it readable. When the disk refuses, everything appended since the last commit
   * is forgotten, as if it had never come, and the error is thrown; but if `makeRoom` says so, it is tried again.
   */
  commit(makeRoom: MakeRoom = () => false): void {
    const from = this.#uncommitted
    if (from === undefined) return
    const written = this.#write(from, makeRoom)
    for (let block: Block | undefined = from; block !== undefined; block = block.next) {
      block.committed = block.length
      if (block.start === 0) block.segment.firstMs ??= publishedMsOf(block.bytes, 0)
    }
    for (const segment of written) {
      segment.committedSize = segment.size
      segment.committedCount = segment.count
      if (segment.file !== undefined) this.#unsynced.add(segment.file)
      // Only now, or a reader at the end of one segment would step over what comes before the next.
      if (segment !== this.last) this.last = this.last.next = segment
    }
    this.#uncommitted = undefined
  }

  /** Makes what is committed survive a power cut. What could not be synced is tried again with the next call. */
  sync(done: (error: Error | null) => void): void {
    const files = [...this.#unsynced]
    this.#unsynced.clear()
    let open = files.length
    let failed: Error | null = null
    if (open === 0) done(null)
    for (const file of files) {
      file.sync(error => {
        if (error !== null) this.#unsynced.add(file)
        // A segment that takes no more is opened again when it is read.
        else if (file !== this.last.file && file !== this.#tail.file) file.close()
        failed ??= error
        if (--open === 0) done(failed)
      })
    }
  }

  /** The block in memory that holds the record at this place, if one does. */
  blockAt(segment: Segment, offset: number): Block | undefined {
    for (let block = this.#oldest; block !== undefined; block = block.next) {
      if (block.covers(segment, offset)) return block
    }
    return undefined
  }

  /** The frame of one message, for a redelivery. Reads the disk when it is not in memory. */
  fetch(segment: Segment, offset: number, attempts: number): Buffer {
    const block = this.blockAt(segment, offset)
    if (block !== undefined) return frameOf(block.bytes, offset - block.start, attempts)
    return frameOf(readRecord(segment, offset), 0, attempts)
  }

  /** A copy of one record as it lies in the log. */
  copyRecord(segment: Segment, offset: number): Buffer {
    const block = this.blockAt(segment, offset)
    if (block === undefined) return readRecord(segment, offset)
    const at = offset - block.start
    return Buffer.from(block.bytes.subarray(at, at + recordLength(block.bytes, at)))
  }

  /** When a message was published, in Unix ms. */
  publishedMs(segment: Segment, offset: number): number {
    const block = this.blockAt(segment, offset)
    if (block !== undefined) return publishedMsOf(block.bytes, offset - block.start)
    return publishedMsOf(readRecord(segment, offset), 0)
  }

  /** When the first message of a segment was published, in Unix ms; undefined when it cannot be read. */
  firstMs(segment: Segment): number | undefined {
    if (segment.committedCount === 0) return undefined
    if (segment.firstMs === undefined) {
      try {
        segment.firstMs = this.publishedMs(segment, 0)
      } catch {
        // Who comes to it to deliver it says what is wrong.
        segment.firstMs = Number.NaN
      }
      if (segment !== this.last) segment.file?.close()
    }
    return Number.isNaN(segment.firstMs) ? undefined : segment.firstMs
  }

  /** Begins a new segment with the next message, if the newest one was begun before this time, Unix ms. */
  rollIfOlder(ms: number): void {
    const { last } = this
    if (this.#tail !== last || this.hasUncommitted || last.committedCount === 0) return
    if ((this.firstMs(last) ?? Infinity) < ms) this.#roll()
  }

  /** The place of a message that is in memory, by its ordinal, or the end. */
  positionOf(ordinal: number): Position | undefined {
    if (ordinal === this.endOrdinal) return this.end
    for (let block = this.#oldest; block !== undefined; block = block.next) {
      const end = block.next?.firstOrdinal ?? this.endOrdinal
      if (ordinal < block.firstOrdinal || ordinal >= end) continue
      let at = 0
      for (let i = block.firstOrdinal; i < ordinal; i++) at += recordLength(block.bytes, at)
      const { segment, start } = block
      return { segment, offset: start + at, index: ordinal - segment.firstOrdinal }
    }
    return undefined
  }

  evict(block: Block): boolean {
    if (block !== this.#oldest || block.length !== block.committed) return false
    this.#dropOldest()
    return true
  }

  /** Lets go of the blocks in memory that lie before this ordinal, but for the newest: it is still being filled. */
  forgetBlocksBefore(ordinal: number): void {
    for (let block = this.#oldest; block?.next !== undefined; block = this.#oldest) {
      if (block.next.firstOrdinal > ordinal || block.length !== block.committed) return
      this.#dropOldest()
      this.#options.budget.remove(block)
    }
  }

  /** Lets go of all blocks in memory: for a topic where nothing happens. */
  forgetBlocks(): void {
    if (this.hasUncommitted) return
    for (let block = this.#oldest; block !== undefined; block = this.#oldest) {
      this.#dropOldest()
      this.#options.budget.remove(block)
    }
    for (const reader of this.#readers) reader.release()
    this.#nextBlockSize = MIN_BLOCK
  }

  /** Takes a segment off the log; the newest stays. Its files are still there: see `Segment.file.remove`. */
  unlink(segment: Segment): void {
    const next = segment.next
    if (next === undefined) return
    if (segment === this.first) {
      this.first = next
    } else {
      let previous = this.first
      while (previous.next !== undefined && previous.next !== segment) previous = previous.next
      previous.next = next
    }
    if (segment.file !== undefined) this.#unsynced.delete(segment.file)
    this.forgetBlocksBefore(segment.endOrdinal)
  }

  /** Gives file descriptors back; they are opened again when needed. */
  closeFiles(): void {
    for (let s: Segment | undefined = this.first; s !== undefined; s = s.next) s.file?.close()
    this.#tail.file?.close()
  }

  /** Lets go of all memory and files; the log is not used after this. */
  close(): void {
    for (let block = this.#oldest; block !== undefined; block = block.next) this.#options.budget.remove(block)
    this.#oldest = this.#newest = this.#uncommitted = undefined
    this.closeFiles()
  }

  #writeHeader(block: Block, at: number, length: number, high: number, low: number): void {
    const segment = block.segment
    writeMessageHeader(
      block.bytes,
      at,
      length,
      high,
      low,
      1,
      composeIdHigh(this.#options.nodeId, segment.number),
      composeIdLow(segment.number, segment.count),
    )
  }

  #appended(block: Block, length: number): void {
    block.length += length
    block.segment.size += length
    block.segment.count++
    this.#uncommitted ??= block
  }

  /** The block to append `length` bytes to. */
  #reserve(length: number): Block {
    let segment = this.#tail
    if (segment.size > 0 && segment.size + length > this.#options.maxSegmentBytes) segment = this.#roll()
    else if (segment.count > MAX_INDEX) segment = this.#roll()
    const newest = this.#newest
    if (newest !== undefined && newest.segment === segment && newest.length + length <= newest.bytes.length) {
      return newest
    }
    const bytes = Buffer.allocUnsafeSlow(Math.max(length, this.#nextBlockSize))
    const block = new Block(segment, segment.size, segment.firstOrdinal + segment.count, bytes)
    this.#nextBlockSize = Math.min(MAX_BLOCK, this.#nextBlockSize * 2)
    if (newest === undefined) this.#oldest = block
    else newest.next = block
    this.#newest = block
    // What lives in memory only cannot be evicted; its topic bounds it by --mem-queue-size.
    if (segment.file !== undefined) this.#options.budget.add(this, block)
    return block
  }

  /** `previous`: the one that it will follow. */
  #newSegment(previous: Segment | undefined): Segment {
    const { directory } = this.#options
    const number = this.#options.nextSegmentNumber()
    const file = directory === undefined ? undefined : new SegmentFile(directory, number)
    const segment = new Segment(
      number,
      previous === undefined ? 0 : previous.firstOrdinal + previous.count,
      file,
    )
    segment.firstByte = previous === undefined ? 0 : previous.firstByte + previous.size
    return segment
  }

  #roll(): Segment {
    this.#tail = this.#newSegment(this.#tail)
    return this.#tail
  }

  /** Writes everything from this block on; gives the segments to which it has added. */
  #write(from: Block, makeRoom: MakeRoom): Segment[] {
    for (;;) {
      const written: Segment[] = []
      try {
        let slices: Buffer[] = []
        for (let block: Block | undefined = from; block !== undefined; block = block.next) {
          slices.push(block.bytes.subarray(block.committed, block.length))
          const segment: Segment = block.segment
          if (block.next?.segment === segment) continue
          segment.file?.append(slices, segment.committedSize, segment.count - segment.committedCount)
          written.push(segment)
          slices = []
        }
        return written
      } catch (error) {
        for (const segment of written) segment.file?.undoAppend(segment.committedSize)
        if (makeRoom(error)) continue
        this.#rollBack(from)
        throw error
      }
    }
  }

  /** Forgets what was appended since the last commit, in `from` and behind it. */
  #rollBack(from: Block): void {
    for (let block = from.next; block !== undefined; block = block.next) {
      this.#options.budget.remove(block)
      if (block.segment !== from.segment) block.segment.file?.remove()
    }
    from.next = undefined
    from.length = from.committed
    this.#newest = from
    this.#uncommitted = undefined
    const segment = from.segment
    segment.count = segment.committedCount
    segment.size = segment.committedSize
    this.#tail = segment
  }

  #dropOldest(): void {
    const block = this.#oldest
    if (block === undefined) return
    this.#oldest = block.next
    if (block.next === undefined) this.#newest = undefined
    for (const reader of this.#readers) reader.detach(block)
  }
}

/** Reads one whole record, blocking. */
function readRecord(segment: Segment, offset: number): Buffer {
  if (segment.file === undefined)
    throw new RangeError(`message at ${offset} of segment ${segment.number} left memory`)
  return segment.file.readRecordNow(offset, segment.committedSize)
}
