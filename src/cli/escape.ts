import { isUtf8 } from 'node:buffer'

/**
 * Reads the escapes that shells leave alone, so that any byte can stand on a command line: `\n \r \t \0 \\` and `\x1e`.
 *
 * @throws RangeError naming the escape that is none.
 */
export function unescapeBytes(text: string): Buffer {
  const parts: Buffer[] = []
  let end = 0
  for (const match of text.matchAll(/\\(x[0-9a-f]{2}|[\s\S]?)/gi)) {
    parts.push(Buffer.from(text.slice(end, match.index)), Buffer.of(escapedByte(match[1] ?? '')))
    end = match.index + match[0].length
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(end))])
}

const SIMPLE: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '0': 0, '\\': 92 }

function escapedByte(escape: string): number {
  const byte = escape.length === 3 ? Number.parseInt(escape.slice(1), 16) : SIMPLE[escape]
  if (byte === undefined) {
    throw new RangeError(`"\\${escape}" is not an escape: use \\n, \\r, \\t, \\0, \\\\ or \\x1e`)
  }
  return byte
}

/**
 * A message body for a terminal: control characters (which move the cursor, change the title, and worse) and bytes that
 * are not UTF-8 become `\x1b`; newlines and tabs stay.
 */
export function printable(bytes: Buffer): string {
  // U+FFFD is what an invalid byte decodes to: only then are the bytes looked at one by one.
  const text = bytes.toString('utf8')
  return (text.includes('\uFFFD') ? escapeInvalid(bytes) : text).replace(
    /(?![\n\t])[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    hex,
  )
}

/** Text of a daemon on one line, with nothing in it that moves the cursor or is wider than a character. */
export function oneLine(text: string): string {
  return printable(Buffer.from(text)).replaceAll(/[^\x20-\x7e]/gu, character =>
    /\s/.test(character) ? ' ' : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
}

/** What went wrong, on one line; of URLs without their queries. */
export function errorLine({ message }: Error): string {
  return oneLine(message).replaceAll(/(https?:\/\/[^\s?]+)\?\S*/g, '$1')
}

/** Decodes as much as is UTF-8; each other byte becomes `\xff`. */
function escapeInvalid(bytes: Buffer): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    text +=
      length === 0 ? hex(String.fromCharCode(bytes.readUInt8(at))) : bytes.toString('utf8', at, at + length)
    at += Math.max(1, length)
  }
  return text
}

/** Bytes of the UTF-8 sequence that begins here, 0 when none does. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes.readUInt8(at)
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  const sequence = bytes.subarray(at, at + length)
  return isUtf8(sequence) ? length : 0
}

function hex(character: string): string {
  const code = character.charCodeAt(0)
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
}
