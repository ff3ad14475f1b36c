import { crc32 } from 'node:zlib'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { formatLines, INDEX_LINE, type Line, parseLines } from './index-lines.ts'
import { readWord } from '../protocol/words.ts'
import { type Batch, countRecords, soundBatch } from './batches.ts'
import { joinCrc } from './join-crc.ts'
import { indexOf, recordLength } from './record.ts'
import { LINE_BYTES } from './segment.ts'
import { type SegmentFile } from './segment-file.ts'

/**
 * A stretch of a segment: `sound` messages; `damaged` bytes, with about as many messages as `count` says; or a `blank`, the
 * zeros that were written over damaged bytes at an earlier start.
 */
export interface Piece extends Batch {
  readonly state: 'sound' | 'damaged' | 'blank'
  count: number
}

/** What a segment's files hold. */
export interface Survey {
  /** So many bytes of the index are lines that say just what lies there: there may be millions of them. */
  readonly soundIndex: number
  /** What those lines do not stand for: one behind the other up to the last sound message. */
  readonly pieces: readonly Piece[]
  /** Bytes and messages up to there. */
  readonly size: number
  readonly count: number
  /** How long the records' file is, and about how many messages were behind the last sound one. */
  readonly fileSize: number
  readonly lostAtEnd: number
  /** How many lines of the index were wrong about sound messages. */
  readonly wrongLines: number
}

/** As much is read at once, or more. */
const READ_LENGTH = 512 * 1024
/** Disks write this much at once, or a multiple of it. */
const SECTOR = 512
/** Bytes of the size that a record begins with, which is not 0. */
const SIZE_LENGTH = 4

/**
 * Looks through a segment of which something may be damaged: any bytes of the records, any of the index. Three things speak
 * for messages, in this order:
 *
 *  1. A line of the index with their CRC. The messages themselves say then which ones of the segment they are, so that nothing
 *     before them need be sound.
 *  2. The CRC of a line that is wrong about their place, where it stands for all that lies between its neighbours.
 *  3. Where lines are gone, the records: each begins where the one before ends and has the next id; and none has a sector
 *     that was never written. A line that is there, and whose CRC is another, is believed before that.
 *
 * What lies between is damaged. Behind the last line there is no third way: what has no line was not acknowledged.
 */
export function survey(file: SegmentFile): Survey {
  const surveyor = new Surveyor(file)
  const index = file.readIndexNow()
  const soundIndex = surveyor.takeSound(index)
  const rest = index.subarray(soundIndex)
  for (const line of parseLines(rest)) surveyor.take(line)
  return { soundIndex, ...surveyor.end(rest) }
}

class Surveyor {
  readonly #file: SegmentFile
  readonly #fileSize: number
  readonly #pieces: Piece[] = []
  /** Where the last piece ends, in bytes and messages. */
  #size = 0
  #count = 0
  /** Lines behind the last piece that are not sound. */
  #unsound: Line[] = []
  /** What is read goes here: new memory for each read takes longer than to look through it. */
  readonly #target: Buffer
  /** What was read last. */
  #bytes: Buffer = Buffer.alloc(0)
  #bytesAt = 0

  constructor(file: SegmentFile) {
    this.#file = file
    this.#fileSize = file.sizeNow()
    this.#target = Buffer.allocUnsafe(Math.min(READ_LENGTH, this.#fileSize))
  }

