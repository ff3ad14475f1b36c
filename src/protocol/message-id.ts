/**
 * A message id is 63 bits, on the wire 16 lower-case hex digits:
 *
 *     bit 63  62         53 52                           22 21              0
 *     | 0     | node, 10    | segment, 31                 | index, 22       |
 *     |            high, 32 bits           |           low, 32 bits         |
 *
 * `node` keeps the ids of several daemons apart, `segment` those of topics and restarts, and `index` is the place of
 * the message in its segment. Clients treat the 16 bytes as opaque.
 */

/** Bytes of an id on the wire. */
export const ID_LENGTH = 16
export const MAX_NODE = 2 ** 10 - 1
export const MAX_SEGMENT = 2 ** 31 - 1
export const MAX_INDEX = 2 ** 22 - 1

const NOT_HEX = -1

// The value of each byte as a lower-case hex digit, or -1.
const DIGITS = new Int8Array(256).fill(NOT_HEX)
for (const [value, digit] of Array.from('0123456789abcdef').entries()) DIGITS[digit.charCodeAt(0)] = value

function digitAt(bytes: Uint8Array, at: number): number {
  return DIGITS[bytes[at] ?? 0] ?? NOT_HEX
}

/** The first 8 hex digits at `offset` as an unsigned 32-bit number, or -1 when they are not lower-case hex. */
export function readIdHigh(bytes: Uint8Array, offset: number): number {
  const a = digitAt(bytes, offset)
  const b = digitAt(bytes, offset + 1)
  const c = digitAt(bytes, offset + 2)
  const d = digitAt(bytes, offset + 3)
  const e = digitAt(bytes, offset + 4)
  const f = digitAt(bytes, offset + 5)
  const g = digitAt(bytes, offset + 6)
  const h = digitAt(bytes, offset + 7)
  if ((a | b | c | d | e | f | g | h) < 0) return NOT_HEX
  return ((a << 28) | (b << 24) | (c << 20) | (d << 16) | (e << 12) | (f << 8) | (g << 4) | h) >>> 0
}

/** The last 8 hex digits of the id at `offset`, likewise. */
export function readIdLow(bytes: Uint8Array, offset: number): number {
  return readIdHigh(bytes, offset + 8)
}

/** Writes the 16 hex digits of an id at `offset`. */
export function writeId(bytes: Uint8Array, offset: number, high: number, low: number): void {
  if (offset < 0 || offset + ID_LENGTH > bytes.length) throw new RangeError('no room for a message id')
  writeDigits(bytes, offset, high >>> 16)
  writeDigits(bytes, offset + 4, high & 0xffff)
  writeDigits(bytes, offset + 8, low >>> 16)
  writeDigits(bytes, offset + 12, low & 0xffff)
}

/** Four hex digits at once: each nibble is spread to a byte of one word, and those above 9 are moved up to 'a'. */
function writeDigits(bytes: Uint8Array, at: number, value: number): void {
  const pairs = ((value << 8) | value) & 0x00ff00ff
  const nibbles = ((pairs << 4) | pairs) & 0x0f0f0f0f
  const letters = ((nibbles + 0x06060606) >>> 4) & 0x01010101
  const digits = nibbles + 0x30303030 + letters * 0x27
  // Stored here and not by `writeWord`: one call deeper, V8 no longer inlines it all into writeMessageHeader.
  bytes[at] = digits >>> 24
  bytes[at + 1] = digits >>> 16
  bytes[at + 2] = digits >>> 8
  bytes[at + 3] = digits
}

/** The id as text. */
export function formatId(high: number, low: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

/** The node of an id; more than MAX_NODE when bit 63 is set, which no id of ours has. */
export function idNode(high: number): number {
  return high >>> 21
}

export function idSegment(high: number, low: number): number {
  return ((high & 0x1fffff) << 10) | (low >>> 22)
}

export function idIndex(low: number): number {
  return low & MAX_INDEX
}

export function composeIdHigh(node: number, segment: number): number {
  return ((node << 21) | (segment >>> 10)) >>> 0
}

export function composeIdLow(segment: number, index: number): number {
  return ((segment << 22) | index) >>> 0
}
