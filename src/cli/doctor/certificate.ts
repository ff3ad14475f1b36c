import { TLSSocket } from 'node:tls'
import type { Duplex } from 'node:stream'
import { tlsError } from '../../client/tls-error.ts'
import type { ResolvedTlsOptions } from '../../client/tls-options.ts'
import type { Layer } from '../../net/layer.ts'
import { clientTls } from '../../net/tls.ts'
import type { CertificateFacts, Failure } from './facts.ts'

/** TLS that goes on whatever the certificate is, so that all can be told of it. */
export function tolerantTls(tls: ResolvedTlsOptions, host: string): Layer {
  return clientTls({ ...tls, verify: false }, host)
}

/** What the other side has shown; undefined without TLS. */
export function certificateOf(stream: Duplex, address: string): CertificateFacts | undefined {
  if (!(stream instanceof TLSSocket)) return undefined
  const certificate = stream.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  const problem = problemOf(stream, address, certificate.subjectAltName)
  return {
    subject: certificate.subject.replaceAll('\n', ', '),
    validTo: Date.parse(certificate.validTo),
    protocol: stream.getProtocol() ?? '',
    ...(problem === undefined ? {} : { problem }),
  }
}

const NOT_TRUSTED = 'its certificate is not signed by an authority that is trusted here'

const PROBLEMS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_TRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_TRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_TRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_TRUSTED,
}

function problemOf(stream: TLSSocket, address: string, names: string | undefined): Failure | undefined {
  if (stream.authorized) return undefined
  // A code where it went on in spite of it, whatever its type says.
  const code = String(stream.authorizationError)
  const isOther = code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  const message = isOther ? `its certificate is for ${names ?? 'another name'}` : (PROBLEMS[code] ?? code)
  const { remedy } = tlsError(address, Object.assign(new Error(message), { code }))
  return { code, message, ...(remedy === undefined ? {} : { remedy }) }
}
