import { HttpError } from '../../http/error.ts'
import type { HttpRequest } from '../../http/router.ts'

const MAX_BODY = 64 * 1024

/**
 * The texts of a JSON object that is a request's body, whatever its Content-Type; those that are missing are empty.
 *
 * @throws HttpError 400 INVALID_BODY, 413 BODY_TOO_BIG
 */
export async function readTexts<K extends string>(
  request: HttpRequest,
  keys: readonly K[],
): Promise<Record<K, string>> {
  const body = (await request.readBody(MAX_BODY)).toString()
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // Refused below, with what is JSON and no object.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HttpError(400, 'INVALID_BODY')
  }
  const given = new Map(Object.entries(value))
  const texts = keys.map((key): [K, string] => {
    const text: unknown = given.get(key) ?? ''
    if (typeof text !== 'string') throw new HttpError(400, 'INVALID_BODY')
    return [key, text]
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of exactly these keys
  return Object.fromEntries(texts) as Record<K, string>
}
