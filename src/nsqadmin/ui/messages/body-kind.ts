/** How a message body is best shown. */
import type { ShownMessage } from '../../live-types.ts'
import { bodyBytes, bodyText } from './bytes.ts'
import { jsonLines, type JsonLine } from './json-lines.ts'

export type Reading =
  | { kind: 'json'; text: string; lines: JsonLine[] }
  | { kind: 'text'; text: string }
  | { kind: 'binary'; text: string | undefined }

/** Bytes of a body that did not come with it, as only its beginning was asked for. */
export function bytesCut(message: Pick<ShownMessage, 'size'>, shown: Uint8Array): number {
  return Math.max(0, message.size - shown.length)
}

/** A text that is for the most part control characters is binary, too: UTF-16, or a protocol that happens to be ASCII. */
export function readBody(message: Pick<ShownMessage, 'body' | 'encoding' | 'size'>): Reading {
  const text = bodyText(message)
  if (text === undefined) return { kind: 'binary', text }
  const lines = jsonLines(text, bytesCut(message, bodyBytes(message)) > 0)
  if (lines !== undefined) return { kind: 'json', text, lines }
  return { kind: isMostlyControls(text) ? 'binary' : 'text', text }
}

function isMostlyControls(text: string): boolean {
  const sample = text.slice(0, 4096)
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  const controls = sample.match(/[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]/g)?.length ?? 0
  return controls > sample.length / 5
}
