import { opendir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { NsqError, errorText } from '../util/errors.ts'
import { systemCode } from './errors.ts'
import { STATE_FOLDER } from './folders.ts'

/** The files of an archive, wherever they are. */
export interface ArchiveFiles {
  /** As the user knows it: a path, or `s3://bucket/prefix`. */
  readonly location: string
  /** The names of all, with `/`, but those that an archive in work keeps for itself. */
  list(): AsyncIterable<string>
  /**
   * What is in one, piece by piece. Throws a MissingFile when it is not there.
   *
   * @param most - who wants no more than its first bytes says how many, so that little is fetched
   */
  read(name: string, most?: number): AsyncGenerator<Buffer>
  close(): void
}

export class MissingFile extends Error {}

const CHUNK_BYTES = 256 * 1024

const NO_FOLDER: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'that is a file, not the folder that archive wrote to',
}

export class FolderFiles implements ArchiveFiles {
  readonly location: string

  constructor(path: string) {
    this.location = path
  }

  async *list(folder = ''): AsyncGenerator<string> {
    let entries
    try {
      entries = await opendir(join(this.location, folder))
    } catch (error) {
      const why = NO_FOLDER[systemCode(error) ?? ''] ?? errorText(error)
      throw new NsqError('E_ARCHIVE_READ', `cannot read ${join(this.location, folder)}: ${why}`, {
        cause: error,
      })
    }
    for await (const entry of entries) {
      const name = `${folder}${entry.name}`
      if (entry.isDirectory()) {
        if (entry.name !== STATE_FOLDER) yield* this.list(`${name}/`)
      } else {
        yield name
      }
    }
  }

  async *read(name: string): AsyncGenerator<Buffer> {
    let file
    try {
      file = await open(join(this.location, name), 'r')
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? new MissingFile(name) : error
    }
    try {
      for await (const chunk of file.createReadStream({ highWaterMark: CHUNK_BYTES })) yield chunk
    } finally {
      await file.close()
    }
  }

  close(): void {}
}
