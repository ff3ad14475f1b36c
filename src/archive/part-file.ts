import { createHash, type Hash } from 'node:crypto'
import { fstatSync } from 'node:fs'
import { lstat, open, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nameTaken, PartLost, systemCode, writeFailed } from './errors.ts'
import { revise } from './file-name.ts'
import { removeFile, syncFolder, usingFolder } from './folders.ts'
import type { Marker } from './marker.ts'
import type { FolderClaim } from './folder-claim.ts'
import { countedRevision, uniqueRevision, type Revisions } from './revisions.ts'

/** What a new file is to be. */
export interface PartFilePlan {
  readonly claim: FolderClaim
  readonly template: string
  /** What its marker says, whatever its name will be. */
  readonly origin: Omit<Marker, 'file' | 'template' | 'start'>
  /** Counts; undefined for a name that was never used before. */
  readonly revisions: Revisions | undefined
  /** One that is there is not continued when it is longer; 0: whatever its length. */
  readonly rotateBytes: number
  /** Whether to compute a checksum of what is written. */
  readonly hasChecksum: boolean
}

const NEWLINE = Buffer.from('\n')

/**
 * A file that is being written: whole batches, each on disk before the next. After an error it is cut back to the last
 * batch that is.
 */
export class PartFile {
  readonly path: string
  readonly name: string
  readonly template: string
  readonly markerPath: string
  readonly isContinued: boolean
  /** How long it is: all of that is on disk. */
  bytes: number
  /**
   * `gone`: somebody has removed it, or cut off what was in it before, so that it is theirs. `left`: it could not be cut
   * back, or is shorter than it was, so that the next run has to mend it.
   */
  state: 'good' | 'gone' | 'left' = 'good'
  readonly #claim: FolderClaim
  readonly #handle: FileHandle
  readonly #hash: Hash | undefined
  readonly #isAppended: boolean
  #needsNewline: boolean

  private constructor(plan: PartFilePlan, begun: Begun) {
    this.#claim = plan.claim
    this.template = plan.template
    this.name = begun.name
    this.path = begun.path
    this.markerPath = begun.markerPath
    this.bytes = begun.bytes
    this.isContinued = begun.bytes > 0
    this.#handle = begun.handle
    this.#isAppended = plan.origin.isAppended
    this.#needsNewline = begun.isTorn
    if (plan.hasChecksum) this.#hash = createHash('sha256')
  }

  /**
   * Makes the first file of this template that nothing has the name of, or continues one. It is durable, if empty, and its
   * marker, too.
   *
   * @throws NsqError `E_ARCHIVE_WRITE`; `E_ARCHIVE_NAME` when the only name that it may have is taken
   */
  static async open(plan: PartFilePlan): Promise<PartFile> {
    const { revisions, template } = plan
    for (let revision = revisions?.next(template) ?? 0; ; revision++) {
      const text = revisions === undefined ? uniqueRevision(Date.now()) : countedRevision(revision)
      const name = revise(template, text)
      const path = join(plan.claim.folder, name)
      try {
        const begun = await usingFolder(dirname(path), plan.claim.folder, () => begin(plan, name, path))
        if (begun !== undefined) {
          revisions?.used(template, revision)
          return new PartFile(plan, begun)
        }
      } catch (error) {
        throw writeFailed(path, error)
      }
      if (name === template) throw nameTaken(path)
    }
  }

  /** Of the whole file, in hexadecimal; to be read once, at the end. Undefined when it was not asked for. */
  checksum(): string | undefined {
    return this.#hash?.digest('hex')
  }

