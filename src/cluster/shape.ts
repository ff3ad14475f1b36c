/** Checks of what a daemon answered, each naming the place where the reply is not what it should be. */

/** A reply in a shape that was not expected. The message says where in the reply. */
export class ReplyShapeError extends Error {
  /** What was asked. */
  where: string | undefined = undefined
}

/** Any JSON object. A missing key reads as undefined. */
export function object(value: unknown, where: string): Partial<Record<string, unknown>> {
  if (isObject(value)) return value
  throw wrong(where, 'an object')
}

function isObject(value: unknown): value is Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Go writes an empty list as null. */
export function array(value: unknown, where: string): unknown[] {
  if (value === null) return []
  if (Array.isArray(value)) return value
  throw wrong(where, 'a list')
}

/**
 * Reads a list of objects. `read` names places within an object; where the object is in the list is put in front only
 * when something is wrong: /stats has tens of thousands of them.
 */
export function each<T>(
  value: unknown,
  where: string,
  read: (item: Partial<Record<string, unknown>>) => T,
): T[] {
  return array(value, where).map((item, index) => {
    if (!isObject(item)) throw wrong(`${where}[${index}]`, 'an object')
    try {
      return read(item)
    } catch (error) {
      if (error instanceof ReplyShapeError) error.message = `${where}[${index}].${error.message}`
      throw error
    }
  })
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

export function number(value: unknown, where: string): number {
  if (typeof value === 'number') return value
  throw wrong(where, 'a number')
}

export function bool(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(where, 'true or false')
}

function wrong(where: string, expected: string): ReplyShapeError {
  return new ReplyShapeError(`${where} is not ${expected}`)
}
