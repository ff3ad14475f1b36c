import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureVersion } from 'node:tls'
import type { RequestTls } from '../http/request.ts'
import type { TlsServerOptions } from '../net/tls.ts'
import { errorText, NsqError } from '../util/errors.ts'
import type { NsqdOptions } from './options.ts'

/** What the TLS flags and their files come to. */
export interface TlsSettings {
  /** Undefined without a certificate. */
  readonly server: TlsServerOptions | undefined
  /** For authorization servers of https. */
  readonly client: RequestTls
  /** What can be used, but hardly as it is meant. */
  readonly warnings: readonly string[]
}

type TlsFlags = Pick<
  NsqdOptions,
  'tlsCert' | 'tlsKey' | 'tlsRootCaFile' | 'tlsClientAuthPolicy' | 'tlsMinVersion'
>

/** Nobody has SSL 3 any more: it means the oldest there is. */
const VERSIONS: Readonly<Record<NsqdOptions['tlsMinVersion'], SecureVersion>> = {
  'ssl3.0': 'TLSv1',
  'tls1.0': 'TLSv1',
  'tls1.1': 'TLSv1.1',
  'tls1.2': 'TLSv1.2',
  'tls1.3': 'TLSv1.3',
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads the files of --tls-cert, --tls-key and --tls-root-ca-file.
 *
 * @throws NsqError E_TLS_FILE naming the flag and the file that cannot be used.
 */
export function readTlsFiles(flags: TlsFlags): TlsSettings {
  const minVersion = VERSIONS[flags.tlsMinVersion]
  const ca = flags.tlsRootCaFile ? readAuthorities(flags.tlsRootCaFile) : undefined
  const client = { ...(ca !== undefined && { ca }), verify: true, minVersion }
  if (!flags.tlsCert || !flags.tlsKey) return { server: undefined, client, warnings: [] }
  const cert = readPem('tls-cert', flags.tlsCert)
  const [certificate] = parseCertificates('tls-cert', flags.tlsCert, cert)
  const key = readPem('tls-key', flags.tlsKey)
  if (!certificate?.checkPrivateKey(parseKey(flags.tlsKey, key))) {
    throw new NsqError(
      'E_TLS_FILE',
      `the key in --tls-key=${flags.tlsKey} is not that of the certificate in --tls-cert=${flags.tlsCert}`,
      {
        remedy:
          'Give the key that the certificate was made for; the certificate itself comes first in its file.',
      },
    )
  }
  const server = {
    cert,
    key,
    ...(ca !== undefined && { rootCa: ca }),
    clientAuth: flags.tlsClientAuthPolicy,
    minVersion,
  }
  return { server, client, warnings: expiryWarnings(flags.tlsCert, certificate) }
}

function readAuthorities(path: string): string {
  const pem = readPem('tls-root-ca-file', path)
  parseCertificates('tls-root-ca-file', path, pem)
  return pem
}

/** Clients refuse such a certificate, unless they verify nothing. */
function expiryWarnings(path: string, { validFrom, validTo }: X509Certificate): string[] {
  const today = Date.now()
  if (Date.parse(validTo) < today)
    return [`--tls-cert=${path} has expired on ${validTo}: clients will refuse it`]
  if (Date.parse(validFrom) > today) return [`--tls-cert=${path} is not valid before ${validFrom}`]
  return []
}

function readPem(flag: string, path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    throw unusable(flag, path, error, 'Check the path, and that nsqd may read the file.')
  }
}

function parseCertificates(flag: string, path: string, pem: string): X509Certificate[] {
  const remedy = 'Give a file with certificates in PEM: -----BEGIN CERTIFICATE-----.'
  const blocks = pem.match(PEM_CERTIFICATE)
  if (blocks === null) throw unusable(flag, path, 'there is no certificate in it', remedy)
  try {
    return blocks.map(block => new X509Certificate(block))
  } catch (error) {
    throw unusable(flag, path, error, remedy)
  }
}

function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    const isEncrypted = pem.includes('ENCRYPTED')
    throw unusable(
      'tls-key',
      path,
      isEncrypted ? 'the key is encrypted' : error,
      isEncrypted
        ? 'Decrypt it into a file that only nsqd may read: openssl pkey -in FILE -out FILE.'
        : 'Give a file with a private key in PEM: -----BEGIN PRIVATE KEY-----.',
    )
  }
}

function unusable(flag: string, path: string, cause: unknown, remedy: string): NsqError {
  return new NsqError('E_TLS_FILE', `--${flag}=${path} cannot be used: ${errorText(cause)}`, {
    cause,
    remedy,
  })
}
