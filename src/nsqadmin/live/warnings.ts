import { errorText, NsqError } from '../../util/errors.ts'
import type { Warning } from '../live-types.ts'

/** What went wrong, as the page shows it. */
export function toWarning(error: unknown): Warning {
  if (error instanceof NsqError) return { message: error.message, remedy: error.remedy ?? null }
  return { message: errorText(error), remedy: null }
}
