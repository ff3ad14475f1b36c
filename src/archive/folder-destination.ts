import type { Delivered, Destination, SealedPart } from './destination.ts'

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

  isTransient(): boolean {
    return false
  }

  async close(): Promise<void> {}
}

/** Files are moved into a folder when they are complete. */
export class FolderDestination implements Destination {
  readonly kind = 'folder'
  readonly id: string

  private constructor(path: string) {
    this.id = path
  }

  /** @throws NsqError `E_ARCHIVE_WRITE` when the folder cannot be made */
  static async open(path: string): Promise<FolderDestination> {
    return new FolderDestination(path)
  }

  async deliver(part: SealedPart, _signal: AbortSignal): Promise<Delivered> {
    return { name: part.name, location: part.path }
  }

  isTransient(): boolean {
    return false
  }

  async close(): Promise<void> {}
}
