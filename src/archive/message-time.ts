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
    typeof value === 'number' ? fromNumber(value) : typeof value === 'string' ? fromText(value) : undefined
  return ms !== undefined && ms >= 0 && ms < YEAR_10000_MS ? ms : undefined
}

function fromNumber(value: number): number {
  if (value < 1e11) return Math.floor(value * 1000)
  if (value < 1e14) return Math.floor(value)
  return Math.floor(value / (value < 1e17 ? 1e3 : 1e6))
}

/** Groups: year, month, day, hour, minute, second, milliseconds, zone's sign, hours and minutes. */
const RFC_3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d{1,3})\d*)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/

function fromText(text: string): number | undefined {
  const match = RFC_3339.exec(text)
  if (match === null) return undefined
  const number = (group: number): number => Number(match[group] ?? 0)
  const [year, month, day] = [number(1), number(2), number(3)]
  // Date takes the years before 100 for those of the last century.
  if (year < 1969) return undefined
  const midnight = Date.UTC(year, month - 1, day)
  // The 30th of February would be in March.
  if (new Date(midnight).getUTCDate() !== day) return undefined
  const seconds = number(4) * 3600 + number(5) * 60 + number(6)
  const offset = (number(9) * 60 + number(10)) * (match[8] === '-' ? -60 : 60)
  return midnight + (seconds - offset) * 1000 + Number((match[7] ?? '0').padEnd(3, '0'))
}
