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
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  renameSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { asError, NsqError } from '../util/errors.ts'
import { closeQuietly, COPY_LENGTH, openForAppend, truncateQuietly, writeFully } from './descriptors.ts'
import { isMissing, syncFolder, syncFolderNow } from './folder.ts'
import { fillLines, INDEX_LINE, indexLength } from './index-lines.ts'
import { isPlausible, recordLength } from './record.ts'
import { type Place, rewrite } from './rewrite.ts'

const ZEROS: Buffer = Buffer.alloc(64 * 1024)
/** Ends the name of a file that is not whole yet, or never will be. */
export const UNFINISHED = '.tmp'
/** Enough for most records in one read. */
const RECORD_GUESS = 4096

export function segmentName(number: number): string {
  return String(number).padStart(10, '0')
}

export class SegmentFile {
  readonly number: number
  readonly logPath: string
  readonly indexPath: string
  #log = -1
  #index = -1
  #indexSize: number
  /** What it was before the last append. */
  #indexBefore: number
  /** Where the records end that this process has appended, and where those begin that were not synced. */
  #size = 0
  #unsynced: Place | undefined
  /**
   * A sync has failed. The system may have dropped what it could not write and forgotten that it did: the next sync would
   * go well, though the disk does not have it. What was not synced is therefore written once more before.
   */
  #isSuspect = false
  #reads = 0
  #syncing = 0
  /** Its names are on the disk. Who made it may have been killed before that, so this process sees to it once. */
  #isNamed = false
  #closing = false
  #hidden: readonly { readonly offset: number; readonly length: number }[] = []
  readonly #line: Buffer = Buffer.alloc(INDEX_LINE)

  /** `kind`: ends the name of the records' file; `.log` for a segment of the log itself. */
  constructor(directory: string, number: number, indexSize = 0, kind = '.log') {
    const path = join(directory, segmentName(number))
    this.number = number
    this.logPath = path + kind
    this.indexPath = `${path}.idx`
    this.#indexSize = this.#indexBefore = indexSize
  }

