import type { Compression } from './compression.ts'
import type { FramingName } from './record-format.ts'

/** A file that is complete: nothing more is written to it, and all of it is on disk (fsync). */
export interface SealedPart {
  /** Where it lies, absolute. */
  readonly path: string
  /** Its name relative to the output, with `/`, and with its revision. A destination may have to give it another. */
  readonly name: string
  /** The same with `<REV>` in it, if the format has one: what `revise` of file-name.ts makes names of. */
  readonly template: string
  readonly topic: string
  readonly channel: string
  readonly framing: FramingName
  readonly compression: Compression['name']
  /** How many messages are in it. */
  readonly records: number
  /** How long the file is. */
  readonly bytes: number
  /** Of the file, in hexadecimal; only where there is a manifest. */
  readonly sha256: string | undefined
  /** The earliest and the latest timestamp of its messages, in nanoseconds; undefined where nothing asks for it. */
  readonly from: bigint | undefined
  readonly to: bigint | undefined
  /** Whether it was left by a run that died. */
  readonly recovered: boolean
}

/** Where a part has got to. */
export interface Delivered {
  /** Its name relative to the output, with `/`. */
  readonly name: string
  /** The path of the file, or its `s3://` URL. */
  readonly location: string
}

/** Where sealed parts go to. */
export interface Destination {
  /**
   * - `in place`: files are written where they stay; `deliver` has nothing to move
   * - `folder`: files are moved into a folder when they are complete
   * - `s3`: files are uploaded when they are complete. Their names are unique from the start, so that a retry overwrites
   */
  readonly kind: 'in place' | 'folder' | 's3'
  /** Says to a later run where a part belongs: the real path of a folder, or `s3://bucket/prefix`. */
  readonly id: string
  /**
   * Resolves when the part is durable there, under its final name, which was free before. Does not remove `part.path`
   * (who calls this does, when the manifest has its line, too), and may be called again for the same part: after an
   * error, or by a later run.
   *
   * @throws NsqError whose cause says what happened; the signal's reason when `signal` is aborted
   */
  deliver(part: SealedPart, signal: AbortSignal): Promise<Delivered>
  /** Whether it makes sense to try again after this error of `deliver`: a full disk, a 503. */
  isTransient(error: unknown): boolean
  /** Gives back what it holds open, not before its deliveries have ended. */
  close(): Promise<void>
}
