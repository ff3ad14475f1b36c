import { checksum, skip } from './slices.ts'

/** Bytes of a line: the offset of its stretch, the length, the CRC-32, and how many messages it has; each u32 BE. */
export const INDEX_LINE = 16

/** What a line of a segment's index says. Nothing vouches for the line itself. */
export interface Line {
  readonly offset: number
  readonly length: number
  readonly crc: number
  readonly count: number
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

/** Bytes of the lines for stretches that end at `lineEnds`, and one behind them. */
export function indexLength(lineEnds: readonly number[]): number {
  return (lineEnds.length / 2 + 1) * INDEX_LINE
}

/** Makes the lines of what `SegmentFile.append` is given. */
export function fillLines(
  lines: Buffer,
  slices: readonly Buffer[],
  offset: number,
  count: number,
  lineEnds: readonly number[],
): void {
  let rest = slices
  let start = offset
  let messages = 0
  for (let at = 0, i = 0; at < lines.length; at += INDEX_LINE, i += 2) {
    const end = lineEnds[i] ?? Infinity
    const upTo = lineEnds[i + 1] ?? count
    const { crc, length } = checksum(rest, end - start)
    lines.writeUInt32BE(start, at)
    lines.writeUInt32BE(length, at + 4)
    lines.writeUInt32BE(crc, at + 8)
    lines.writeUInt32BE(upTo - messages, at + 12)
    if (end !== Infinity) rest = skip(rest, length)
    start += length
    messages = upTo
  }
}
