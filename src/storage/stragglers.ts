import { crc32 } from 'node:zlib'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { parseLines } from './index-lines.ts'
import { DUE_LENGTH, dueOf, isDeferred, isPlausible, originOf, recordLength } from './record.ts'
import { Segment } from './segment.ts'
import { SegmentFile } from './segment-file.ts'
import { hasHole } from './survey.ts'
import type { SegmentNumberSource, TopicLog } from './topic-log.ts'

/** Ends the name of a segment of stragglers, which is no part of the log's chain. */
export const STRAGGLER_SUFFIX = '.kept'

const READ_LENGTH = 512 * 1024
/** Messages that lie less than this apart are read with one read. */
const NEAR = 16 * 1024

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
    const sorted = offsets.toSorted((a, b) => a - b)
    const records = readRecords(from, sorted)
    // In one piece: there may be so many that to walk through them for each line would take seconds.
    const bytes = Buffer.concat(records)
    const segment = this.#room(from, bytes.length)
    const moved = new Map<number, number>()
    for (const [i, record] of records.entries()) {
      moved.set(sorted[i] ?? 0, segment.size)
      segment.append(record.length)
    }
    try {
      segment.file?.append([bytes], segment.committedSize, records.length, segment.lineEnds)
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

/** The records at these offsets, which are in order: many with one read where they lie close together. */
function readRecords({ file, committedSize }: Segment, offsets: readonly number[]): Buffer[] {
  if (file === undefined) return []
  let start = 0
  let bytes: Buffer = Buffer.alloc(0)
  return offsets.map((offset, i) => {
    let record = recordAt(bytes, offset - start)
    const next = offsets[i + 1]
    if (record === undefined && next !== undefined && next - offset < NEAR) {
      start = offset
      bytes = file.readNow(offset, Math.min(READ_LENGTH, committedSize - offset))
      record = recordAt(bytes, 0)
    }
    // What is damaged, or does not fit, is for this to tell.
    return record ?? file.readRecordNow(offset, committedSize)
  })
}

/** The record that begins at `at`, if all of it is there. */
function recordAt(bytes: Buffer, at: number): Buffer | undefined {
  if (at + MESSAGE_OVERHEAD > bytes.length || !isPlausible(bytes, at, bytes.length)) return undefined
  const end = at + recordLength(bytes, at)
  return end <= bytes.length ? bytes.subarray(at, end) : undefined
}

/**
 * Appends the messages of segments of stragglers to a log, under new ids, and deletes the segments; but for messages that
 * are still where they were moved from, as a crash came before a checkpoint said that they were moved, and for those that
 * were there already. Gives what is to be said of bytes that are no messages: they are left out, and kept aside. When it
 * throws, as the disk refuses something, the segments are all there.
 */
export function republish(segments: readonly Segment[], log: TopicLog): string[] {
  if (segments.length === 0) return []
  const before = log.last
  const seen = new Set<string>()
  const counts = new Map<number, number>()
  for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) {
    // Which ones are lost in a damaged segment nobody has noted.
    if (!s.isDamaged) counts.set(s.number, s.count)
  }
  const isThere = (bytes: Buffer, at: number): boolean => {
    const origin = originOf(bytes, at)
    if (origin === undefined) return false
    const key = `${origin.segment} ${origin.index}`
    if (seen.has(key)) return true
    seen.add(key)
    return origin.index < (counts.get(origin.segment) ?? 0)
  }
  const warnings: string[] = []
  for (const { file, size } of segments) {
    if (file === undefined) continue
    for (const { offset, end, state } of stretches(file, size)) {
      const bytes = file.readNow(offset, end - offset)
      let at = 0
      if (state !== 'damaged') {
        while (state === 'sound' ? at < bytes.length : looksWhole(bytes, at, offset)) {
          if (!isThere(bytes, at)) append(log, bytes, at)
          at += recordLength(bytes, at)
        }
      }
      if (at === bytes.length) continue
      file.keepAside(offset + at, bytes.length - at)
      warnings.push(
        `${file.logPath}: damaged at byte ${offset + at}: the messages in ${bytes.length - at} bytes are left out; ` +
          `the bytes are in ${file.asidePath(offset + at)}`,
      )
    }
    log.commit()
  }
  // Or a power cut could take what was written, and leave that the segments were deleted.
  for (let s: Segment | undefined = before; s !== undefined; s = s.next) s.file?.syncNow()
  for (const { file } of segments) file?.remove()
  return warnings
}

function append(log: TopicLog, bytes: Buffer, at: number): void {
  const start = at + MESSAGE_OVERHEAD
  const length = recordLength(bytes, at)
  const high = bytes.readUInt32BE(at + 8)
  const low = bytes.readUInt32BE(at + 12)
  if (isDeferred(bytes, at)) {
    log.appendDeferred(bytes, start, at + length - DUE_LENGTH, high, low, dueOf(bytes, at))
  } else {
    log.append(bytes, start, at + length, high, low)
  }
}

/** `unknown`: its lines are gone. */
interface Stretch {
  readonly offset: number
  readonly end: number
  readonly state: 'sound' | 'damaged' | 'unknown'
}

/**
 * What lies in a segment of stragglers, one behind the other. As in `survey`, the CRC of a line is believed before all else,
 * and nothing that has no line at the end: it is still where it was to be moved from. But where no line is left at all, what
 * looks whole is taken: some of it may come twice then, and none is lost.
 */
function* stretches(file: SegmentFile, size: number): Generator<Stretch, void, undefined> {
  let at = 0
  /** Up to here lines that are not sound reach, one behind the other. */
  let unsound = 0
  let isIndexed = false
  for (const line of parseLines(file.readIndexNow())) {
    const { offset, length } = line
    const end = offset + length
    isIndexed ||= length > 0
    if (offset < at || length === 0 || end > size) continue
    if (crc32(file.readNow(offset, length)) === line.crc) {
      if (offset > at) yield { offset: at, end: offset, state: unsound === offset ? 'damaged' : 'unknown' }
      yield { offset, end, state: 'sound' }
      at = unsound = end
    } else if (offset === unsound) {
      unsound = end
    }
  }
  if (at < size) yield { offset: at, end: size, state: isIndexed ? 'damaged' : 'unknown' }
}

/** Whether a record begins at `at` that looks whole; `offset`: where these bytes lie in their file. */
function looksWhole(bytes: Buffer, at: number, offset: number): boolean {
  if (!isPlausible(bytes, at, bytes.length)) return false
  const end = at + recordLength(bytes, at)
  return end <= bytes.length && !hasHole(bytes.subarray(at, end), offset + at)
}
