/**
 * What the text of an option stands for. Each of these throws a RangeError that says what is wrong with which text, and
 * leaves it to the caller to say where the text came from.
 */
import { parseAddress } from './address.ts'

/** What a number may be, both ends included. */
export interface Range {
  min?: number
  max?: number
}

export function parseInteger(text: string): number {
  // Go's flag package also takes 0x10 and 1_000.
  const plain = text.trim().replaceAll(/(?<=[0-9a-f])_(?=[0-9a-f])/gi, '')
  const value = /^[+-]?\d+$|^0x[0-9a-f]+$/i.test(plain) ? Number(plain) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new RangeError(`${quote(text)} is not a whole number`)
  return value
}

export function parseFloatStrictly(text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN
  if (!Number.isFinite(value)) throw new RangeError(`${quote(text)} is not a number`)
  return value
}

/** The words of Go's strconv.ParseBool, and yes/no, on/off. */
export function parseBoolean(text: string): boolean {
  if (/^(1|t|true|yes|on)$/i.test(text)) return true
  if (/^(0|f|false|no|off)$/i.test(text)) return false
  throw new RangeError(`${quote(text)} is not true or false`)
}

/** Letter case is ignored; the value is always spelt as in `choices`. */
export function parseChoice<C extends string>(text: string, choices: readonly C[]): C {
  const found = choices.find(allowed => allowed.toLowerCase() === text.toLowerCase())
  if (found === undefined) throw new RangeError(`${quote(text)} is not one of ${choices.join(', ')}`)
  return found
}

export function checkAddress(text: string, defaultPort?: number): string {
  const { port } = parseAddress(text, defaultPort)
  // A port that was missing is written out, so that whoever reads the text later needs no default.
  return defaultPort === undefined || text.endsWith(`:${port}`) ? text : `${text}:${port}`
}

export function inRange(
  text: string,
  value: number,
  { min, max }: Range = {},
  format: (n: number) => string,
): number {
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return value
  const allowed =
    min !== undefined && max !== undefined
      ? `between ${format(min)} and ${format(max)}`
      : min !== undefined
        ? `at least ${format(min)}`
        : `at most ${format(max ?? 0)}`
  throw new RangeError(`${quote(text)} is out of range: it must be ${allowed}`)
}

function quote(text: string): string {
  return JSON.stringify(text)
}