  /** Takes in the lines that an index begins with which say just what lies there. Gives their length. */
  takeSound(index: Buffer): number {
    let length = 0
    for (let next = this.#takeRun(index, 0); next > length; next = this.#takeRun(index, next)) length = next
    for (const line of parseLines(index.subarray(length))) {
      const piece = line.offset === this.#size ? this.#soundPiece(line) : undefined
      if (piece?.state !== 'sound' || piece.firstIndex !== this.#count || piece.count !== line.count) break
      this.#size += piece.length
      this.#count += piece.count
      length += INDEX_LINE
    }
    return length
  }

  /**
   * The same of one or more lines from `at` on, which stand for LINE_BYTES together: with a line for each message, there is
   * still one CRC for so much. Gives where they end; `at` when something is not as it should be.
   */
  #takeRun(index: Buffer, at: number): number {
    const start = this.#size
    let end = start
    let crc = 0
    let next = at
    for (; next + INDEX_LINE <= index.length; next += INDEX_LINE) {
      const offset = readWord(index, next) >>> 0
      const length = readWord(index, next + 4) >>> 0
      if (offset !== end || length === 0 || (end > start && end + length > start + LINE_BYTES)) break
      crc = joinCrc(crc, readWord(index, next + 8), length)
      end += length
    }
    if (next === at || end > this.#fileSize) return at
    const bytes = this.#read(start, end - start)
    if (crc32(bytes) !== crc >>> 0) return at
    let count = this.#count
    let from = 0
    for (let line = at; line < next; line += INDEX_LINE) {
      const to = from + (readWord(index, line + 4) >>> 0)
      const messages = readWord(index, line + 12) >>> 0
      if (indexOf(bytes, from, to, this.#file.number) !== count) return at
      if (countRecords(bytes, from, to) !== messages) return at
      count += messages
      from = to
    }
    this.#size = end
    this.#count = count
    return next
  }

  /** Takes in the next line of the index. */
  take(line: Line): void {
    const piece = this.#soundPiece(line)
    // There may be a line for each message: most are just where they should be.
    if (piece !== undefined && this.#isNext(piece)) this.#push(piece)
    else if (piece === undefined || !this.#join(piece)) this.#unsound.push(line)
  }

  /** `index`: all lines that were taken since `takeSound`. */
  end(index: Buffer): Omit<Survey, 'soundIndex'> {
    const lines = this.#unsound
    const pieces = this.#explain(this.#size, this.#fileSize, this.#count, lines, true)
    while (pieces.at(-1)?.state === 'damaged') pieces.pop()
    this.#add(pieces)
    let lostAtEnd = 0
    let at = this.#size
    for (const line of lines) {
      if (line.offset !== at || line.length === 0) continue
      lostAtEnd += likelyCount(line)
      at += line.length
    }
    return {
      pieces: this.#pieces,
      size: this.#size,
      count: this.#count,
      fileSize: this.#fileSize,
      lostAtEnd,
      wrongLines: countWrong(this.#pieces, index),
    }
  }

  /** The piece that a line stands for, if all that it says of its place and its bytes is so. */
  #soundPiece(line: Line): Piece | undefined {
    const { offset, length } = line
    if (offset < this.#size || length === 0 || offset + length > this.#fileSize) return undefined
    const bytes = this.#read(offset, length)
    if (bytes[0] === 0 && isZero(bytes, 0, length)) {
      const isBlank = line.count > 0 && crc32(bytes) === line.crc
      return isBlank ? { ...line, firstIndex: this.#count, state: 'blank' } : undefined
    }
    return soundPiece(soundBatch(line, bytes, this.#file.number))
  }

  #isNext({ state, offset, firstIndex }: Piece): boolean {
    if (this.#unsound.length > 0 || offset !== this.#size) return false
    return state === 'blank' || firstIndex === this.#count
  }

  /** Puts a sound piece behind the others, and what is between. False when it cannot belong there. */
  #join(piece: Piece): boolean {
    const between = this.#explain(this.#size, piece.offset, this.#count, this.#unsound, false)
    const difference = piece.state === 'sound' ? piece.firstIndex - this.#count - sum(between) : 0
    // How many messages there were in damaged bytes, only those behind them can tell for sure.
    if (difference !== 0 && !this.#recount(between, difference)) return false
    this.#add(between)
    this.#add([piece])
    this.#unsound = []
    return true
  }

  /** Lets damaged pieces and blanks have so many messages more, or fewer. False when that cannot be. */
  #recount(between: readonly Piece[], difference: number): boolean {
    const blank = this.#pieces.at(-1)
    const piece = between.findLast(({ state }) => state === 'damaged')
    if (piece !== undefined && piece.count + difference > 0) {
      piece.count += difference
      return true
    }
    if (blank?.state !== 'blank' || blank.count + difference <= 0) return false
    blank.count += difference
    this.#count += difference
    return true
  }

  #add(pieces: readonly Piece[]): void {
    for (const piece of pieces) this.#push(piece)
  }

  #push(piece: Piece): void {
    this.#pieces.push(piece)
    this.#size = piece.offset + piece.length
    this.#count += piece.count
  }

  /** What lies in from..to, for which these lines stand, none of which is sound. */
  #explain(from: number, to: number, firstIndex: number, lines: readonly Line[], isTail: boolean): Piece[] {
    if (from === to) return []
    const [line] = lines
    if (lines.length === 1 && line !== undefined) {
      const proven = this.#proven(line, from, to, isTail)
      if (proven?.firstIndex === firstIndex) return [proven]
    }
    const pieces: Piece[] = []
    let at = from
    let i = 0
    for (let line = lines[0]; line !== undefined; line = lines[++i]) {
      if (line.offset !== at || line.length === 0) break
      // What it stands for was cut off.
      if (at + line.length > to) return isTail ? pieces : [damaged(from, to, 1)]
      pieces.push(damaged(at, at + line.length, likelyCount(line)))
      at += line.length
    }
    if (at === to || (isTail && i === lines.length)) return joined(pieces)
    const [before] = joined(pieces)
    if (before === undefined) return this.#structured(at, to, firstIndex)
    const behind = this.#structured(at, to, undefined)
    const first = behind[0]
    if (first?.state !== 'sound' || first.firstIndex <= firstIndex) return [damaged(from, to, before.count)]
    before.count = first.firstIndex - firstIndex
    return [before, ...behind]
  }

  /** The messages between two neighbours of a line, if its CRC is theirs, whatever else it says. */
  #proven(line: Line, from: number, to: number, isTail: boolean): Piece | undefined {
    const ends = isTail ? [to, from + line.length] : [to]
    for (const end of ends) {
      if (end <= from || end > to) continue
      const batch = soundBatch({ ...line, offset: from }, this.#read(from, end - from), this.#file.number)
      if (batch !== undefined) return soundPiece(batch)
    }
    return undefined
  }

  /** The records that `from..to` begins with, as far as they look sound; the rest is damaged. */
  #structured(from: number, to: number, firstIndex: number | undefined): Piece[] {
    const { number } = this.#file
    const pieces: Piece[] = []
    let at = from
    let next = firstIndex
    let start = from
    let count = 0
    const endLine = (): void => {
      if (count === 0 || next === undefined) return
      const crc = crc32(this.#read(start, at - start))
      pieces.push({ offset: start, length: at - start, crc, count, firstIndex: next - count, state: 'sound' })
      start = at
      count = 0
    }
    while (at < to) {
      const header = this.#read(at, Math.min(MESSAGE_OVERHEAD, to - at))
      const index = indexOf(header, 0, header.length, number)
      if (index === undefined || (next !== undefined && index !== next)) break
      const length = recordLength(header, 0)
      if (at + length > to || hasHole(this.#read(at, length), at)) break
      if (at + length - start > LINE_BYTES) endLine()
      at += length
      next = index + 1
      count++
    }
    endLine()
    if (at < to) pieces.push(damaged(at, to, 1))
    return pieces
  }

  /** These bytes, until the next read. */
  #read(offset: number, length: number): Buffer {
    let from = offset - this.#bytesAt
    if (from < 0 || from + length > this.#bytes.length) {
      this.#bytes = this.#file.readNow(
        offset,
        Math.max(length, Math.min(READ_LENGTH, this.#fileSize - offset)),
        this.#target,
      )
      this.#bytesAt = offset
      from = 0
    }
    return this.#bytes.subarray(from, from + length)
  }
}

function soundPiece(batch: Batch | undefined): Piece | undefined {
  if (batch === undefined) return undefined
  const { offset, length, crc, count, firstIndex } = batch
  return { offset, length, crc, count, firstIndex, state: 'sound' }
}

function damaged(from: number, to: number, count: number): Piece {
  const length = to - from
  return { offset: from, length, crc: crc32(Buffer.alloc(length)), count, firstIndex: 0, state: 'damaged' }
}

/** The same pieces, but that damaged ones which lie one behind the other are one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const all: Piece[] = []
  for (const piece of pieces) {
    const last = all.at(-1)
    if (piece.state !== 'damaged' || last?.state !== 'damaged') all.push(piece)
    else all[all.length - 1] = damaged(last.offset, piece.offset + piece.length, last.count + piece.count)
  }
  return all
}

/** How many messages a line that is not sound says it stands for, unless that cannot be. */
function likelyCount({ length, count }: Line): number {
  return Math.max(1, Math.min(count, Math.floor(length / MESSAGE_OVERHEAD)))
}

/** Whether a record that begins at `offset` of its file has a sector of nothing but zeros: it was never written, most likely. */
export function hasHole(record: Buffer, offset: number): boolean {
  for (let start = 0; start < record.length;) {
    const end = Math.min(record.length, start + SECTOR - ((offset + start) % SECTOR))
    // The first bytes of its size are zeros in most records.
    if (end >= SIZE_LENGTH && isZero(record, start, end)) return true
    start = end
  }
  return false
}

function isZero(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}

function sum(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { count }) => sum + count, 0)
}

/** How many sound pieces have no line in this index that says what they are. */
function countWrong(pieces: readonly Piece[], index: Buffer): number {
  const lines = formatLines(pieces)
  // Most indexes are as they should be, and long.
  if (lines.equals(index.subarray(0, lines.length))) return 0
  let wrong = 0
  for (const [i, { state }] of pieces.entries()) {
    const line = lines.subarray(i * INDEX_LINE, (i + 1) * INDEX_LINE)
    if (state === 'sound' && !line.equals(index.subarray(i * INDEX_LINE, (i + 1) * INDEX_LINE))) wrong++
  }
  return wrong
}
