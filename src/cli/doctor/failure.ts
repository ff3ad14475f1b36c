import { errorText, NsqError } from '../../util/errors.ts'
import type { Failure } from './facts.ts'

/** Anything thrown, with the code of the system where that is behind it, which says more than ours. */
export function failureOf(error: unknown): Failure {
  const message = errorText(error)
  const remedy = error instanceof NsqError ? error.remedy : undefined
  const code = systemCode(error) ?? (error instanceof NsqError ? error.code : 'E_INTERNAL')
  return { code, message, ...(remedy === undefined ? {} : { remedy }) }
}

/** Our own codes begin with `E_`; those of Node, OpenSSL and the system do not. */
function systemCode(error: unknown): string | undefined {
  let at = error
  for (let depth = 0; at instanceof Error && depth < 10; depth++) {
    if ('code' in at && typeof at.code === 'string' && !at.code.startsWith('E_')) return at.code
    // Of a name with several addresses.
    const next: unknown = at instanceof AggregateError ? at.errors[0] : at.cause
    at = next
  }
  return undefined
}
