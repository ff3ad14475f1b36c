import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { writeFailed } from './errors.ts'
import { syncFolder } from './folders.ts'
import type { ManifestFile } from './manifest.ts'

/** A manifest on disk. */
export class FolderManifestFile implements ManifestFile {
  readonly #folder: string
  readonly #path: string
  #file: FileHandle | undefined
  /** So much of it is durable; what comes after is cut off before more is written. */
  #bytes = 0
  #isTorn = false
  /** Its name is durable. */
  #isNamed = false

  constructor(folder: string, name: string) {
    this.#folder = folder
    this.#path = join(folder, name)
  }

  async append(lines: string): Promise<void> {
    try {
      const file = (this.#file ??= await open(this.#path, 'wx'))
      if (!this.#isNamed) await syncFolder(this.#folder)
      this.#isNamed = true
      if (this.#isTorn) await file.truncate(this.#bytes)
      this.#isTorn = true
      const bytes = Buffer.from(lines)
      await writeAt(file, bytes, this.#bytes)
      await file.datasync()
      this.#bytes += bytes.length
      this.#isTorn = false
    } catch (error) {
      throw writeFailed(this.#path, error)
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let at = 0
  while (at < bytes.length) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at)
    at += bytesWritten
  }
}
