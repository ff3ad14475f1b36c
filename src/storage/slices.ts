import { crc32 } from 'node:zlib'

/** What is left of `slices` after their first `count` bytes. */
export function skip(slices: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count
  let i = 0
  for (; i < slices.length; i++) {
    const slice = slices[i]
    if (slice === undefined || left < slice.length) break
    left -= slice.length
  }
  const rest = slices.slice(i)
  const [first] = rest
  if (left > 0 && first !== undefined) rest[0] = first.subarray(left)
  return rest
}

/** The CRC-32 of the first bytes of `slices`, at most `most`, and how many that are. */
export function checksum(slices: readonly Buffer[], most: number): { crc: number; length: number } {
  let crc = 0
  let length = 0
  for (const slice of slices) {
    const left = most - length
    crc = crc32(slice.length <= left ? slice : slice.subarray(0, left), crc)
    if (slice.length >= left) return { crc, length: most }
    length += slice.length
  }
  return { crc, length }
}
