import { Block } from './block.ts'
import { soundBatchAfter } from './batches.ts'
import type { Position } from './position.ts'
import { isRecord, recordLength } from './record.ts'
import type { Segment } from './segment.ts'
import { asError } from '../util/errors.ts'
import type { LogReader } from './recent-blocks.ts'
import type { TopicLog } from './topic-log.ts'

/** Told of what happens while a cursor reads in the background. */
export interface CursorEvents {
  /** There is something to read again. */
  readable(): void
  /** The disk refused a read. The cursor stays where it is; `fill` tries again. */
  readFailed(cause: Error): void
  /** What lies at this offset is no message: `messages` were left out, `bytes` were copied aside. */
  damaged(segment: Segment, offset: number, bytes: number, messages: number): void
}

/**
 * Reads along a log from a position. Where the log is in memory it hands out the log's own blocks; elsewhere it reads
 * the disk in large stretches, one ahead of the one in use.
 *
 *     while (cursor.fill()) { use cursor.block.bytes from cursor.at; cursor.advance(bytes, messages) }
 */
export class Cursor implements LogReader {
  readonly #log: TopicLog
  readonly #events: CursorEvents
  segment: Segment
  offset: number
  index: number
  /** The block in which the position lies, after `fill` returned true. */
  block: Block | undefined = undefined
  /** The stretch of disk behind `block`, read in advance. */
  #ahead: Block | undefined
  #aheadEndIndex = 0
  /** Counts jumps, so that a read that was under way then is thrown away. */
  #epoch = 0
  #reading = false
  /** Whether it is among the budget's disk readers. */
  #onDisk = false

  constructor(log: TopicLog, events: CursorEvents, position: Position) {
    this.#log = log
    this.#events = events
    this.segment = position.segment
    this.offset = position.offset
    this.index = position.index
    log.addReader(this)
  }

  /** The ordinal of the next message. */
  get ordinal(): number {
    return this.segment.firstOrdinal + this.index
  }

  get position(): Position {
    const { segment, offset, index } = this
    return { segment, offset, index }
  }

  /** Where in `block.bytes` the next message begins. */
  get at(): number {
    return this.block === undefined ? 0 : this.offset - this.block.start
  }

  /** Moves behind `messages` messages that take `bytes` bytes. */
  advance(bytes: number, messages: number): void {
    this.offset += bytes
    this.index += messages
  }

  jump(position: Position): void {
    this.segment = position.segment
    this.offset = position.offset
    this.index = position.index
    this.#reading = false
    this.#epoch++
    this.#forget()
  }

  /**
   * Makes `block` hold the next message. False when there is none, or when it is being read from disk:
   * `readable` is called then.
   */
  fill(): boolean {
    let block = this.block
    if (block !== undefined && this.offset < block.start + block.committed) return true
    if (this.offset >= this.segment.committedSize) {
      if (this.segment.next === undefined) return false
      this.settle()
      if (this.offset >= this.segment.committedSize) return false
      block = this.block
    }
    const next = block?.next
    if (next?.covers(this.segment, this.offset) === true) block = next
    else block = this.#log.blockAt(this.segment, this.offset)
    if (block === undefined && this.#ahead?.covers(this.segment, this.offset) === true) {
      block = this.#ahead
      this.#ahead = undefined
      this.block = block
      this.#readAhead(block, this.#aheadEndIndex)
      return true
    }
    this.block = block
    if (block !== undefined) {
      this.#usesDisk(false)
      return true
    }
    this.#usesDisk(true)
    this.#read(this.segment, this.offset, this.index)
    return false
  }

  /** Steps from the end of a segment to the beginning of the next, so that the one behind can go. */
  settle(): void {
    while (this.offset >= this.segment.committedSize && this.segment.next !== undefined) {
      // Or one who reads through thousands of segments would hold the descriptors of all.
      this.segment.file?.close()
      this.segment = this.segment.next
      this.offset = this.index = 0
      this.block = undefined
    }
  }

  detach(block: Block): void {
    if (this.block === block) this.block = undefined
  }

  /** Lets go of all memory; `fill` gets it again. */
  release(): void {
    // Somebody waits for what is being read.
    if (!this.#reading) this.#forget()
  }

  close(): void {
    this.#log.removeReader(this)
    this.#epoch++
    this.#forget()
  }

  #forget(): void {
    this.block = this.#ahead = undefined
    this.#usesDisk(false)
  }

  #usesDisk(value: boolean): void {
    if (this.#onDisk === value) return
    this.#onDisk = value
    this.#log.budget.diskReaders += value ? 1 : -1
  }

  /** Reads what lies behind a block that came from disk. */
  #readAhead(block: Block, endIndex: number): void {
    const offset = block.start + block.length
    if (offset >= block.segment.committedSize) return
    if (this.#log.blockAt(block.segment, offset) !== undefined) return
    this.#read(block.segment, offset, endIndex)
  }

  #read(segment: Segment, offset: number, index: number, length = this.#log.budget.readLength): void {
    if (this.#reading) return
    const file = segment.file
    if (file === undefined) throw new RangeError(`segment ${segment.number} has no file to read from`)
    const epoch = this.#epoch
    this.#reading = true
    file.read(offset, Math.min(length, segment.committedSize - offset), (error, bytes) => {
      if (epoch !== this.#epoch) return
      this.#reading = false
      if (error !== null) {
        if (this.segment === segment && this.offset === offset) this.#events.readFailed(error)
        return
      }
      const { whole, messages, wanted } = measure(bytes, segment.number, index)
      if (messages > 0) {
        const first = segment.firstOrdinal + index
        this.#ahead = new Block(segment, offset, first, bytes.subarray(0, whole), whole)
        this.#aheadEndIndex = index + messages
      } else if (wanted > length && offset + wanted <= segment.committedSize) {
        this.#read(segment, offset, index, wanted)
        return
      } else if (this.segment === segment && this.offset === offset) {
        // Bad bytes exactly where the cursor stands: nothing of the rest can be trusted to begin where it seems to.
        if (!this.#skipDamage()) return
      }
      this.#events.readable()
    })
  }

  /** Goes on with the next batch that is sound, or with the next segment. False when it cannot be done now. */
  #skipDamage(): boolean {
    const { segment, offset, index } = this
    let bytes = segment.committedSize - offset
    let messages = segment.committedCount - index
    try {
      const batch =
        segment.file === undefined ? undefined : soundBatchAfter(segment.file, offset, segment.committedSize)
      if (batch !== undefined) {
        bytes = batch.offset - offset
        messages = batch.firstIndex - index
      }
      segment.file?.keepAside(offset, bytes)
    } catch (error) {
      // Nothing is given up before it is safe.
      this.#events.readFailed(asError(error))
      return false
    }
    this.advance(bytes, messages)
    this.#events.damaged(segment, offset, bytes, messages)
    return true
  }
}

/**
 * How many whole records `bytes` begins with, the first of which has this id; `wanted` is the length of the first, when
 * that is longer.
 */
function measure(
  bytes: Buffer,
  segment: number,
  firstIndex: number,
): { whole: number; messages: number; wanted: number } {
  let whole = 0
  let messages = 0
  while (isRecord(bytes, whole, bytes.length, segment, firstIndex + messages)) {
    const length = recordLength(bytes, whole)
    if (whole + length > bytes.length) return { whole, messages, wanted: messages === 0 ? length : 0 }
    whole += length
    messages++
  }
  return { whole, messages, wanted: 0 }
}