  /**
   * Appends `count` messages at `offset`, with a line in the index for each of the stretches that end at `lineEnds` (see
   * `Segment`), and one for the rest. When this throws, both files are as long as before, or as near to it as the disk
   * allows: what is behind `offset` has no line and is cut at the next start.
   */
  append(slices: readonly Buffer[], offset: number, count: number, lineEnds: readonly number[] = []): void {
    this.#open()
    try {
      writeFully(this.#log, slices, offset)
      const lines = lineEnds.length === 0 ? this.#line : Buffer.allocUnsafe(indexLength(lineEnds))
      fillLines(lines, slices, offset, count, lineEnds)
      writeFully(this.#index, [lines], this.#indexSize)
    } catch (error) {
      this.#truncate(offset)
      throw error
    }
    this.#unsynced ??= { log: offset, index: this.#indexSize }
    this.#size = offset + slices.reduce((sum, { length }) => sum + length, 0)
    this.#indexBefore = this.#indexSize
    this.#indexSize += indexLength(lineEnds)
  }

  /** Takes back the last append, which was at `offset`. */
  undoAppend(offset: number): void {
    this.#indexSize = this.#indexBefore
    this.#size = offset
    this.#truncate(offset)
  }

  /**
   * Makes what was appended survive a power cut. `done` gets the first error, if any: NsqError E_DAMAGED when some of it
   * is not there any more.
   */
  sync(done: (error: Error | null) => void): void {
    try {
      this.#open()
    } catch (error) {
      setImmediate(done, asError(error))
      return
    }
    const to = { log: this.#size, index: this.#indexSize }
    this.#syncing++
    const synced = (error: Error | null): void => {
      this.#syncing--
      this.#isSuspect = error !== null
      if (error === null) this.#unsynced = this.#size > to.log ? to : undefined
      this.#closeWhenIdle()
      done(error)
    }
    if (!this.#isSuspect) {
      this.#syncFiles(synced)
      return
    }
    // What is not damaged shall survive a power cut all the same.
    void this.#rewrite(to).then(damage => this.#syncFiles(error => synced(damage ?? error)))
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
      done(error, this.#shown(target.subarray(0, error === null ? got : 0), offset))
    })
  }

  /** Reads up to `length` bytes at `offset`, blocking; into `target`, if that is large enough. */
  readNow(offset: number, length: number, target: Buffer = Buffer.allocUnsafe(length)): Buffer {
    if (target.length < length) return this.readNow(offset, length)
    this.#open()
    return this.#shown(target.subarray(0, readSync(this.#log, target, 0, length, offset)), offset)
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
    // Or a checkpoint could outlive the name of the file that it refers to.
    if (!this.#isNamed) for (const folder of this.#folders) syncFolderNow(folder)
    this.#isNamed = true
    this.#unsynced = undefined
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

  /** Cuts the records; what is cut off is kept aside. */
  cut(offset: number): void {
    this.#open()
    const size = this.sizeNow()
    if (size > offset) this.#copyAside(offset, size - offset)
    ftruncateSync(this.#log, offset)
    this.#size = offset
  }

  /** Cuts the index: the next line comes here. */
  cutIndex(size: number): void {
    this.#open()
    ftruncateSync(this.#index, size)
    this.#indexSize = size
  }

  /** Where bad bytes that begin here are kept. */
  asidePath(offset: number): string {
    return `${this.logPath}.bad-${offset}`
  }

  /**
   * Copies bad bytes into a file beside the segment, for a person to look at; but for zeros, and what was copied before:
   * it may have been blanked since.
   */
  keepAside(offset: number, length: number): void {
    const known = statSync(this.asidePath(offset), { throwIfNoEntry: false })
    if (known?.size !== length && !this.#isBlank(offset, length)) this.#copyAside(offset, length)
  }

  /** From now on these bytes are read as zeros: they are bad, and could not be blanked on the disk. */
  hide(stretches: readonly { readonly offset: number; readonly length: number }[]): void {
    this.#hidden = stretches
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

  /** Writes what was not synced once more. Gives what is wrong with it. */
  async #rewrite(to: Place): Promise<Error | null> {
    // What was there at the start has been looked through, but nobody knows what of it was synced.
    const from = this.#unsynced ?? { log: 0, index: 0 }
    try {
      await rewrite({ logPath: this.logPath, log: this.#log, index: this.#index }, from, to)
      return null
    } catch (error) {
      return asError(error)
    }
  }

  #syncFiles(done: (error: Error | null) => void): void {
    const folders = this.#isNamed ? [] : this.#folders
    let left = 2 + folders.length
    let failed: Error | null = null
    const finish = (error: Error | null): void => {
      failed ??= error
      if (--left > 0) return
      this.#isNamed ||= failed === null
      done(failed)
    }
    fdatasync(this.#log, finish)
    fdatasync(this.#index, finish)
    for (const folder of folders) syncFolder(folder, finish)
  }

  /** Where its names are, and that of the folder: a topic may be new, too. */
  get #folders(): string[] {
    const folder = dirname(this.logPath)
    return [folder, dirname(folder)]
  }

  #open(): void {
    this.#closing = false
    if (this.#log >= 0) return
    const log = openForAppend(this.logPath)
    try {
      this.#index = openForAppend(this.indexPath)
    } catch (error) {
      closeQuietly(log)
      throw error
    }
    this.#log = log
  }

  #closeWhenIdle(): void {
    if (!this.#closing || this.#log < 0 || this.#reads > 0 || this.#syncing > 0) return
    closeQuietly(this.#log)
    closeQuietly(this.#index)
    this.#log = this.#index = -1
  }

  #isBlank(offset: number, length: number): boolean {
    for (let done = 0; done < length;) {
      const bytes = this.readNow(offset + done, Math.min(ZEROS.length, length - done))
      if (bytes.length === 0) break
      if (!bytes.equals(ZEROS.subarray(0, bytes.length))) return false
      done += bytes.length
    }
    return true
  }

  /** Under another name at first: a file with its own name is whole. */
  #copyAside(offset: number, length: number): void {
    const path = this.asidePath(offset)
    const target = openSync(path + UNFINISHED, 'w')
    try {
      for (let done = 0; done < length;) {
        const bytes = this.readNow(offset + done, Math.min(COPY_LENGTH, length - done))
        if (bytes.length === 0) break
        writeFully(target, [bytes], done)
        done += bytes.length
      }
      fdatasyncSync(target)
    } finally {
      closeSync(target)
    }
    renameSync(path + UNFINISHED, path)
  }

  /** What was read at `offset`, without what is hidden. */
  #shown(bytes: Buffer, offset: number): Buffer {
    for (const hidden of this.#hidden) {
      const start = Math.max(0, hidden.offset - offset)
      const end = Math.min(bytes.length, hidden.offset + hidden.length - offset)
      if (start < end) bytes.fill(0, start, end)
    }
    return bytes
  }

  /** What the disk does not truncate stays without a line, and so is not read; but for lines that it keeps, too. */
  #truncate(offset: number): void {
    truncateQuietly(this.#index, this.#indexSize)
    truncateQuietly(this.#log, offset)
  }
}
