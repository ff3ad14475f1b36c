import { errorText, NsqError } from '../util/errors.ts'
import { isTlsError, tlsError } from './tls-error.ts'

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

const LATE = 'Answer a message within messageTimeoutMs, or touch it meanwhile.'

/** For programs and for commands. */
export const AUTH_REMEDY =
  'Give the secret: authSecret in a program, NSQ_AUTH_SECRET or --auth-secret for a command.'

/** What to do about what nsqd refuses, by its code. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['E_AUTH_FIRST', AUTH_REMEDY],
  [
    'E_AUTH_FAILED',
    "Check the secret (authSecret, NSQ_AUTH_SECRET). nsqd's log says what its auth server answered.",
  ],
  ['E_UNAUTHORIZED', 'Check the secret (authSecret, NSQ_AUTH_SECRET), and what the auth server permits it.'],
  ['E_FIN_FAILED', LATE],
  ['E_REQ_FAILED', LATE],
  ['E_TOUCH_FAILED', LATE],
])

/** An error frame: `E_FIN_FAILED FIN 0123456789abcdef failed ID not in flight`. Its first word is the code. */
export function errorFromFrame(address: string, text: string): NsqError {
  const [code = ''] = text.split(' ', 1)
  // nsqd has no code of its own for this.
  const remedy = text.endsWith('(TLS required)') ? 'Turn TLS on with tls (--tls).' : REMEDIES.get(code)
  const options = remedy === undefined ? {} : { remedy }
  return new NsqError(/^E_[A-Z_]+$/.test(code) ? code : 'E_NSQD', `nsqd ${address}: ${text}`, options)
}

/** Why a connection that nobody here has ended is gone. */
export function lossOf(address: string, cause: unknown): NsqError {
  const remedy = "nsqd's log may say why."
  if (cause === undefined) {
    return new NsqError('E_DISCONNECTED', `the connection to nsqd ${address} was closed by nsqd`, { remedy })
  }
  // A layer that could not decode what came.
  if (cause instanceof NsqError) {
    return new NsqError(cause.code, `nsqd ${address}: ${cause.message}`, {
      cause,
      remedy: cause.remedy ?? remedy,
    })
  }
  if (isTlsError(cause)) return tlsError(address, cause)
  return new NsqError('E_DISCONNECTED', `the connection to nsqd ${address} was lost: ${errorText(cause)}`, {
    cause,
    remedy,
  })
}

/** For who uses a connection that was ended here. */
export function closedError(address: string): NsqError {
  return new NsqError('E_CLOSED', `the connection to nsqd ${address} was closed`)
}

export function notNsq(address: string, what: string, cause?: unknown): NsqError {
  return new NsqError('E_PROTOCOL', `nsqd ${address}: ${what}`, {
    cause,
    remedy: "Check that this is nsqd's TCP address (port 4150 by default), not its HTTP address.",
  })
}

export function tooLate(what: string, ms: number): NsqError {
  return new NsqError('E_READ_TIMEOUT', `${what} within ${ms} ms`, {
    remedy: 'Check that it is an nsqd, that it is not stuck, and the network in between.',
  })
}
