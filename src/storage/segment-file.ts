/**
 * The two files of a segment on disk, and nothing about what they mean:
 *
 *   0000000123.log   the records, one behind the other
 *   0000000123.idx   a line for each committed batch, so that a torn tail is found:
 *
 *     0          4          8         12         16
 *     | offset   | length   | crc32   | messages |      each u32 BE
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  statSync,
  unlinkSync,
  writeSync,
  writevSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { asError, NsqError } from '../util/errors.ts'
import { syncFolder } from './folder.ts'
import { isPlausible, recordLength } from './record.ts'

export const INDEX_LINE = 16
const COPY_LENGTH = 1024 * 1024
/** Enough for most records in one read. */
const RECORD_GUESS = 4096

export function segmentName(number: number): string {
  return String(number).padStart(10, '0')
}

export class SegmentFile {
  readonly logPath: string
  readonly indexPath: string
  #log = -1
  #index = -1
  #indexSize: number
  #reads = 0
  #syncing = 0
  /** Made by this process; the folder has not been synced since. */
  #isNew = false
  #closing = false
  readonly #line: Buffer = Buffer.alloc(INDEX_LINE)

  /** `kind`: ends the name of the records' file; `.log` for a segment of the log itself. */
  constructor(directory: string, number: number, indexSize = 0, kind = '.log') {
    const path = join(directory, segmentName(number))
    this.logPath = path + kind
    this.indexPath = `${path}.idx`
    this.#indexSize = indexSize
  }

