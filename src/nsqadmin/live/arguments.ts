import { HttpError } from '../../http/error.ts'

/** No name of anything is longer; what is longer is not even looked for. */
const MAX_NAME = 300

/** @throws HttpError 400 MISSING_ARG_… or INVALID_ARG_… */
export function nameArgument(query: URLSearchParams, name: string): string {
  const value = optionalName(query, name)
  if (value === undefined) throw new HttpError(400, `MISSING_ARG_${name.toUpperCase()}`)
  return value
}

export function optionalName(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)
  if (value === null || value === '') return undefined
  if (value.length > MAX_NAME) throw new HttpError(400, `INVALID_ARG_${name.toUpperCase()}`)
  return value
}

/** @throws HttpError 400 INVALID_ARG_… when it is not an integer of the range */
export function integerArgument(
  query: URLSearchParams,
  name: string,
  fallback: number,
  min: number,
  max: number,
): number {
  const text = query.get(name)
  if (text === null || text === '') return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new HttpError(400, `INVALID_ARG_${name.toUpperCase()}`)
  }
  return value
}
