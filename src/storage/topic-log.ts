import { composeIdHigh, composeIdLow, MAX_INDEX } from '../protocol/message-id.ts'
import { MESSAGE_OVERHEAD, writeMessageHeader } from '../protocol/message.ts'
import type { Block } from './block.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { Position } from './position.ts'
import { copyBytes } from './copy-bytes.ts'
import { type LogReader, RecentBlocks } from './recent-blocks.ts'
import { DUE_LENGTH, frameOf, publishedMsOf, RECORD_DEFERRED, recordLength } from './record.ts'
import { isDamage } from './rewrite.ts'
import { Segment } from './segment.ts'
import { SegmentFile } from './segment-file.ts'

/** How many segments that were there at the start are synced with the first that comes in. */
const MOST_TO_SYNC = 16

/** Whether something was given up, so that what the disk has just refused may be tried again. */
export type MakeRoom = (error: unknown) => boolean

/** Numbers of segments, none of which is used twice on a node. */
export interface SegmentNumberSource {
  next(): number
  /** To be called before the first message is written under a number. Throws when the disk takes no note of it. */
  use(number: number): void
}

export interface TopicLogOptions {
  /** Where the segments lie; undefined keeps the whole log in memory. */
  readonly directory: string | undefined
  /** Ten bits that make ids unique over nsqds. */
  readonly nodeId: number
  /** A segment that would grow over this many bytes is followed by a new one. */
  readonly maxSegmentBytes: number
  readonly budget: MemoryBudget
  readonly numbers: SegmentNumberSource
}

/**
 * The append-only log of a topic: a chain of segments on disk, and a chain of blocks with the newest bytes of them in
 * memory. Messages are appended to the newest block and become readable with `commit`, which writes everything
 * appended since the last one with a single system call for each segment.
 */
export class TopicLog {
  readonly #options: TopicLogOptions
  readonly #blocks: RecentBlocks
  first: Segment
  /** The newest segment with committed messages. */
  last: Segment
  /** Where messages are appended: `last`, or a segment behind it that joins the chain when it is committed. */
  #tail: Segment
  /** Segments on disk with committed messages that were not synced. */
  readonly #unsynced = new Set<Segment>()
  /** The block in which the first uncommitted byte lies. */
  #uncommitted: Block | undefined

  /** `segments`: what recovery found, oldest first. */
  constructor(options: TopicLogOptions, segments: readonly Segment[] = []) {
    this.#options = options
    this.#blocks = new RecentBlocks(options.budget)
    let previous: Segment | undefined
    for (const segment of segments) {
      if (previous !== undefined) previous.next = segment
      segment.firstByte = previous === undefined ? 0 : previous.firstByte + previous.size
      previous = segment
    }
    this.#syncLater(segments.filter(segment => !segment.isVouchedFor && !segment.isClosed))
    this.last = previous ?? this.#newSegment(undefined)
    // What was found is not gone on with: behind its end there may have been messages that were delivered before a power cut
    // took them, and their ids must not be given to others.
    this.#tail = previous === undefined ? this.last : this.#newSegment(previous)
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
    return this.#blocks.firstOrdinal ?? this.endOrdinal
  }

  get hasUncommitted(): boolean {
    return this.#uncommitted !== undefined
  }

  /** Whether a power cut may take something that is committed. */
  get hasUnsynced(): boolean {
    return this.#unsynced.size > 0
  }

  get bytesOnDisk(): number {
    let sum = 0
    for (let s: Segment | undefined = this.first; s !== undefined; s = s.next) sum += s.committedSize
    return sum
  }

  addReader(reader: LogReader): void {
    this.#blocks.addReader(reader)
  }

