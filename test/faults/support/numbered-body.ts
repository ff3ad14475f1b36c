import { crc32 } from 'node:zlib'

/** What a message says of itself. */
export interface Numbered {
  readonly topic: string
  readonly producer: string
  readonly number: number
  /** Unix ms; 0 for none. */
  readonly dueMs: number
}

const CRC_DIGITS = 8

/**
 * A body that says who it is, and by its last word that nothing of it has changed.
 *
 * @param size - in bytes; more when it is too small for that
 */
export function encodeNumbered({ topic, producer, number, dueMs }: Numbered, size: number): string {
  const head = `${topic} ${producer} ${number} ${Math.ceil(dueMs)} `
  const room = size - head.length - CRC_DIGITS
  // Of the same words, so that no two messages have the same bytes anywhere.
  const text = room <= 0 ? head : head + head.repeat(Math.ceil(room / head.length)).slice(0, room)
  return text + hex(text)
}

/** Undefined when this is no such body, or a changed one. */
export function decodeNumbered(body: string): Numbered | undefined {
  const text = body.slice(0, -CRC_DIGITS)
  if (body.slice(-CRC_DIGITS) !== hex(text)) return undefined
  const [topic, producer, number, dueMs] = text.split(' ', 4)
  if (topic === undefined || producer === undefined) return undefined
  return { topic, producer, number: Number(number), dueMs: Number(dueMs) }
}

/** `TOPIC PRODUCER NUMBER`: what a message is called. */
export function nameOf({ topic, producer, number }: Omit<Numbered, 'dueMs'>): string {
  return `${topic} ${producer} ${number}`
}

function hex(text: string): string {
  return crc32(text).toString(16).padStart(CRC_DIGITS, '0')
}
