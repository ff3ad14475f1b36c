import { crc32 } from 'node:zlib'
import { indexOf, recordLength } from './record.ts'
import { INDEX_LINE, type SegmentFile } from './segment-file.ts'

/** What a line of a segment's index says. Nothing vouches for the line itself. */
export interface Line {
  readonly offset: number
  readonly length: number
  readonly crc: number
  readonly count: number
}

/** A stretch of a segment that a line of its index stands for. */
export interface Batch extends Line {
  /** Messages of the segment before this batch. */
  readonly firstIndex: number
}

/** The lines of an index, as they lie there. */
export function* parseLines(lines: Buffer): Generator<Line, void, undefined> {
  for (let at = 0; at + INDEX_LINE <= lines.length; at += INDEX_LINE) {
    yield {
      offset: lines.readUInt32BE(at),
      length: lines.readUInt32BE(at + 4),
      crc: lines.readUInt32BE(at + 8),
      count: lines.readUInt32BE(at + 12),
    }
  }
}

/** Makes an index of these batches. */
export function formatLines(batches: readonly Line[]): Buffer {
  const lines = Buffer.allocUnsafe(batches.length * INDEX_LINE)
  for (const [i, { offset, length, crc, count }] of batches.entries()) {
    lines.writeUInt32BE(offset, i * INDEX_LINE)
    lines.writeUInt32BE(length, i * INDEX_LINE + 4)
    lines.writeUInt32BE(crc, i * INDEX_LINE + 8)
    lines.writeUInt32BE(count, i * INDEX_LINE + 12)
  }
  return lines
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
  const count = countRecords(bytes)
  if (firstIndex === undefined || count === undefined) return undefined
  return { offset: line.offset, length: bytes.length, crc: line.crc, count, firstIndex }
}

/** How many records there are, one behind the other up to the end; undefined when they do not end there. */
function countRecords(bytes: Buffer): number | undefined {
  let count = 0
  let at = 0
  for (; at + 4 <= bytes.length; count++) at += recordLength(bytes, at)
  return at === bytes.length ? count : undefined
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
