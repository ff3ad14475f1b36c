/** Groups: year, month, day, hour, minute, second, milliseconds, zone's sign, hours and minutes. */
const RFC_3339 =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(?:\.(\d{1,3})\d*)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/

/**
 * Reads a time as RFC 3339 has it, such as `2026-01-02T15:04:05.123+01:00`; a space may stand for the T, and letters be small.
 *
 * @returns milliseconds since 1970, what is finer cut off; undefined for what is no time, or before 1969
 */
export function parseRfc3339(text: string): number | undefined {
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
