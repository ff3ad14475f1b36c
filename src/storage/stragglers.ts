import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { NsqError } from '../util/errors.ts'
import { parseBatches } from './batches.ts'
import { DUE_LENGTH, dueOf, isDeferred } from './record.ts'
import { Segment } from './segment.ts'
import { SegmentFile } from './segment-file.ts'
import type { SegmentNumberSource, TopicLog } from './topic-log.ts'

/** Ends the name of a segment of stragglers, which is no part of the log's chain. */
export const STRAGGLER_SUFFIX = '.kept'

/**
 * Where the few unfinished messages of otherwise finished segments go, so that the segments can be deleted. A segment
 * of stragglers has its own number and holds records with their old ids, in no order.
 */
export class Stragglers {
  readonly #directory: string
  readonly #maxBytes: number
  readonly #numbers: SegmentNumberSource
  readonly #segments: Set<Segment>

  constructor(
    directory: string,
    maxBytes: number,
    numbers: SegmentNumberSource,
    segments: Iterable<Segment> = [],
  ) {
    this.#directory = directory
    this.#maxBytes = maxBytes
    this.#numbers = numbers
    this.#segments = new Set(segments)
  }

  get segments(): ReadonlySet<Segment> {
    return this.#segments
  }

  /**
   * Copies the records at these offsets of a segment, and makes them survive a power cut. Returns where each one is
   * now. Nothing refers to the copies until a checkpoint does, so a crash in between loses nothing.
   */
  take(from: Segment, offsets: readonly number[]): { segment: Segment; offsets: Map<number, number> } {
    const records = offsets.map(
      offset => from.file?.readRecordNow(offset, from.committedSize) ?? Buffer.alloc(0),
    )
    const length = records.reduce((sum, record) => sum + record.length, 0)
    const segment = this.#room(from, length)
    const moved = new Map<number, number>()
    for (const [i, record] of records.entries()) {
      moved.set(offsets[i] ?? 0, segment.size)
      segment.append(record.length)
    }
    try {
      segment.file?.append(records, segment.committedSize, records.length, segment.lineEnds)
      try {
        segment.file?.syncNow()
      } catch (error) {
        segment.file?.undoAppend(segment.committedSize)
        throw error
      }
    } catch (error) {
      segment.rollBack()
      throw error
    }
    segment.commit()
    return { segment, offsets: moved }
  }

  /** Forgets a segment in which nothing is left. Its file is still there. */
  unlink(segment: Segment): void {
    this.#segments.delete(segment)
  }

  close(): void {
    for (const segment of this.#segments) segment.file?.close()
  }

  /** A segment of stragglers, other than `from`, that takes `length` more bytes. */
  #room(from: Segment, length: number): Segment {
    for (const segment of this.#segments) {
      if (segment !== from && segment.size + length <= this.#maxBytes) return segment
    }
    const number = this.#numbers.next()
    this.#numbers.use(number)
    const segment = new Segment(number, 0, new SegmentFile(this.#directory, number, 0, STRAGGLER_SUFFIX))
    this.#segments.add(segment)
    return segment
  }
}

/**
 * Appends the messages of a segment of stragglers to a log, under new ids, and deletes the segment. Gives what is to be said
 * of bytes that are no messages: they are left out, and kept aside.
 */
export function republish(segment: Segment, log: TopicLog): string[] {
  const { file } = segment
  if (file === undefined) return []
  const warnings: string[] = []
  for (let offset = 0; offset < segment.size;) {
    const record = recordAt(file, offset, segment.size)
    if (record === undefined) {
      const next = nextStart(file, offset) ?? segment.size
      file.keepAside(offset, next - offset)
      warnings.push(
        `${file.logPath}: damaged at byte ${offset}: the messages in ${next - offset} bytes are left out; ` +
          `the bytes are in ${file.asidePath(offset)}`,
      )
      offset = next
      continue
    }
    const high = record.readUInt32BE(8)
    const low = record.readUInt32BE(12)
    if (isDeferred(record, 0)) {
      log.appendDeferred(record, MESSAGE_OVERHEAD, record.length - DUE_LENGTH, high, low, dueOf(record, 0))
    } else {
      log.append(record, MESSAGE_OVERHEAD, record.length, high, low)
    }
    offset += record.length
  }
  log.commit()
  file.remove()
  return warnings
}

function recordAt(file: SegmentFile, offset: number, end: number): Buffer | undefined {
  try {
    return file.readRecordNow(offset, end)
  } catch (error) {
    if (error instanceof NsqError && error.code === 'E_DAMAGED') return undefined
    throw error
  }
}

/** Where the next batch begins, as far as the index says. */
function nextStart(file: SegmentFile, offset: number): number | undefined {
  return parseBatches(file.readIndexNow()).find(batch => batch.offset > offset)?.offset
}
