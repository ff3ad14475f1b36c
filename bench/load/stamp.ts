/**
 * What a body begins with: which message it is, and when it is to be there (see ./clock.ts).
 *
 *     | f64 BE: ms | u32 BE: number | …
 */
export const STAMP_LENGTH = 12

export function writeStamp(bytes: Buffer, at: number, ms: number, number: number): void {
  bytes.writeDoubleBE(ms, at)
  bytes.writeUInt32BE(number, at + 8)
}

export function momentOf(bytes: Buffer, at: number): number {
  return bytes.readDoubleBE(at)
}

export function numberOf(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at + 8)
}
