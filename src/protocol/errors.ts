/** The codes an NSQ daemon answers with, and `E_BAD_FRAME`, our own for a peer whose frames make no sense. */
export type ProtocolErrorCode =
  | 'E_AUTH_DISABLED'
  | 'E_AUTH_FAILED'
  | 'E_AUTH_FIRST'
  | 'E_BAD_BODY'
  | 'E_BAD_CHANNEL'
  | 'E_BAD_FRAME'
  | 'E_BAD_MESSAGE'
  | 'E_BAD_PROTOCOL'
  | 'E_BAD_TOPIC'
  | 'E_DPUB_FAILED'
  | 'E_FIN_FAILED'
  | 'E_IDENTIFY_FAILED'
  | 'E_INVALID'
  | 'E_MPUB_FAILED'
  | 'E_PUB_FAILED'
  | 'E_REQ_FAILED'
  | 'E_SUB_FAILED'
  | 'E_TOUCH_FAILED'
  | 'E_UNAUTHORIZED'

/**
 * What a peer did against the protocol. Official nsqd answers with `frameText` in an error frame and, when the
 * error is fatal, closes the connection; only FIN, REQ and TOUCH of a message that is not in flight are not fatal.
 */
export class ProtocolError extends Error {
  override readonly name: string = 'ProtocolError'
  readonly code: ProtocolErrorCode
  readonly fatal: boolean

  constructor(code: ProtocolErrorCode, text = '', options: { fatal?: boolean; cause?: unknown } = {}) {
    super(text === '' ? code : text, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.fatal = options.fatal ?? true
  }

  /** The error as it goes over the wire: the code, and the text when there is one. */
  get frameText(): string {
    return this.message === this.code ? this.code : `${this.code} ${this.message}`
  }
}
