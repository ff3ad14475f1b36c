import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { loadCompression } from '../../src/archive/compression.ts'
import { wholePart } from '../../src/archive/whole-part.ts'
import { type Framed, finalFiles } from './archived.ts'
import type { Compressed } from './system-tools.ts'

interface Content {
  readonly bytes: number
  readonly hash: string
  /** Its inode, size and times when it was looked at: it is not read again as long as they are the same. */
  readonly state: string
}

/**
 * Remembers what the files of an archive held under their final names, and sees to it that each still begins with that:
 * none is lost, shrunk or overwritten.
 */
export class Kept {
  readonly #folder: string
  readonly #framing: Framed
  readonly #compression: Compressed
  /** Files are written where they stay: the last record may be torn at a kill, and is cut back afterwards. */
  readonly #isInPlace: boolean
  readonly #contents = new Map<string, Content>()

  constructor(folder: string, framing: Framed, compression: Compressed, isInPlace: boolean) {
    this.#folder = folder
    this.#framing = framing
    this.#compression = compression
    this.#isInPlace = isInPlace
  }

  get size(): number {
    return this.#contents.size
  }

  /** Checks what is known, and takes notice of what is there now. Nothing may be writing. */
  async look(): Promise<void> {
    const names = finalFiles(this.#folder)
    const isThere = new Set(names)
    for (const name of this.#contents.keys()) {
      if (!isThere.has(name)) throw new Error(`${name} was there at a kill, and is lost`)
    }
    for (const name of names) await this.#lookAt(name)
  }

  async #lookAt(name: string): Promise<void> {
    const path = join(this.#folder, name)
    const { ino, size, mtimeMs, ctimeMs } = statSync(path)
    const state = `${ino} ${size} ${mtimeMs} ${ctimeMs}`
    const before = this.#contents.get(name)
    if (before?.state === state) return
    if (before !== undefined && (await hashOf(path, before.bytes)) !== before.hash) {
      throw new Error(`${name} does not begin with the ${before.bytes} bytes that it had at a kill`)
    }
    const bytes = this.#isInPlace ? await this.#wholeBytes(path) : size
    if (bytes === 0) this.#contents.delete(name)
    else this.#contents.set(name, { bytes, hash: await hashOf(path, bytes), state })
  }

  async #wholeBytes(path: string): Promise<number> {
    const file = await open(path)
    try {
      const whole = await wholePart(file, this.#framing, await loadCompression(this.#compression))
      return whole.bytes
    } finally {
      await file.close()
    }
  }
}

async function hashOf(path: string, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  let seen = 0
  if (bytes > 0) {
    for await (const chunk of createReadStream(path, { end: bytes - 1 })) {
      hash.update(chunk)
      seen += chunk.length
    }
  }
  return `${seen} ${hash.digest('hex')}`
}
