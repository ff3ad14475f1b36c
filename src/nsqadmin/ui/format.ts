/** How the page writes numbers and times. Always the same way, whatever the language: beside names and logs in English. */

export const UNKNOWN = '–'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const SUFFIXES = ['', 'k', 'M', 'G', 'T', 'P']

/** `1,234,567` */
export function count(value: number): string {
  return grouped.format(value)
}

/** At most seven characters, for narrow columns: whole up to 99,999, then `123k`, `1.23M`. */
export function compact(value: number): string {
  if (Math.abs(value) < 100_000) return count(value)
  return scaled(value)
}

/** Of a tile: whole up to 9,999,999. */
export function large(value: number): string {
  return Math.abs(value) < 10_000_000 ? count(value) : scaled(value)
}

/** Of an axis: `0`, `500`, `1.5k`, `20M`. */
export function axisNumber(value: number): string {
  if (Math.abs(value) < 1_000) return String(Number(value.toPrecision(3)))
  return scaled(value)
}

function scaled(value: number): string {
  let rest = Math.abs(value)
  let power = 0
  while (rest >= 999.5 && power < SUFFIXES.length - 1) {
    rest /= 1_000
    power++
  }
  return `${value < 0 ? '-' : ''}${Number(rest.toPrecision(3))}${SUFFIXES[power] ?? ''}`
}

/** A second, without its unit: `0`, `0.4`, `37`, `12,345`, `1.2M`; `–` when not known yet. */
export function rate(value: number | null): string {
  if (value === null) return UNKNOWN
  if (value === 0) return '0'
  if (value < 0.05) return '<0.1'
  if (value < 9.95) return value.toFixed(1)
  return compact(Math.round(value))
}

/** `1 message`, `1,234 messages` */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** `640 B`, `1.5 KiB`, `12 MiB` */
export function bytes(value: number): string {
  if (value < 1_024) return `${count(value)} B`
  let rest = value
  let unit = ''
  for (unit of ['KiB', 'MiB', 'GiB', 'TiB']) {
    rest /= 1_024
    if (rest < 1_000) break
  }
  return `${Number(rest.toPrecision(3))} ${unit}`
}

/** A latency: `0.42 ms`, `37 ms`, `1.2 s`, `3 min 5 s` */
export function milliseconds(value: number): string {
  if (value < 10) return `${Number(value.toFixed(2))} ms`
  if (value < 999.5) return `${Math.round(value)} ms`
  if (value < 9_950) return `${(value / 1_000).toFixed(1)} s`
  return duration(value)
}

/** Its two largest units: `0 s`, `45 s`, `3 min 20 s`, `2 h 5 min`, `12 d 4 h` */
export function duration(ms: number): string {
  let rest = Math.max(0, Math.round(ms / 1_000))
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const times = Math.floor(rest / seconds)
    rest -= times * seconds
    if (times > 0) parts.push(`${times} ${unit}`)
    else if (parts.length === 1) break
    if (parts.length === 2) break
  }
  return parts.join(' ') || '0 s'
}

/** `14:03:27`, here. */
export function clock(time: number): string {
  return new Date(time).toTimeString().slice(0, 8)
}

/** `2026-03-01 14:03:27`, here. */
export function dateTime(time: number): string {
  const date = new Date(time)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(time)}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** `p99`, `p99.9` */
export function percentile(quantile: number): string {
  return `p${Number((quantile * 100).toPrecision(6))}`
}
