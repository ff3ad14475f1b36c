import { errorText, NsqError } from '../util/errors.ts'

const NOT_TRUSTED =
  'Its certificate is not signed by an authority that is trusted here: give that one with tls.ca (--tls-ca).'
const OTHER_NAME =
  'Its certificate is for another name: connect to that, or give it with tls.serverName (--tls-server-name).'
const EXPIRED = "Its certificate is out of date: renew it, or check this machine's clock."
const CLIENT_CERTIFICATE =
  'It wants a client certificate that it trusts: give one with tls.cert and tls.key (--tls-cert, --tls-key).'
const OTHER_VERSION = "No version of TLS suits both: see tls.minVersion here, and nsqd's --tls-min-version."
const NOT_TLS = 'What answers does not speak TLS: check the address, and what lies between here and nsqd.'
const SEE_LOG =
  "nsqd's log may say why. When it wants a client certificate that it trusts, give tls.cert and tls.key (--tls-cert, --tls-key)."

/** By the code that Node or OpenSSL gave the error. */
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', NOT_TRUSTED],
  ['SELF_SIGNED_CERT_IN_CHAIN', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT', NOT_TRUSTED],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', NOT_TRUSTED],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', NOT_TRUSTED],
  ['CERT_SIGNATURE_FAILURE', NOT_TRUSTED],
  ['ERR_TLS_CERT_ALTNAME_INVALID', OTHER_NAME],
  ['CERT_HAS_EXPIRED', EXPIRED],
  ['CERT_NOT_YET_VALID', EXPIRED],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', CLIENT_CERTIFICATE],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', CLIENT_CERTIFICATE],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', CLIENT_CERTIFICATE],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', CLIENT_CERTIFICATE],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', CLIENT_CERTIFICATE],
  ['ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', CLIENT_CERTIFICATE],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', CLIENT_CERTIFICATE],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', OTHER_VERSION],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', OTHER_VERSION],
  ['ERR_SSL_WRONG_VERSION_NUMBER', NOT_TLS],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', NOT_TLS],
  ['ERR_SSL_UNEXPECTED_MESSAGE', NOT_TLS],
])

/** Whether it is of TLS itself: in the handshake, or later in what came. */
export function isTlsError(error: unknown): boolean {
  const code = innermost(error)?.code ?? ''
  return REMEDIES.has(code) || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')
}

/** Why there is no TLS with an nsqd, and what to do about it. */
export function tlsError(address: string, cause: unknown): NsqError {
  const root = innermost(cause)
  const reason = root === undefined ? errorText(cause) : (root.reason ?? root.message)
  return new NsqError('E_TLS', `TLS with nsqd ${address} failed: ${reason}`, {
    cause,
    remedy: REMEDIES.get(root?.code ?? '') ?? SEE_LOG,
  })
}

interface SystemError extends Error {
  code: string
  /** OpenSSL's own words, without where in its source. */
  reason?: string
}

/** The error of the system that another one was made of. */
function innermost(error: unknown): SystemError | undefined {
  let at = error
  while (at instanceof Error) {
    if (isSystemError(at)) return at
    at = at.cause
  }
  return undefined
}

/** Our own codes begin with `E_`, those of Node, OpenSSL and the system do not. */
function isSystemError(error: Error): error is SystemError {
  return 'code' in error && typeof error.code === 'string' && !error.code.startsWith('E_')
}
