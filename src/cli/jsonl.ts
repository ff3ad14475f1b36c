/**
 * Messages as JSON lines: what `tail --json` prints and `pub --input jsonl` reads, byte for byte the same bodies.
 *
 *     {"topic":"t","id":"0a1b…","timestamp":"2026-01-02T15:04:05.123456789Z","attempts":1,"nsqd":"127.0.0.1:4150","body":"text"}
 *
 * A body that is not UTF-8 stands in `body_base64` instead of `body`.
 */
import { isUtf8 } from 'node:buffer'
import { errorText } from '../util/errors.ts'

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
export function encodeRecord({ topic, id, timestamp, attempts, nsqd, body }: MessageRecord): string {
  const text = isUtf8(body)
    ? `"body":${JSON.stringify(body.toString('utf8'))}`
    : `"body_base64":"${body.toString('base64')}"`
  const source = `"topic":"${topic}","id":"${id}","timestamp":"${formatTimestamp(timestamp)}"`
  return `{${source},"attempts":${attempts},"nsqd":${JSON.stringify(nsqd)},${text}}`
}

/** What publishing needs of a record; the rest belongs to the message that it was. */
export interface PublishRecord {
  topic: string | undefined
  body: Buffer
}

/** Reads one line. Throws a RangeError that says what is wrong. */
export function decodeRecord(line: Buffer): PublishRecord {
  const record = parseObject(line)
  const topic = record['topic']
  if (topic !== undefined && typeof topic !== 'string') throw new RangeError('"topic" is not a string')
  const body = record['body']
  const base64 = record['body_base64']
  if (typeof body === 'string' && base64 === undefined) return { topic, body: Buffer.from(body) }
  if (typeof base64 === 'string' && body === undefined) return { topic, body: decodeBase64(base64) }
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
