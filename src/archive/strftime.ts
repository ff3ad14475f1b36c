/** Formats of dates as in C's strftime, with the specifiers that nsq_to_file knows. */

export type Zone = 'local' | 'utc'

/** The fields of a time in one zone. */
interface Fields {
  readonly date: Date
  readonly year: number
  /** 0 is January. */
  readonly month: number
  readonly day: number
  /** 0 is Sunday. */
  readonly weekday: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  /** East of UTC. */
  readonly offsetMinutes: number
  readonly zone: Zone
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

function padded(value: number, width: number, by = '0'): string {
  return String(value).padStart(width, by)
}

function twelve(hour: number): number {
  return hour % 12 === 0 ? 12 : hour % 12
}

function dayName({ weekday }: Fields): string {
  return DAYS[weekday] ?? ''
}

function monthName({ month }: Fields): string {
  return MONTHS[month] ?? ''
}

function dayOfYear({ year, month, day }: Fields): number {
  return (Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000 + 1
}

function offset({ offsetMinutes }: Fields): string {
  const minutes = Math.abs(offsetMinutes)
  return `${offsetMinutes < 0 ? '-' : '+'}${padded(Math.floor(minutes / 60), 2)}${padded(minutes % 60, 2)}`
}

function zoneName({ date, zone }: Fields): string {
  if (zone === 'utc') return 'UTC'
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}

const SPECIFIERS: Readonly<Record<string, (fields: Fields) => string>> = {
  '%': () => '%',
  a: fields => dayName(fields).slice(0, 3),
  A: dayName,
  b: fields => monthName(fields).slice(0, 3),
  B: monthName,
  d: ({ day }) => padded(day, 2),
  e: ({ day }) => padded(day, 2, ' '),
  f: ({ date }) => `${padded(date.getUTCMilliseconds(), 3)}000`,
  F: ({ year, month, day }) => `${padded(year, 4)}-${padded(month + 1, 2)}-${padded(day, 2)}`,
  H: ({ hour }) => padded(hour, 2),
  I: ({ hour }) => padded(twelve(hour), 2),
  j: fields => padded(dayOfYear(fields), 3),
  k: ({ hour }) => padded(hour, 2, ' '),
  l: ({ hour }) => padded(twelve(hour), 2, ' '),
  L: ({ date }) => padded(date.getUTCMilliseconds(), 3),
  m: ({ month }) => padded(month + 1, 2),
  M: ({ minute }) => padded(minute, 2),
  p: ({ hour }) => (hour < 12 ? 'AM' : 'PM'),
  s: ({ date }) => String(Math.floor(date.getTime() / 1000)),
  S: ({ second }) => padded(second, 2),
  T: ({ hour, minute, second }) => `${padded(hour, 2)}:${padded(minute, 2)}:${padded(second, 2)}`,
  u: ({ weekday }) => String(weekday === 0 ? 7 : weekday),
  w: ({ weekday }) => String(weekday),
  y: ({ year }) => padded(year % 100, 2),
  Y: ({ year }) => padded(year, 4),
  z: offset,
  Z: zoneName,
}

/**
 * Makes the function that formats times, in milliseconds since 1970. Names of days and months are English.
 *
 * | | |
 * | --- | --- |
 * | `%Y %y %m %d %e %j %F` | 2026, 26, 01, 02, ` 2`, 002 (day of the year), 2026-01-02 |
 * | `%H %I %k %l %p` | 15, 03, 15, ` 3`, PM |
 * | `%M %S %T %L %f` | 04, 05, 15:04:05, 123 (ms), 123000 (µs) |
 * | `%a %A %b %B %u %w` | Fri, Friday, Jan, January, 5 (Monday is 1), 5 (Sunday is 0) |
 * | `%s %z %Z %%` | seconds since 1970, +0100, EST or GMT+1, a percent sign |
 *
 * @throws RangeError naming the specifier that is none, or a `%` at the end
 */
export function compileStrftime(format: string, zone: Zone): (ms: number) => string {
  const pieces: (string | ((fields: Fields) => string))[] = []
  let end = 0
  for (const match of format.matchAll(/%([^]?)/gu)) {
    const [whole, letter = ''] = match
    const piece = Object.hasOwn(SPECIFIERS, letter) ? SPECIFIERS[letter] : undefined
    if (piece === undefined) throw badSpecifier(letter, format)
    pieces.push(format.slice(end, match.index), piece)
    end = match.index + whole.length
  }
  pieces.push(format.slice(end))
  return ms => {
    const fields = fieldsOf(new Date(ms), zone)
    let text = ''
    for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(fields)
    return text
  }
}

function badSpecifier(letter: string, format: string): RangeError {
  if (letter === '') return new RangeError(`"${format}" ends with a single %: write %% for a percent sign`)
  const known = Object.keys(SPECIFIERS).map(each => `%${each}`)
  return new RangeError(`"%${letter}" is not known: use ${known.join(' ')}`)
}

function fieldsOf(date: Date, zone: Zone): Fields {
  if (zone === 'utc') {
    return {
      date,
      year: date.getUTCFullYear(),
      month: date.getUTCMonth(),
      day: date.getUTCDate(),
      weekday: date.getUTCDay(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
      offsetMinutes: 0,
      zone,
    }
  }
  return {
    date,
    year: date.getFullYear(),
    month: date.getMonth(),
    day: date.getDate(),
    weekday: date.getDay(),
    hour: date.getHours(),
    minute: date.getMinutes(),
    second: date.getSeconds(),
    offsetMinutes: -date.getTimezoneOffset(),
    zone,
  }
}