  removeReader(reader: LogReader): void {
    this.#blocks.removeReader(reader)
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
      segment.commit()
      segment.isVouchedFor = false
      if (segment.file !== undefined) this.#unsynced.add(segment)
      // Only now, or a reader at the end of one segment would step over what comes before the next.
      if (segment !== this.last) this.last = this.last.next = segment
    }
    this.#uncommitted = undefined
  }

  /**
   * Makes what is committed survive a power cut. What could not be synced is tried again with the next call; but for what is
   * not there any more: its segment is looked through at the next start.
   */
  sync(done: (error: Error | null) => void): void {
    const segments = [...this.#unsynced]
    this.#unsynced.clear()
    let open = segments.length
    let failed: Error | null = null
    if (open === 0) done(null)
    for (const segment of segments) {
      segment.file?.sync(error => {
        if (error === null) this.#synced(segment)
        // No sync will bring that back. What comes goes elsewhere, or nothing could be synced any more.
        else if (isDamage(error)) segment.isClosed = true
        else if (!segment.isUnlinked) this.#unsynced.add(segment)
        failed ??= error
        if (--open === 0) done(failed)
      })
    }
  }

  /** The block in memory that holds the record at this place, if one does. */
  blockAt(segment: Segment, offset: number): Block | undefined {
    return this.#blocks.at(segment, offset)
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
    const found = this.#blocks.find(ordinal, this.endOrdinal)
    if (found === undefined) return undefined
    const { segment, start } = found.block
    return { segment, offset: start + found.at, index: ordinal - segment.firstOrdinal }
  }

  /** Lets go of the blocks in memory that lie before this ordinal, but for the newest: it is still being filled. */
  forgetBlocksBefore(ordinal: number): void {
    this.#blocks.forgetBefore(ordinal)
  }

  /** Lets go of all blocks in memory: for a topic where nothing happens. */
  forgetBlocks(): void {
    if (!this.hasUncommitted) this.#blocks.forget()
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
    segment.isUnlinked = true
    this.#unsynced.delete(segment)
    this.forgetBlocksBefore(segment.endOrdinal)
  }

  /** Gives file descriptors back; they are opened again when needed. */
  closeFiles(): void {
    for (let s: Segment | undefined = this.first; s !== undefined; s = s.next) s.file?.close()
    this.#tail.file?.close()
  }

  /** Lets go of all memory and files; the log is not used after this. */
  close(): void {
    this.#blocks.close()
    this.#uncommitted = undefined
    this.closeFiles()
  }

  #synced(segment: Segment): void {
    // There may be more in it by now.
    if (!this.#unsynced.has(segment)) segment.isVouchedFor = true
    // One that takes no more is opened again when it is read.
    if (segment !== this.last && segment !== this.#tail) segment.file?.close()
  }

  /** Nobody knows whether these were synced by whoever wrote them. */
  #syncLater(recovered: readonly Segment[]): void {
    for (const segment of recovered.slice(-MOST_TO_SYNC)) this.#unsynced.add(segment)
    // Older ones the disk has by itself; there may be thousands.
    for (const segment of recovered.slice(0, -MOST_TO_SYNC)) segment.isVouchedFor = true
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
    block.segment.append(length)
    this.#uncommitted ??= block
  }

  /** The block to append `length` bytes to. */
  #reserve(length: number): Block {
    let segment = this.#tail
    if (segment.size > 0 && segment.size + length > this.#options.maxSegmentBytes) segment = this.#roll()
    else if (segment.isClosed || segment.count > MAX_INDEX) segment = this.#roll()
    return this.#blocks.room(segment, length)
  }

  #newSegment(previous: Segment | undefined): Segment {
    const { directory } = this.#options
    const number = this.#options.numbers.next()
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
          if (segment.committedCount === 0) this.#options.numbers.use(segment.number)
          segment.file?.append(slices, segment.committedSize, segment.uncommittedCount, segment.lineEnds)
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
      if (block.segment !== from.segment) removeQuietly(block.segment)
    }
    this.#blocks.rollBack(from)
    this.#uncommitted = undefined
    this.#tail = from.segment
    this.#tail.rollBack()
  }
}

/** A segment that was never committed. If the disk keeps its files, the next start removes them: there is no line in them. */
function removeQuietly(segment: Segment): void {
  try {
    segment.file?.remove()
  } catch {
    // As above.
  }
}

/** Reads one whole record, blocking. */
function readRecord(segment: Segment, offset: number): Buffer {
  if (segment.file === undefined)
    throw new RangeError(`message at ${offset} of segment ${segment.number} left memory`)
  return segment.file.readRecordNow(offset, segment.committedSize)
}
