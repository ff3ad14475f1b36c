import { setImmediate as nextTurn } from 'node:timers/promises'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { parseLines } from './index-lines.ts'
import { type Batch, soundBatch } from './batches.ts'
import { OwnFiles } from './own-files.ts'
import type { Position } from './position.ts'
import { DUE_LENGTH, dueOf, isDeferred, isRecord, recordLength } from './record.ts'
import type { Segment } from './segment.ts'
import type { TopicLog } from './topic-log.ts'

/** A message as it lies in a log. */
export interface FoundRecord {
  /** The record from its beginning: its header, and as much of the body as was wanted. */
  readonly bytes: Buffer
  /** Bytes of the whole body. */
  readonly size: number
  /** When it is due, Unix ms; undefined for a message that is not deferred. */
  readonly due: number | undefined
  /** Bytes of the whole record. */
  readonly length: number
}

/** Bytes of a segment from `start` on. */
interface Stretch {
  readonly bytes: Buffer
  readonly start: number
}

const SHORTEST_READ = 4 * 1024
const LONGEST_READ = 64 * 1024
/** How many records `walk` looks at, and how many bytes it reads from disk, before it gives up. */
const MOST_RECORDS = 100_000
const MOST_BYTES = 32 * 1024 * 1024
/** How many records in memory are looked at before others have their turn. */
const RECORDS_A_TURN = 2000

/**
 * Looks at a log without being known to it: it moves no cursor, keeps nothing in memory, and opens files of its own,
 * only for reading. What is in memory is read at once; the disk is read in the background, a few KiB at a time.
 */
export class RecordReader {
  readonly #log: TopicLog
  /** How many bytes of each body are wanted. */
  readonly #wanted: number
  readonly #files = new OwnFiles()
  #records = 0
  #bytes = 0

  constructor(log: TopicLog, wanted: number) {
    this.#log = log
    this.#wanted = wanted
  }

  /**
   * The message at this place, whose id says that it was number `index` of segment `number`; undefined when what is there
   * is not that message.
   *
   * @throws SegmentGoneError
   */
  async find(
    segment: Segment,
    offset: number,
    number: number,
    index: number,
  ): Promise<FoundRecord | undefined> {
    const stretch = await this.#stretchAt(segment, offset)
    if (stretch === undefined) return undefined
    const found = this.#recordIn(segment, stretch, offset, number, index)
    const record = found === 'cut' ? await this.#longRecord(segment, stretch, offset) : found
    return record === 'damaged' ? undefined : record
  }

