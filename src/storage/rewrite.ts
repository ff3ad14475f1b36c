import { read, write } from 'node:fs'
import { crc32 } from 'node:zlib'
import { NsqError } from '../util/errors.ts'
import { COPY_LENGTH } from './descriptors.ts'
import { INDEX_LINE, type Line, parseLines } from './index-lines.ts'

/** The open files of a segment. */
interface Files {
  readonly logPath: string
  readonly log: number
  readonly index: number
}

/** A place in each of the files. */
export interface Place {
  readonly log: number
  readonly index: number
}

/** So many lines of the index are read at once, at most. */
const MOST_LINES = 16 * 1024

/**
 * Writes what lies between two places of a segment over itself, so that the next sync writes it to the disk. The system
 * may have dropped what it could not write, and give back now what the disk had before: what the CRCs of the index do not
 * vouch for is left, and told when the rest is written.
 *
 * @throws NsqError E_DAMAGED; what the disk says
 */
export async function rewrite(files: Files, from: Place, to: Place): Promise<void> {
  const records = new Records(files, from.log, to.log)
  for (let at = from.index; at < to.index;) {
    const lines = await readUpTo(files.index, at, Math.min(MOST_LINES * INDEX_LINE, to.index - at))
    for (const line of parseLines(lines)) await records.take(line)
    await records.flush()
    await writeAll(files.index, lines, at)
    if (lines.length < INDEX_LINE) break
    at += lines.length - (lines.length % INDEX_LINE)
  }
  records.end()
}

/** Whether this is what `rewrite` throws where something is not there any more, and not the disk's refusal. */
export function isDamage(error: Error): boolean {
  return error instanceof NsqError && error.code === 'E_DAMAGED'
}

/** The records that lines stand for, which lie one behind the other: read and written many at once. */
class Records {
  readonly #files: Files
  readonly #to: number
  #lines: Line[] = []
  #start: number
  #end: number
  /** Where the first of them is that is not what was written. */
  #damage: number | undefined

  constructor(files: Files, from: number, to: number) {
    this.#files = files
    this.#start = this.#end = from
    this.#to = to
  }

  async take(line: Line): Promise<void> {
    const { offset, length } = line
    // Any other line is an old one, or none.
    if (offset !== this.#end || length === 0 || length > this.#to - offset) {
      await this.flush()
      throw this.#damaged(this.#damage ?? this.#end)
    }
    if (offset + length - this.#start > COPY_LENGTH) await this.flush()
    this.#lines.push(line)
    this.#end += length
  }

  end(): void {
    if (this.#end < this.#to) this.#damage ??= this.#end
    if (this.#damage !== undefined) throw this.#damaged(this.#damage)
  }

  /** Writes those of the lines that were taken. */
  async flush(): Promise<void> {
    const start = this.#start
    const bytes = await readUpTo(this.#files.log, start, this.#end - start)
    let from = 0
    let to = 0
    for (const { offset, length, crc } of this.#lines) {
      const at = offset - start
      if (crc32(bytes.subarray(at, at + length)) === crc) {
        to = at + length
        continue
      }
      this.#damage ??= offset
      await writeAll(this.#files.log, bytes.subarray(from, to), start + from)
      from = to = at + length
    }
    await writeAll(this.#files.log, bytes.subarray(from, to), start + from)
    this.#lines = []
    this.#start = this.#end
  }

  #damaged(offset: number): NsqError {
    return new NsqError(
      'E_DAMAGED',
      `${this.#files.logPath} is damaged at byte ${offset}: the disk did not keep what was written there and not synced`,
    )
  }
}

/** Fewer bytes where the file ends. */
async function readUpTo(fd: number, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  for (let count = 1; count > 0 && done < length; done += count)
    count = await readOnce(fd, bytes, done, position)
  return bytes.subarray(0, done)
}

function readOnce(fd: number, bytes: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, bytes, at, bytes.length - at, position + at, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}

async function writeAll(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await writeOnce(fd, bytes, at, position)
}

function writeOnce(fd: number, bytes: Buffer, at: number, position: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, at, bytes.length - at, position + at, (error, count) => {
      if (error === null) resolve(count)
      else reject(error)
    })
  })
}
