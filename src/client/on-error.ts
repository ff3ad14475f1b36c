import { errorText, type NsqError } from '../util/errors.ts'
import { promiseOf } from '../util/promise.ts'

/**
 * The program's `onError`, which must not throw: when it does so all the same, or its promise rejects, the process warns,
 * and what was going on goes on.
 */
export function guarded(onError: (error: NsqError) => unknown): (error: NsqError) => void {
  return told => {
    try {
      promiseOf(onError(told))?.then(undefined, warn)
    } catch (thrown) {
      warn(thrown)
    }
  }
}

function warn(thrown: unknown): void {
  process.emitWarning(`onError failed: ${errorText(thrown)}`, { type: 'NsqWarning', code: 'E_ON_ERROR' })
}
