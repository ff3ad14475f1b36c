import { CHUNK_BYTES, type Chunks } from './chunks.ts'
import { appendRecord } from './jsonl.ts'
import type { ArchivedMessage } from './message.ts'

/**
 * How the messages of a file are told apart:
 *
 * - `lines`: each body as it is, and a newline. A body with newlines reads as several
 * - `escaped`: the same, with `\\`, `\n` and `\r` for the backslash, newline and carriage return of a body
 * - `jsonl`: each a JSON object in a line, with its id and the like (see jsonl.ts)
 * - `length`: the length of the body, 4 bytes big-endian, and the body
 */
export type FramingName = 'lines' | 'escaped' | 'jsonl' | 'length'

/** Makes records of messages. This runs for every message. */
export interface RecordFormat {
  readonly name: FramingName
  /** Adds one record. A large body is not copied: its memory stays in use as long as `out` has it. */
  append(message: ArchivedMessage, out: Chunks): void
}

export function recordFormat(name: FramingName): RecordFormat {
  return FORMATS[name]
}

const NEWLINE = 0x0a
const RETURN = 0x0d
const BACKSLASH = 0x5c
const LETTER_N = 0x6e
const LETTER_R = 0x72

const FORMATS: Readonly<Record<FramingName, RecordFormat>> = {
  lines: {
    name: 'lines',
    append({ body }, out) {
      out.add(body)
      out.addByte(NEWLINE)
      out.end()
    },
  },
  escaped: {
    name: 'escaped',
    append({ body }, out) {
      if (isPlain(body)) {
        out.add(body)
      } else if (body.length <= CHUNK_BYTES / 2) {
        out.reserve(body.length * 2)
        out.at = writeEscaped(body, out.buffer, out.at)
      } else {
        addLargeEscaped(body, out)
      }
      out.addByte(NEWLINE)
      out.end()
    },
  },
  jsonl: {
    name: 'jsonl',
    append(message, out) {
      appendRecord(message, out)
      out.addByte(NEWLINE)
      out.end()
    },
  },
  length: {
    name: 'length',
    append({ body }, out) {
      out.reserve(4)
      out.at = out.buffer.writeUInt32BE(body.length, out.at)
      out.add(body)
      out.end()
    },
  },
}

/** Three searches are several times faster than a look at each byte. */
function isPlain(body: Buffer): boolean {
  return body.indexOf(NEWLINE) === -1 && body.indexOf(BACKSLASH) === -1 && body.indexOf(RETURN) === -1
}

/** Returns where the escaped bytes end. There must be room for twice the body. */
function writeEscaped(body: Buffer, target: Buffer, start: number): number {
  let at = start
  for (let i = 0; i < body.length; i++) {
    const byte = body[i] ?? 0
    if (byte === NEWLINE || byte === RETURN || byte === BACKSLASH) {
      target[at++] = BACKSLASH
      target[at++] = byte === NEWLINE ? LETTER_N : byte === RETURN ? LETTER_R : BACKSLASH
    } else {
      target[at++] = byte
    }
  }
  return at
}

function addLargeEscaped(body: Buffer, out: Chunks): void {
  let escapes = 0
  for (let i = 0; i < body.length; i++) {
    const byte = body[i]
    if (byte === NEWLINE || byte === RETURN || byte === BACKSLASH) escapes++
  }
  const escaped = Buffer.allocUnsafeSlow(body.length + escapes)
  writeEscaped(body, escaped, 0)
  out.add(escaped)
}
