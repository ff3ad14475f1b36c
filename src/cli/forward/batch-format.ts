import { isUtf8 } from 'node:buffer'
import type { Message } from '../../client/consumer/message.ts'

export type BatchFormat = 'json' | 'ndjson' | 'lines'

export const CONTENT_TYPES = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  lines: 'text/plain; charset=utf-8',
} as const satisfies Record<BatchFormat, string>

const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

/** Whether a message can be in a batch of this format: in JSON, its body must be some. */
export function fits(format: BatchFormat, body: Buffer): boolean {
  if (format === 'lines') return true
  if (!isUtf8(body)) return false
  try {
    JSON.parse(body.toString())
    return true
  } catch {
    return false
  }
}

/**
 * The body of a request, from messages that fit:
 *
 *     json     [BODY,BODY,BODY]
 *     ndjson   BODY\nBODY\nBODY\n    line ends inside are spaces
 *     lines    BODY\nBODY\nBODY\n    as they are
 */
export function encodeBatch(format: BatchFormat, messages: readonly Message[]): Buffer {
  const isArray = format === 'json'
  const start = isArray ? 1 : 0
  let length = start
  for (const { body } of messages) length += body.length + 1
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = start
  for (const { body } of messages) {
    bytes.set(body, at)
    at += body.length
    bytes[at++] = SPACE
  }
  // Such bytes are outside of strings, where JSON has them escaped. Hardly ever there is one: all are looked at together.
  if (format === 'ndjson' && (bytes.includes(NEWLINE) || bytes.includes(RETURN))) flatten(bytes)
  at = start
  for (const { body } of messages) {
    at += body.length
    bytes[at++] = isArray ? COMMA : NEWLINE
  }
  if (isArray) {
    bytes[0] = OPEN
    bytes[at - 1] = CLOSE
  }
  return bytes
}

function flatten(bytes: Buffer): void {
  for (let at = 0; at < bytes.length; at++) {
    if (bytes[at] === NEWLINE || bytes[at] === RETURN) bytes[at] = SPACE
  }
}
