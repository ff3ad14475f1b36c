import type { Delivered, SealedPart } from './destination.ts'

/** The list of what a run has delivered: one JSON line a part, beside the parts. `archive verify` checks it. */
export interface Manifest {
  /**
   * Resolves when the line of this part is durable. May be called again for a part after an error, or by a later run: a
   * part that is listed twice is no fault. `part.path` must still be there where `part.sha256` is undefined.
   *
   * @throws NsqError when it cannot be written; see the destination's `isTransient`
   */
  add(part: SealedPart, delivered: Delivered): Promise<void>
  /** Not before every `add` has ended. */
  close(): Promise<void>
}
