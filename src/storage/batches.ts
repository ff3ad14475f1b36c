import { crc32 } from 'node:zlib'
import { INDEX_LINE, type SegmentFile } from './segment-file.ts'

/** One line of a segment's index: a batch that was committed together. */
export interface Batch {
  readonly offset: number
  readonly length: number
  readonly crc: number
  readonly count: number
  /** Messages of the segment before this batch. */
  readonly firstIndex: number
}

/** The batches that a segment's index names. */
export function readBatches(file: SegmentFile): Batch[] {
  return parseBatches(file.readIndexNow())
}

/**
 * The batches that these lines of an index name, up to the first line that does not join the one before: lines are
 * written in order, so nothing behind a bad one can be trusted.
 */
export function parseBatches(lines: Buffer): Batch[] {
  const batches: Batch[] = []
  let offset = 0
  let firstIndex = 0
  for (let at = 0; at + INDEX_LINE <= lines.length; at += INDEX_LINE) {
    const length = lines.readUInt32BE(at + 4)
    const count = lines.readUInt32BE(at + 12)
    if (lines.readUInt32BE(at) !== offset || length === 0 || count === 0) break
    batches.push({ offset, length, crc: lines.readUInt32BE(at + 8), count, firstIndex })
    offset += length
    firstIndex += count
  }
  return batches
}

const CHECK_LENGTH = 4 * 1024 * 1024

/** How many of these batches, which lie one behind the other, hold the bytes that were written. */
export function countSound(file: SegmentFile, batches: readonly Batch[]): number {
  let bytes: Buffer = Buffer.alloc(0)
  let start = 0
  for (const [i, { offset, length, crc }] of batches.entries()) {
    if (offset + length > start + bytes.length) {
      start = offset
      bytes = file.readNow(start, Math.max(length, CHECK_LENGTH))
      if (bytes.length < length) return i
    }
    if (crc32(bytes.subarray(offset - start, offset - start + length)) !== crc) return i
  }
  return batches.length
}

/** The first sound batch that begins behind `offset`. */
export function soundBatchAfter(file: SegmentFile, offset: number): Batch | undefined {
  return readBatches(file).find(batch => batch.offset > offset && isSound(file, batch))
}

function isSound(file: SegmentFile, { offset, length, crc }: Batch): boolean {
  const bytes = file.readNow(offset, length)
  return bytes.length === length && crc32(bytes) === crc
}
