import { errorText, NsqError } from '../util/errors.ts'

/**
 * What a publish failed with. Codes: nsqd's own when it refused (`E_BAD_TOPIC`, `E_MPUB_FAILED`, …), `E_CONNECT` (no
 * nsqd could be reached), `E_DISCONNECTED` and `E_READ_TIMEOUT` (the connection was lost once too often),
 * `E_PUBLISH_TIMEOUT`, `E_CLOSED`.
 *
 * After any of these but nsqd's own, nsqd may have taken messages whose acknowledgement did not arrive.
 */
export class PublishError extends NsqError {
  override readonly name = 'PublishError'
  /** How many messages of the call were not acknowledged. */
  readonly unacknowledged: number

  constructor(cause: NsqError, unacknowledged: number) {
    super(cause.code, cause.message, {
      cause,
      ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }),
    })
    this.unacknowledged = unacknowledged
  }
}

/** Anything thrown as an NsqError. */
export function toNsqError(error: unknown): NsqError {
  return error instanceof NsqError ? error : new NsqError('E_INTERNAL', errorText(error), { cause: error })
}

/** An error frame: `E_FIN_FAILED FIN 0123456789abcdef failed ID not in flight`. Its first word is the code. */
export function errorFromFrame(address: string, text: string): NsqError {
  const [code = ''] = text.split(' ', 1)
  return new NsqError(/^E_[A-Z_]+$/.test(code) ? code : 'E_NSQD', `nsqd ${address}: ${text}`)
}
