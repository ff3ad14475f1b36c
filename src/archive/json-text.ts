/** UTF-8 as the inside of a JSON string, byte for byte what JSON.stringify makes of it. */

/** The most bytes that one byte becomes: `\u0001`. */
export const JSON_GROWTH = 6

const BACKSLASH = 0x5c

/** By byte: 0 for one that stands for itself, the letter after the backslash, or `u` for `\u00..`. */
const ESCAPES: Uint8Array = new Uint8Array(256)
ESCAPES.fill(0x75, 0, 0x20)
for (const [byte, letter] of [
  [0x08, 'b'],
  [0x09, 't'],
  [0x0a, 'n'],
  [0x0c, 'f'],
  [0x0d, 'r'],
  [0x22, '"'],
  [0x5c, '\\'],
] as const) {
  ESCAPES[byte] = letter.charCodeAt(0)
}

const ESCAPED_UNICODE = 0x75
const HEX: Buffer = Buffer.from('0123456789abcdef')

/** Returns where the text ends. There must be room for it: JSON_GROWTH times the bytes, or jsonLength. */
export function writeJsonText(utf8: Buffer, target: Buffer, start: number): number {
  let at = start
  for (let i = 0; i < utf8.length; i++) {
    const byte = utf8[i] ?? 0
    const escape = ESCAPES[byte] ?? 0
    if (escape === 0) {
      target[at++] = byte
    } else if (escape === ESCAPED_UNICODE) {
      at += target.write('\\u00', at, 'latin1')
      target[at++] = HEX[byte >>> 4] ?? 0
      target[at++] = HEX[byte & 15] ?? 0
    } else {
      target[at++] = BACKSLASH
      target[at++] = escape
    }
  }
  return at
}

/** The length of what writeJsonText writes. */
export function jsonLength(utf8: Buffer): number {
  let length = utf8.length
  for (let i = 0; i < utf8.length; i++) {
    const escape = ESCAPES[utf8[i] ?? 0] ?? 0
    if (escape !== 0) length += escape === ESCAPED_UNICODE ? JSON_GROWTH - 1 : 1
  }
  return length
}