  /** A record that is at hand. */
  at(record: Buffer): FoundRecord {
    const length = recordLength(record, 0)
    const deferred = isDeferred(record, 0)
    const size = bodySize(length, deferred)
    const bytes = record.subarray(0, MESSAGE_OVERHEAD + Math.min(size, this.#wanted))
    return { bytes, size, due: deferred ? dueOf(record, 0) : undefined, length }
  }

  /**
   * Goes along the log, as a cursor does, to before the message of the ordinal `until`; until `visit` returns false; or
   * until it has looked at so much that it must end. What is damaged is left out.
   *
   * @throws SegmentGoneError
   */
  async walk(
    { segment, offset, index }: Position,
    until: number,
    visit: (record: FoundRecord) => boolean,
  ): Promise<void> {
    let stretch: Stretch | undefined
    for (; !this.#isExhausted; this.#records++) {
      if (this.#records % RECORDS_A_TURN === RECORDS_A_TURN - 1) await nextTurn()
      while (offset >= segment.committedSize && segment.next !== undefined) {
        segment = segment.next
        offset = index = 0
        stretch = undefined
      }
      if (offset >= segment.committedSize || segment.firstOrdinal + index >= until) return
      if (!covers(stretch, offset)) stretch = await this.#stretchAt(segment, offset)
      // A log that lives in memory has dropped it.
      if (stretch === undefined) return
      const found = this.#recordIn(segment, stretch, offset, segment.number, index)
      const record = found === 'cut' ? await this.#longRecord(segment, stretch, offset) : found
      if (record === 'damaged') {
        const batch = await this.#soundBatchAfter(segment, offset)
        offset = batch?.offset ?? segment.committedSize
        index = batch?.firstIndex ?? segment.committedCount
        stretch = undefined
        continue
      }
      if (!visit(record)) return
      offset += record.length
      index++
    }
  }

  close(): Promise<void> {
    return this.#files.close()
  }

  get #isExhausted(): boolean {
    return this.#records >= MOST_RECORDS || this.#bytes >= MOST_BYTES
  }

  async #stretchAt(segment: Segment, offset: number): Promise<Stretch | undefined> {
    const block = this.#log.blockAt(segment, offset)
    if (block !== undefined) {
      block.isShared = true
      return { bytes: block.bytes.subarray(0, block.committed), start: block.start }
    }
    if (segment.file === undefined) return undefined
    const length = Math.min(LONGEST_READ, Math.max(SHORTEST_READ, MESSAGE_OVERHEAD + this.#wanted))
    return { bytes: await this.#read(segment, offset, length), start: offset }
  }

  /** The record that begins at `offset`, or `damaged`; `cut` when the stretch ends within what is wanted of it. */
  #recordIn(
    segment: Segment,
    { bytes, start }: Stretch,
    offset: number,
    number: number,
    index: number,
  ): FoundRecord | 'damaged' | 'cut' {
    const at = offset - start
    if (!isRecord(bytes, at, bytes.length, number, index)) return 'damaged'
    const length = recordLength(bytes, at)
    if (offset + length > segment.committedSize) return 'damaged'
    const deferred = isDeferred(bytes, at)
    const size = bodySize(length, deferred)
    const end = at + MESSAGE_OVERHEAD + Math.min(size, this.#wanted)
    if ((deferred ? at + length : end) > bytes.length) return 'cut'
    return { bytes: bytes.subarray(at, end), size, due: deferred ? dueOf(bytes, at) : undefined, length }
  }

  /** The record that begins at `offset`, of which the stretch holds the header, and the disk the rest. */
  async #longRecord(
    segment: Segment,
    { bytes, start }: Stretch,
    offset: number,
  ): Promise<FoundRecord | 'damaged'> {
    const length = recordLength(bytes, offset - start)
    const deferred = isDeferred(bytes, offset - start)
    const size = bodySize(length, deferred)
    const wanted = MESSAGE_OVERHEAD + Math.min(size, this.#wanted)
    const head = await this.#read(segment, offset, wanted)
    if (head.length < wanted) return 'damaged'
    if (!deferred) return { bytes: head, size, due: undefined, length }
    const due = await this.#read(segment, offset + length - DUE_LENGTH, DUE_LENGTH)
    return due.length < DUE_LENGTH ? 'damaged' : { bytes: head, size, due: due.readDoubleBE(0), length }
  }

  /** Where a cursor would go on that met bad bytes at `offset`. */
  async #soundBatchAfter(segment: Segment, offset: number): Promise<Batch | undefined> {
    if (segment.file === undefined) return undefined
    const index = await this.#files.open(segment.file.indexPath)
    const lines = Buffer.alloc((await index.stat()).size)
    const { bytesRead } = await index.read(lines, 0, lines.length, 0)
    for (const line of parseLines(lines.subarray(0, bytesRead))) {
      if (line.offset <= offset || line.length === 0 || this.#isExhausted) continue
      const bytes = await this.#read(segment, line.offset, line.length)
      const batch = bytes.length === line.length ? soundBatch(line, bytes, segment.number) : undefined
      if (batch !== undefined) return batch
    }
    return undefined
  }

  async #read(segment: Segment, offset: number, length: number): Promise<Buffer> {
    const file = await this.#files.open(segment.file?.logPath ?? '')
    const target = Buffer.allocUnsafe(Math.min(length, Math.max(0, segment.committedSize - offset)))
    const { bytesRead } = await file.read(target, 0, target.length, offset)
    this.#bytes += bytesRead
    return target.subarray(0, bytesRead)
  }
}

function bodySize(length: number, deferred: boolean): number {
  return length - MESSAGE_OVERHEAD - (deferred ? DUE_LENGTH : 0)
}

/** Whether at least the header of a record that begins there is in this stretch. */
function covers(stretch: Stretch | undefined, offset: number): boolean {
  return stretch !== undefined && offset + MESSAGE_OVERHEAD <= stretch.start + stretch.bytes.length
}
