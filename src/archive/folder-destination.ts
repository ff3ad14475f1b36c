import { access, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Delivered, Destination, SealedPart } from './destination.ts'
import { isTransientWrite, nameTaken, writeFailed } from './errors.ts'
import { revise } from './file-name.ts'
import { makeFolders, syncNearest, usingFolder } from './folders.ts'
import { hasLinks, placeFile } from './move.ts'
import { countedRevision, Revisions } from './revisions.ts'

/** Files are written where they stay. */
export class InPlace implements Destination {
  readonly kind = 'in place'
  readonly id: string

  /** `path`: that of the PartFolder. */
  constructor(path: string) {
    this.id = path
  }

  async deliver(part: SealedPart): Promise<Delivered> {
    return { name: part.name, location: part.path }
  }

  isTransient(error: unknown): boolean {
    return isTransientWrite(error)
  }

  async close(): Promise<void> {}
}

/** Files are moved into a folder when they are complete. */
export class FolderDestination implements Destination {
  readonly kind = 'folder'
  readonly id: string
  readonly #revisions = new Revisions()
  /** By the path of a part: where it is, though that may not be durable. Another attempt would not find it if it is a copy. */
  readonly #placed = new Map<string, Delivered>()

  private constructor(path: string) {
    this.id = path
  }

  /** @throws NsqError `E_ARCHIVE_WRITE` when the folder cannot be made */
  static async open(path: string): Promise<FolderDestination> {
    try {
      const absolute = resolve(path)
      await makeFolders(absolute, absolute)
      return new FolderDestination(await realpath(absolute))
    } catch (error) {
      throw writeFailed(path, error)
    }
  }

  /** One that an earlier run has opened, and that must still be there: maybe it is not mounted now, or elsewhere. */
  static async reopen(path: string): Promise<FolderDestination> {
    await access(path)
    return FolderDestination.open(path)
  }

  /** @throws NsqError `E_ARCHIVE_WRITE`; `E_ARCHIVE_NAME` when the only name that a part may have is taken */
  async deliver(part: SealedPart): Promise<Delivered> {
    try {
      // One that may have been moved before finds itself only if no name is left out.
      const isNew = !part.recovered && !(await hasLinks(part.path))
      const first = isNew ? this.#revisions.next(part.template) : 0
      const placed = this.#placed.get(part.path) ?? (await this.#place(part, first))
      this.#placed.set(part.path, placed)
      await syncNearest(dirname(placed.location), this.id)
      this.#placed.delete(part.path)
      return placed
    } catch (error) {
      throw writeFailed(join(this.id, part.name), error)
    }
  }

  async #place({ path, template }: SealedPart, first: number): Promise<Delivered> {
    for (let revision = first; ; revision++) {
      const name = revise(template, countedRevision(revision))
      const location = join(this.id, name)
      // Whoever takes files from here may just be removing the folder, as it is empty.
      if (await usingFolder(dirname(location), this.id, () => placeFile(path, location))) {
        this.#revisions.used(template, revision)
        return { name, location }
      }
      if (name === template) throw nameTaken(location)
    }
  }

  isTransient(error: unknown): boolean {
    return isTransientWrite(error)
  }

  async close(): Promise<void> {}
}
