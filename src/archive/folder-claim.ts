import { makeFolders } from './folders.ts'
import { findMarkers, markerPath, writeMarker, type Marker } from './marker.ts'

export interface FolderClaimOptions {
  /** In which files are written. */
  readonly folder: string
  /** In which markers are. */
  readonly state: string
  readonly key: string
  readonly release: () => void
}

/** The right to write files whose names have one key, until it is released. */
export class FolderClaim {
  readonly folder: string
  readonly key: string
  readonly #state: string
  readonly #release: () => void
  /** Files that could not be cut back: how much of them is good. */
  readonly #left = new Map<string, number>()
  #number: number

  private constructor({ folder, state, key, release }: FolderClaimOptions, number: number) {
    this.folder = folder
    this.key = key
    this.#state = state
    this.#release = release
    this.#number = number
  }

  /** `release` gives back the lock of this key, which the caller has. */
  static async open(options: FolderClaimOptions): Promise<FolderClaim> {
    const found = await findMarkers(options.state)
    const last = found.findLast(({ key }) => key === options.key)
    return new FolderClaim(options, last?.number ?? 0)
  }

  /** Says that a file is about to be written, so that it is found after a crash. Returns the path of what says so. */
  async mark(marker: Marker): Promise<string> {
    const path = markerPath(this.#state, this.key, ++this.#number)
    // Somebody may have removed it.
    await makeFolders(this.#state, this.folder)
    await writeMarker(path, marker)
    return path
  }

  /** Remembers of a file that only so many bytes of it are good, or, with undefined, that all are again. */
  leave(path: string, bytes: number | undefined): void {
    if (bytes === undefined) this.#left.delete(path)
    else this.#left.set(path, bytes)
  }

  /** How many bytes of a file that was left are good; undefined for any other. */
  leftAt(path: string): number | undefined {
    return this.#left.get(path)
  }

  release(): void {
    this.#release()
  }
}
