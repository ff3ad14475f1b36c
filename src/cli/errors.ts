import { errorText, NsqError } from '../util/errors.ts'
import { OptionError } from '../util/option-values.ts'

/** The exit codes of every command; a second signal adds 128 + its number. */
export const ExitCode = { done: 0, failed: 1, usage: 2 } as const

/** The command line cannot be understood: exit code 2. */
export class UsageError extends NsqError {
  override readonly name = 'UsageError'

  constructor(message: string, remedy?: string) {
    super('E_USAGE', message, remedy === undefined ? {} : { remedy })
  }
}

/** Of a command that a signal stopped while it asked: who does not wait for an answer does not learn of what is down. */
export function stopped(): NsqError {
  return new NsqError('E_STOPPED', 'stopped before the daemons had answered')
}

export function exitCodeOf(error: unknown): number {
  const isUsage = error instanceof UsageError || error instanceof OptionError
  // The client's word for an option that cannot be used.
  return isUsage || (error instanceof NsqError && error.code === 'E_OPTION')
    ? ExitCode.usage
    : ExitCode.failed
}

/** What the user is told: what happened, and what to do about it where that is known. */
export function describeError(error: unknown): { message: string; remedy: string | undefined } {
  if (error instanceof NsqError) return { message: error.message, remedy: error.remedy }
  // An AggregateError's own message is empty where Node makes it (a connection tried at several addresses).
  if (error instanceof AggregateError && error.message === '') {
    return { message: error.errors.map(errorText).join('; '), remedy: undefined }
  }
  return { message: errorText(error) || 'failed', remedy: undefined }
}
