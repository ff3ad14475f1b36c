/** Checks of what a daemon answered, each naming the place where the reply is not what it should be. */

/** A reply in a shape that was not expected. The message says where. */
export class ReplyShapeError extends Error {}

/** Any JSON object. A missing key reads as undefined. */
export function object(value: unknown, where: string): Partial<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  throw wrong(where, 'an object')
}

/** Go writes an empty list as null. */
export function array(value: unknown, where: string): unknown[] {
  if (value === null) return []
  if (Array.isArray(value)) return value
  throw wrong(where, 'a list')
}

export function strings(value: unknown, where: string): string[] {
  return array(value, where).map((item, index) => text(item, `${where}[${index}]`))
}

export function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  throw wrong(where, 'a string')
}

export function integer(value: unknown, where: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw wrong(where, 'an integer')
}

export function bool(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(where, 'true or false')
}

function wrong(where: string, expected: string): ReplyShapeError {
  return new ReplyShapeError(`${where} is not ${expected}`)
}
