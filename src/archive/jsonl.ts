/**
 * Messages as JSON lines: what `tail --json` prints, `archive --output-format jsonl` writes and `pub --input jsonl` reads,
 * byte for byte the same bodies.
 *
 *     {"topic":"t","id":"0a1b…","timestamp":"2026-01-02T15:04:05.123456789Z","attempts":1,"nsqd":"127.0.0.1:4150","body":"text"}
 *
 * A body that is not UTF-8 stands in `body_base64` instead of `body`.
 */
import { isUtf8 } from 'node:buffer'
import { errorText } from '../util/errors.ts'
import { CHUNK_BYTES, type Chunks } from './chunks.ts'
import { JSON_GROWTH, jsonLength, writeJsonText } from './json-text.ts'

export interface MessageRecord {
  topic: string
  id: string
  /** Nanoseconds since 1970. */
  timestamp: bigint
  attempts: number
  /** The address of the nsqd that it came from. */
  nsqd: string
  body: Buffer
}

/** One line, without its newline. */
export function encodeRecord(message: Readonly<MessageRecord>): string {
  const { body } = message
  const text = isUtf8(body)
    ? `"body":${JSON.stringify(body.toString('utf8'))}`
    : `"body_base64":"${body.toString('base64')}"`
  return `${head(message)}${text}}`
}

/** The same bytes, without making a string of the body. */
export function appendRecord(message: Readonly<MessageRecord>, out: Chunks): void {
  const { body } = message
  if (!isUtf8(body)) {
    appendText(`${head(message)}"body_base64":"${body.toString('base64')}"}`, out)
    return
  }
  appendText(`${head(message)}"body":"`, out)
  if (body.length <= CHUNK_BYTES / JSON_GROWTH) {
    out.reserve(body.length * JSON_GROWTH)
    out.at = writeJsonText(body, out.buffer, out.at)
  } else {
    const length = jsonLength(body)
    const text = length === body.length ? body : Buffer.allocUnsafeSlow(length)
    if (text !== body) writeJsonText(body, text, 0)
    out.add(text)
  }
  out.reserve(2)
  out.at = out.buffer.writeUInt16BE(QUOTE_AND_BRACE, out.at)
}

const QUOTE_AND_BRACE = 0x227d

function appendText(text: string, out: Chunks): void {
  // A character has at most three bytes for each unit of its string.
  if (text.length * 3 > CHUNK_BYTES) {
    out.add(Buffer.from(text))
    return
  }
  out.reserve(text.length * 3)
  out.at += out.buffer.write(text, out.at)
}

let lastNsqd = ''
let lastNsqdText = '""'

function head({ topic, id, timestamp, attempts, nsqd }: Readonly<MessageRecord>): string {
  // Messages come in runs from the same nsqd.
  if (nsqd !== lastNsqd) {
    lastNsqdText = JSON.stringify(nsqd)
    lastNsqd = nsqd
  }
  const source = `"topic":"${topic}","id":"${id}","timestamp":"${formatTimestamp(timestamp)}"`
  return `{${source},"attempts":${attempts},"nsqd":${lastNsqdText},`
}

/** What publishing needs of a record; the rest belongs to the message that it was. */
export interface PublishRecord {
  topic: string | undefined
  /** When the message was published, as it says. */
  timestamp: string | undefined
  body: Buffer
}

/** Reads one line. Throws a RangeError that says what is wrong. */
export function decodeRecord(line: Buffer): PublishRecord {
  const record = parseObject(line)
  const topic = record['topic']
  if (topic !== undefined && typeof topic !== 'string') throw new RangeError('"topic" is not a string')
  const body = record['body']
  const base64 = record['body_base64']
  const time = record['timestamp']
  const head = { topic, timestamp: typeof time === 'string' ? time : undefined }
  if (typeof body === 'string' && base64 === undefined) return { ...head, body: Buffer.from(body) }
  if (typeof base64 === 'string' && body === undefined) return { ...head, body: decodeBase64(base64) }
  if (body === undefined && base64 === undefined) throw new RangeError('neither "body" nor "body_base64"')
  if (body !== undefined && base64 !== undefined) throw new RangeError('both "body" and "body_base64"')
  throw new RangeError(`"${body === undefined ? 'body_base64' : 'body'}" is not a string`)
}

function parseObject(line: Buffer): Readonly<Record<string, unknown>> {
  // Decoding would replace what is not UTF-8, and publish something else than was given.
  if (!isUtf8(line)) throw new RangeError('not UTF-8')
  let value: unknown
  try {
    value = JSON.parse(line.toString('utf8'))
  } catch (error) {
    throw new RangeError(`not JSON (${errorText(error)})`, { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RangeError('not a JSON object')
  }
  return { ...value }
}

function decodeBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  // Buffer skips what is not base64; an encoder gives the same text back only for what is.
  if (bytes.toString('base64') !== text) throw new RangeError('"body_base64" is not base64')
  return bytes
}

let lastSecond = -1n
let lastSecondText = ''

/** RFC 3339 in UTC with all nine digits of nanoseconds, which a JSON number would lose. */
export function formatTimestamp(ns: bigint): string {
  const second = ns / 1_000_000_000n
  // Messages come in runs of the same second.
  if (second !== lastSecond) {
    lastSecondText = new Date(Number(second) * 1000).toISOString().slice(0, -'.000Z'.length)
    lastSecond = second
  }
  return `${lastSecondText}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}
