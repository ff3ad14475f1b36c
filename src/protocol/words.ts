/**
 * Big-endian 32-bit words, for the paths that run for every message: Buffer's own methods check value and bounds on
 * each call and cost four times as much. Callers have checked the bounds.
 */

/** The four bytes at `at`, as a signed number. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  )
}

/** Writes the lower 32 bits of `value`. */
export function writeWord(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
