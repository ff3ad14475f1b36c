/** What may accompany an error: the error that led to it, and what the user can do about it. */
export interface NsqErrorOptions {
  cause?: unknown
  /** One sentence saying what to do next, shown after the message. */
  remedy?: string
}

/** The base of every error of ours that is not a protocol error: `code` is stable and documented, the message is not. */
export class NsqError extends Error {
  override readonly name: string = 'NsqError'
  readonly code: string
  readonly remedy: string | undefined

  constructor(code: string, message: string, options: NsqErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.remedy = options.remedy
  }
}

/** Where in its source OpenSSL has found it, around the reason. */
const OPENSSL = /[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):[^:]*:\d+:.*/s

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? error.message.replace(OPENSSL, '$1') : String(error)
  } catch {
    // An object without a prototype, or one whose own code throws.
    return 'something that has no text'
  }
}

/** Anything that was thrown, as an error. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(errorText(error))
}
