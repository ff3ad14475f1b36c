/** What somebody is about to publish, looked at while it is typed. */
import { count } from '../format.ts'
import { parseDuration } from '../../../util/duration.ts'
import { bytesOfBase64, bytesOfText } from './bytes.ts'

export type DraftMode = 'text' | 'base64' | 'lines'

export interface DraftReport {
  /** How many messages it will be. */
  messages: number
  /** Bytes of their bodies together. */
  bytes: number
  /** Bytes of the largest. */
  largest: number
  /** Why it cannot be published. */
  problem: string | undefined
  /** What looks like JSON, and whether it is: said, not insisted on. */
  json: { valid: boolean; text: string } | undefined
}

export function reportOn(body: string, mode: DraftMode): DraftReport {
  if (mode === 'base64') return reportOnBase64(body)
  if (mode === 'lines') return reportOnLines(body)
  const bytes = bytesOfText(body).length
  const problem = body === '' ? 'A message has at least one byte.' : undefined
  return { messages: problem === undefined ? 1 : 0, bytes, largest: bytes, problem, json: jsonOf(body) }
}

function reportOnBase64(body: string): DraftReport {
  const text = body.replace(/\s+/g, '')
  const none = { messages: 0, bytes: 0, largest: 0, json: undefined }
  if (text === '') return { ...none, problem: 'A message has at least one byte.' }
  const strange = /[^A-Za-z0-9+/=]/.exec(text)?.[0]
  if (strange !== undefined) return { ...none, problem: `“${strange}” is not a character of base64.` }
  if (!/^[^=]*={0,2}$/.test(text) || text.length % 4 !== 0) {
    return {
      ...none,
      problem: 'This is not whole: base64 comes in groups of four characters, the last padded with =.',
    }
  }
  const bytes = bytesOfBase64(text).length
  return { messages: 1, bytes, largest: bytes, problem: undefined, json: undefined }
}

function reportOnLines(body: string): DraftReport {
  const lines = messageLines(body)
  const sizes = lines.map(line => bytesOfText(line).length)
  return {
    messages: lines.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    largest: sizes.reduce((most, size) => Math.max(most, size), 0),
    problem: lines.length === 0 ? 'A message has at least one byte.' : undefined,
    json: jsonOfLines(lines),
  }
}

/** The lines that become messages: empty ones do not. */
export function messageLines(body: string): string[] {
  return body.split('\n').filter(line => line !== '')
}

function jsonOf(text: string): DraftReport['json'] {
  if (!/^\s*[[{]/.test(text)) return undefined
  const error = jsonError(text)
  return error === undefined
    ? { valid: true, text: 'valid JSON' }
    : { valid: false, text: `not JSON: ${error}` }
}

function jsonOfLines(lines: readonly string[]): DraftReport['json'] {
  const like = lines.map((line, i) => ({ line, number: i + 1 })).filter(({ line }) => /^\s*[[{]/.test(line))
  if (like.length === 0) return undefined
  const wrong = like.find(({ line }) => jsonError(line) !== undefined)
  if (wrong === undefined) return { valid: true, text: 'valid JSON' }
  return { valid: false, text: `message ${wrong.number} is not JSON: ${jsonError(wrong.line)}` }
}

function jsonError(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Milliseconds of what was typed for "deferred by": `90s`, `1m30s`, or a number of seconds; empty is none. */
export function readDelay(text: string): { ms: number } | { problem: string } {
  const trimmed = text.trim()
  if (trimmed === '') return { ms: 0 }
  try {
    const ms = /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) * 1000 : parseDuration(trimmed)
    return ms < 0 ? { problem: 'A message cannot be due in the past.' } : { ms: Math.round(ms) }
  } catch {
    return { problem: 'Write it like 90s, 1m30s or 2h.' }
  }
}

/** What nsqadmin takes at once; with a delay each message is a request of its own. */
const MOST = 10_000
const MOST_DEFERRED = 100

/** Whether it is more than nsqadmin takes. */
export function tooMany(messages: number, delayMs: number): string | undefined {
  if (messages > MOST) return `${count(messages)} messages: at most ${count(MOST)} go at once.`
  if (delayMs > 0 && messages > MOST_DEFERRED)
    return `${count(messages)} messages: at most ${count(MOST_DEFERRED)} deferred ones go at once.`
  return undefined
}
