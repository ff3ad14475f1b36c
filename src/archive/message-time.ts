import { parseRfc3339 } from '../util/rfc3339.ts'
import type { ArchivedMessage } from './message.ts'

/** Says when messages were made. */
export interface MessageTime {
  /** Milliseconds since 1970. */
  ms(message: ArchivedMessage): number
  /** Messages whose field was not there or no time, so that their own timestamp had to do. */
  readonly missing: number
}

/**
 * The time of messages: when nsqd took them, or what a field of their body says, which is a JSON object. A time is text as
 * in RFC 3339 (`2026-01-02T15:04:05.123+01:00`), or a number since 1970: of seconds, milliseconds, microseconds or
 * nanoseconds, as its magnitude tells (below 1e11, 1e14, 1e17). Years from 1970 to 9999.
 *
 * @param field - a name, or names with dots for objects in objects
 */
export function messageTime(field?: string): MessageTime {
  if (field === undefined) return { ms: timestampMs, missing: 0 }
  return new FieldTime(field)
}

function timestampMs({ timestamp }: ArchivedMessage): number {
  return Number(timestamp / 1_000_000n)
}

class FieldTime implements MessageTime {
  missing = 0
  readonly #field: string
  readonly #path: readonly string[]

  constructor(field: string) {
    this.#field = field
    this.#path = field.split('.')
  }

  ms(message: ArchivedMessage): number {
    const ms = parseTime(this.#value(message.body))
    if (ms !== undefined) return ms
    this.missing++
    return timestampMs(message)
  }

  #value(body: Buffer): unknown {
    let value: unknown
    try {
      value = JSON.parse(body.toString('utf8'))
    } catch {
      return undefined
    }
    // A name may have dots itself.
    const whole = property(value, this.#field)
    if (whole !== undefined) return whole
    for (const name of this.#path) value = property(value, name)
    return value
  }
}

function property(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}

const YEAR_10000_MS = 253_402_300_800_000

/** Milliseconds since 1970; undefined for what is no time. */
function parseTime(value: unknown): number | undefined {
  const ms =
    typeof value === 'number'
      ? fromNumber(value)
      : typeof value === 'string'
        ? parseRfc3339(value)
        : undefined
  return ms !== undefined && ms >= 0 && ms < YEAR_10000_MS ? ms : undefined
}

function fromNumber(value: number): number {
  if (value < 1e11) return Math.floor(value * 1000)
  if (value < 1e14) return Math.floor(value)
  return Math.floor(value / (value < 1e17 ? 1e3 : 1e6))
}
