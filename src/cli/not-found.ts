import { NsqError } from '../util/errors.ts'

/** That there is no such thing, and what may have been meant. */
export function notFound(
  code: string,
  message: string,
  near: readonly string[],
  otherwise?: string,
): NsqError {
  const remedy = near.length === 0 ? otherwise : `Did you mean ${near.join(', ')}?`
  return new NsqError(code, message, remedy === undefined ? {} : { remedy })
}
