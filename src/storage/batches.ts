import { crc32 } from 'node:zlib'
import { type Line, parseLines } from './index-lines.ts'
import { indexOf, recordLength } from './record.ts'
import type { SegmentFile } from './segment-file.ts'

/** A stretch of a segment that a line of its index stands for. */
export interface Batch extends Line {
  /** Messages of the segment before this batch. */
  readonly firstIndex: number
}

/**
 * The batches that these lines of an index name, up to the first line that does not join the one before. For an index that
 * is known to be sound.
 */
export function parseBatches(lines: Buffer): Batch[] {
  const batches: Batch[] = []
  let offset = 0
  let firstIndex = 0
  for (const line of parseLines(lines)) {
    if (line.offset !== offset || line.length === 0 || line.count === 0) break
    batches.push({ ...line, firstIndex })
    offset += line.length
    firstIndex += line.count
  }
  return batches
}

/**
 * The batch whose bytes these are, if they are those that the line was written for and hold messages of this segment. It
 * has the count of the messages that are there: their CRC vouches for them, and nothing for the line.
 */
export function soundBatch(line: Line, bytes: Buffer, segment: number): Batch | undefined {
  if (bytes.length === 0 || crc32(bytes) !== line.crc) return undefined
  const firstIndex = indexOf(bytes, 0, bytes.length, segment)
  const count = countRecords(bytes, 0, bytes.length)
  if (firstIndex === undefined || count === undefined) return undefined
  return { offset: line.offset, length: bytes.length, crc: line.crc, count, firstIndex }
}

/** How many records there are, one behind the other from `start` to `end`; undefined when they do not end there. */
export function countRecords(bytes: Buffer, start: number, end: number): number | undefined {
  let count = 0
  let at = start
  for (; at + 4 <= end; count++) at += recordLength(bytes, at)
  return at === end ? count : undefined
}

/** The first sound batch of this segment that begins behind `offset`, and ends before `end`. */
export function soundBatchAfter(file: SegmentFile, offset: number, end: number): Batch | undefined {
  for (const line of parseLines(file.readIndexNow())) {
    if (line.offset <= offset || line.length === 0 || line.offset + line.length > end) continue
    const batch = soundBatch(line, file.readNow(line.offset, line.length), file.number)
    if (batch !== undefined) return batch
  }
  return undefined
}