  /**
   * Adds these bytes. They are on disk when it resolves; when it rejects, the file is as it was before, or broken.
   *
   * @throws NsqError `E_ARCHIVE_WRITE`
   */
  async write(buffers: readonly Buffer[]): Promise<void> {
    const added = this.#needsNewline ? [NEWLINE, ...buffers] : buffers
    try {
      this.#measure(this.bytes)
      await writeAll(this.#handle, added)
      await this.#handle.datasync()
      this.bytes = this.#measure(this.bytes + lengthOf(added))
    } catch (error) {
      if (this.state === 'good') await this.#cutBack()
      throw writeFailed(this.path, error)
    }
    this.#needsNewline = false
    if (this.#hash !== undefined) for (const buffer of buffers) this.#hash.update(buffer)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  /** Closes it without its marker: there is nothing to be delivered. It is removed when it was made for this. */
  async discard(): Promise<void> {
    await this.#handle.close()
    if (this.state === 'good' && !this.isContinued) await removeFile(this.path, this.#claim.folder)
    await rm(this.markerPath, { force: true })
  }

  /**
   * How long it is, which is no less than this, unless other programs have a hand in it. Asked of an open file: a way to a
   * thread and back would take many times as long as the answer.
   */
  #measure(least: number): number {
    const { size, nlink } = fstatSync(this.#handle.fd)
    if (nlink > 0 && size >= least) return size
    // What its marker says of where it was begun may not hold any more: the next run must not go by it.
    this.state = nlink === 0 || this.#isAppended ? 'gone' : 'left'
    throw new PartLost(`it was ${nlink === 0 ? 'removed' : 'cut'} while it was being written`)
  }

  /** What failed to be synced is never trusted, even if it can be read. On disk, too, that is gone before more comes. */
  async #cutBack(): Promise<void> {
    try {
      await this.#handle.truncate(this.bytes)
      await this.#handle.datasync()
    } catch {
      this.state = 'left'
      this.#claim.leave(this.path, this.bytes)
    }
  }
}

interface Begun {
  name: string
  path: string
  markerPath: string
  handle: FileHandle
  bytes: number
  /** Whether it ends in the middle of a line, which another program has left. */
  isTorn: boolean
}

/** Undefined when the name is taken. */
async function begin(plan: PartFilePlan, name: string, path: string): Promise<Begun | undefined> {
  const { claim, template, origin, rotateBytes } = plan
  const { isAppended } = origin
  const size = isAppended ? await sizeOf(path, stat) : await sizeOf(path, lstat)
  if (size !== undefined && (!isAppended || (rotateBytes > 0 && size > rotateBytes && name !== template)))
    return undefined
  const start = Math.min(size ?? 0, claim.leftAt(path) ?? Infinity)
  const markerPath = await claim.mark({ ...origin, file: name, template, start })
  try {
    const handle = await open(path, isAppended ? 'a+' : 'ax')
    try {
      return { name, path, markerPath, handle, ...(await prepare(plan, path, handle)) }
    } catch (error) {
      await handle.close()
      if (size === undefined) await rm(path, { force: true })
      throw error
    }
  } catch (error) {
    await rm(markerPath, { force: true })
    if (systemCode(error) === 'EEXIST') return undefined
    throw error
  }
}

async function prepare(
  { claim, origin }: PartFilePlan,
  path: string,
  handle: FileHandle,
): Promise<{ bytes: number; isTorn: boolean }> {
  const left = claim.leftAt(path)
  if (left !== undefined) {
    await handle.truncate(left)
    claim.leave(path, undefined)
  }
  await syncFolder(dirname(path))
  const { size } = await handle.stat()
  return { bytes: size, isTorn: size > 0 && origin.framing !== 'length' && !(await endsLine(handle, size)) }
}

async function endsLine(handle: FileHandle, size: number): Promise<boolean> {
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === NEWLINE[0]
}

/** Undefined when there is nothing. */
async function sizeOf(path: string, look: typeof stat): Promise<number | undefined> {
  try {
    return (await look(path)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** With one system call, unless the system stops in the middle. */
async function writeAll(handle: FileHandle, buffers: readonly Buffer[]): Promise<void> {
  let rest = buffers
  for (;;) {
    const length = lengthOf(rest)
    if (length === 0) return
    const { bytesWritten } = await handle.writev(rest)
    if (bytesWritten === length) return
    rest = withoutFirst(rest, bytesWritten)
  }
}

function lengthOf(buffers: readonly Buffer[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0)
}

function withoutFirst(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = []
  let skip = bytes
  for (const buffer of buffers) {
    if (skip < buffer.length) rest.push(buffer.subarray(skip))
    skip = Math.max(0, skip - buffer.length)
  }
  return rest
}
