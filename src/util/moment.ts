import { parseDuration } from './duration.ts'
import { parseRfc3339 } from './rfc3339.ts'

const DAY_MS = 86_400_000
/** What a Date can hold, but for a day, as zones shift it. */
const FARTHEST_MS = 8.64e15 - DAY_MS

/** Groups: date, hours and minutes, seconds with their fraction, zone. */
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(?::(\d{2}(?:\.\d+)?))?([Zz]|[+-]\d{2}:\d{2})?)?$/

/**
 * Reads a point in time as a person says it: how long ago (`1h`, `1h30m ago`, `7d`; a day has 24 hours), a date, or a date
 * and a time. Without a zone they are those of this machine, and a date is its midnight: `2026-01-02`, `2026-01-02 15:04`,
 * `2026-01-02T15:04:05.123Z`. Also `now`.
 *
 * @param now - milliseconds since 1970
 * @returns milliseconds since 1970, what is finer cut off
 * @throws RangeError naming the text
 */
export function parseMoment(text: string, now: number): number {
  const trimmed = text.trim()
  if (trimmed === 'now') return now
  const found = parseDate(trimmed) ?? ago(trimmed, now)
  if (found !== undefined && Math.abs(found) <= FARTHEST_MS) return found
  throw new RangeError(
    `"${text}" is not a time: write it like 90m or 7d (ago), 2026-01-02, 2026-01-02T15:04 or 2026-01-02T15:04:05Z`,
  )
}

/** As RFC 3339 has it, in the zone of this machine: `2026-01-02T15:04:05+01:00`. Milliseconds only where there are some. */
export function formatMoment(ms: number): string {
  const offset = -new Date(ms).getTimezoneOffset()
  const local = new Date(ms + offset * 60_000).toISOString().replace(/(\.000)?Z$/, '')
  if (offset === 0) return `${local}Z`
  const minutes = Math.abs(offset)
  return `${local}${offset < 0 ? '-' : '+'}${twoDigits(minutes / 60)}:${twoDigits(minutes % 60)}`
}

function twoDigits(number: number): string {
  return String(Math.trunc(number)).padStart(2, '0')
}

function parseDate(text: string): number | undefined {
  const [, date, time = '00:00', seconds = '00', zone] = DATE.exec(text) ?? []
  if (date === undefined) return undefined
  const utc = parseRfc3339(`${date}T${time}:${seconds}${zone ?? 'Z'}`)
  if (utc === undefined || zone !== undefined) return utc
  // The same numbers, read as local ones.
  const its = new Date(utc)
  const local = new Date(its.getUTCFullYear(), its.getUTCMonth(), its.getUTCDate())
  local.setHours(its.getUTCHours(), its.getUTCMinutes(), its.getUTCSeconds(), its.getUTCMilliseconds())
  return local.getTime()
}

function ago(text: string, now: number): number | undefined {
  const [, days, rest = ''] = /^-?(?:(\d+(?:\.\d+)?)d)?([^-]*?)(?:\s+ago)?$/.exec(text) ?? []
  if (days === undefined && rest === '') return undefined
  try {
    return Math.floor(now - Number(days ?? 0) * DAY_MS - parseDuration(rest === '' ? '0' : rest))
  } catch {
    return undefined
  }
}
