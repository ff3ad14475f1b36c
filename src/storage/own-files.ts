import { type FileHandle, open } from 'node:fs/promises'
import { isMissing } from './folder.ts'

/** A file was deleted after one had begun to look: its messages were finished, or moved. Look again. */
export class SegmentGoneError extends Error {}

/** Files of a log that somebody looks at who is not known to it: opened only for reading, beside those of the log. */
export class OwnFiles {
  readonly #files = new Map<string, FileHandle>()

  /** @throws SegmentGoneError */
  async open(path: string): Promise<FileHandle> {
    const known = this.#files.get(path)
    if (known !== undefined) return known
    try {
      const file = await open(path, 'r')
      this.#files.set(path, file)
      return file
    } catch (error) {
      if (!isMissing(error)) throw error
      throw new SegmentGoneError(`${path} is gone`, { cause: error })
    }
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()]
    this.#files.clear()
    await Promise.all(files.map(file => file.close()))
  }
}