  /**
   * Appends a batch at `offset` and its index line. When this throws, both files are as long as before, or as near
   * to it as the disk allows: what is behind `offset` has no line and is cut at the next start.
   */
  append(slices: readonly Buffer[], offset: number, count: number): void {
    this.#open()
    let length = 0
    let crc = 0
    for (const slice of slices) {
      length += slice.length
      crc = crc32(slice, crc)
    }
    try {
      writeFully(this.#log, slices, offset)
      const line = this.#line
      line.writeUInt32BE(offset, 0)
      line.writeUInt32BE(length, 4)
      line.writeUInt32BE(crc, 8)
      line.writeUInt32BE(count, 12)
      writeFully(this.#index, [line], this.#indexSize)
    } catch (error) {
      this.#truncate(offset)
      throw error
    }
    this.#indexSize += INDEX_LINE
  }

  /** Takes back the last append, which was at `offset`. */
  undoAppend(offset: number): void {
    this.#indexSize -= INDEX_LINE
    this.#truncate(offset)
  }

  /** Makes what was appended survive a power cut. `done` gets the first error, if any. */
  sync(done: (error: Error | null) => void): void {
    try {
      this.#open()
    } catch (error) {
      setImmediate(done, asError(error))
      return
    }
    const isNew = this.#isNew
    let left = isNew ? 3 : 2
    let failed: Error | null = null
    this.#syncing++
    const finish = (error: Error | null): void => {
      failed ??= error
      if (--left > 0) return
      this.#syncing--
      if (isNew && failed === null) this.#isNew = false
      this.#closeWhenIdle()
      done(failed)
    }
    fdatasync(this.#log, finish)
    fdatasync(this.#index, finish)
    if (isNew) syncFolder(dirname(this.logPath), finish)
  }

  /** Reads up to `length` bytes at `offset` in the background. */
  read(offset: number, length: number, done: (error: Error | null, bytes: Buffer) => void): void {
    const target = Buffer.allocUnsafeSlow(length)
    try {
      this.#open()
    } catch (error) {
      setImmediate(done, asError(error), target.subarray(0, 0))
      return
    }
    this.#reads++
    read(this.#log, target, 0, length, offset, (error, got) => {
      this.#reads--
      this.#closeWhenIdle()
      done(error, target.subarray(0, error === null ? got : 0))
    })
  }

  /** Reads up to `length` bytes at `offset`, blocking. */
  readNow(offset: number, length: number): Buffer {
    this.#open()
    const target = Buffer.allocUnsafe(length)
    return target.subarray(0, readSync(this.#log, target, 0, length, offset))
  }

  /**
   * Reads the record that begins at `offset` and ends before `end`, blocking.
   *
   * @throws NsqError E_DAMAGED when there is none.
   */
  readRecordNow(offset: number, end: number): Buffer {
    const bytes = this.readNow(offset, RECORD_GUESS)
    const length = isPlausible(bytes, 0, bytes.length) ? recordLength(bytes, 0) : 0
    if (length > 0 && offset + length <= end) {
      const record = length <= bytes.length ? bytes.subarray(0, length) : this.readNow(offset, length)
      if (record.length === length) return record
    }
    throw new NsqError('E_DAMAGED', `there is no message at byte ${offset} of ${this.logPath}`)
  }

  /** Makes what was appended survive a power cut, blocking. */
  syncNow(): void {
    this.#open()
    fdatasyncSync(this.#log)
    fdatasyncSync(this.#index)
  }

  /** Reads the index lines, as they lie in the file. */
  readIndexNow(): Buffer {
    this.#open()
    // Not readFileSync: it goes on where the last read of this descriptor ended.
    const target = Buffer.allocUnsafe(fstatSync(this.#index).size)
    return target.subarray(0, readSync(this.#index, target, 0, target.length, 0))
  }

  /** How long the records' file is. */
  sizeNow(): number {
    // Not opened for that: at the start thousands are asked.
    return statSync(this.logPath, { throwIfNoEntry: false })?.size ?? 0
  }

  /** Cuts both files; what is cut off the records is kept aside. */
  cut(offset: number, indexSize: number): void {
    this.#open()
    const size = this.sizeNow()
    if (size > offset) this.keepAside(offset, size - offset)
    ftruncateSync(this.#log, offset)
    ftruncateSync(this.#index, indexSize)
    this.#indexSize = indexSize
  }

  /** Copies bad bytes into a file beside the segment, for a person to look at. Returns its path. */
  keepAside(offset: number, length: number): string {
    const path = `${this.logPath}.bad-${offset}`
    const target = openSync(path, 'w')
    try {
      for (let done = 0; done < length;) {
        const bytes = this.readNow(offset + done, Math.min(COPY_LENGTH, length - done))
        if (bytes.length === 0) break
        writeFully(target, [bytes], done)
        done += bytes.length
      }
    } finally {
      closeSync(target)
    }
    return path
  }

  /** Gives the descriptors back. Any later use opens the files again. */
  close(): void {
    this.#closing = true
    this.#closeWhenIdle()
  }

  remove(): void {
    this.close()
    for (const path of [this.logPath, this.indexPath]) {
      try {
        unlinkSync(path)
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
  }

  #open(): void {
    this.#closing = false
    if (this.#log >= 0) return
    if (!existsSync(this.logPath)) this.#isNew = true
    const log = openForAppend(this.logPath)
    try {
      this.#index = openForAppend(this.indexPath)
    } catch (error) {
      closeSync(log)
      throw error
    }
    this.#log = log
  }

  #closeWhenIdle(): void {
    if (!this.#closing || this.#log < 0 || this.#reads > 0 || this.#syncing > 0) return
    closeSync(this.#log)
    closeSync(this.#index)
    this.#log = this.#index = -1
  }

  #truncate(offset: number): void {
    try {
      ftruncateSync(this.#log, offset)
      ftruncateSync(this.#index, this.#indexSize)
    } catch {
      // A disk that cannot even truncate: the missing index line is what keeps the remains from being read.
    }
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

/** Reads and writes without truncating; creates the file when there is none. */
function openForAppend(path: string): number {
  try {
    return openSync(path, 'r+')
  } catch (error) {
    if (!isMissing(error)) throw error
    return openSync(path, 'wx+')
  }
}

function writeFully(fd: number, slices: readonly Buffer[], position: number): void {
  let rest = slices
  let at = position
  while (rest.length > 0) {
    const [first] = rest
    const written =
      rest.length === 1 && first !== undefined
        ? writeSync(fd, first, 0, first.length, at)
        : writevSync(fd, rest, at)
    at += written
    rest = skip(rest, written)
  }
}

/** What is left of `slices` after their first `count` bytes. */
function skip(slices: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count
  let i = 0
  for (; i < slices.length; i++) {
    const slice = slices[i]
    if (slice === undefined || left < slice.length) break
    left -= slice.length
  }
  const rest = slices.slice(i)
  const [first] = rest
  if (left > 0 && first !== undefined) rest[0] = first.subarray(left)
  return rest
}
