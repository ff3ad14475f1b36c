import type { ArchiverEvents } from './archiver-options.ts'
import type { Destination } from './destination.ts'
import type { Manifest } from './manifest.ts'

export interface PartFolderOptions {
  /** Created when missing. */
  readonly path: string
  /** The destination of parts that an earlier run left for another one than this run's; rejects when there is no way to it. */
  readonly openDestination: (id: string) => Promise<Destination>
  readonly events: Pick<ArchiverEvents, 'recovered' | 'delivered' | 'warned'>
}

/** A folder in which files are being written, by this process or by others. */
export class PartFolder {
  /** Absolute, without symbolic links. */
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @throws NsqError `E_ARCHIVE_WRITE` when the folder cannot be made or written to */
  static async open(options: PartFolderOptions): Promise<PartFolder> {
    return new PartFolder(options.path)
  }

  /**
   * Mends and delivers what runs that died have left here, whatever their names: all but the names of archivers that are
   * open, of this process or of others. Best called when the archivers of this run are open: those see to their own names.
   */
  async recover(_destination: Destination, _manifest: Manifest | undefined): Promise<void> {}

  /** How many files `recover` has mended, and how many of those are not delivered. */
  get recovered(): { readonly files: number; readonly waiting: number } {
    return { files: 0, waiting: 0 }
  }
}
