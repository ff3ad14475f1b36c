const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['ns', 1e-6],
  ['us', 1e-3],
  ['µs', 1e-3], // U+00B5, micro sign
  ['μs', 1e-3], // U+03BC, Greek mu: Go takes both
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

// Written so that there is one way to read a run of digits: with two, a long one without a unit would take for ever.
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/**
 * Reads a duration in Go's syntax (`1m30s`, `250ms`, `1.5h`, `-2s`, `0`) and returns milliseconds, with fractions for
 * what is shorter.
 *
 * @throws RangeError naming the text when it is not a duration.
 */
export function parseDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  const digits = /^[-+]/.test(text) ? text.slice(1) : text
  if (digits === '0') return 0
  let total = 0
  let end = 0
  for (const part of digits.matchAll(PART)) {
    total += Number(part[1]) * (MS_PER_UNIT.get(part[2] ?? '') ?? Number.NaN)
    end = part.index + part[0].length
  }
  if (end === 0 || end !== digits.length || !Number.isFinite(total)) {
    throw new RangeError(`"${text}" is not a duration: write it like 250ms, 90s or 1m30s`)
  }
  return sign * total
}

/** Writes milliseconds as Go does: `1m0s`, `1.5s`, `250ms`, `0s`. Rounded to the nanosecond. */
export function formatDuration(ms: number): string {
  const sign = ms < 0 ? '-' : ''
  const ns = Math.round(Math.abs(ms) * 1e6)
  if (ns === 0) return '0s'
  if (ns < 1e3) return `${sign}${ns}ns`
  if (ns < 1e6) return `${sign}${ns / 1e3}µs`
  if (ns < 1e9) return `${sign}${ns / 1e6}ms`
  const hours = Math.floor(ns / 3.6e12)
  const minutes = Math.floor((ns % 3.6e12) / 6e10)
  const seconds = (ns % 6e10) / 1e9
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`
  if (minutes > 0) return `${sign}${minutes}m${seconds}s`
  return `${sign}${seconds}s`
}
