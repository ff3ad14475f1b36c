import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { SecureVersion } from 'node:tls'
import { errorText, NsqError } from '../util/errors.ts'
import { checkNames, type NamesOf } from './option-names.ts'

/** The text of a PEM file. */
export type Pem = string | Buffer

/** How to trust nsqd, and how nsqd knows this client. Certificates and keys are PEM texts, not names of files. */
export interface TlsOptions {
  /** The certificates to trust, each text one or several; the authorities that Node trusts unless given. */
  ca?: Pem | readonly Pem[] | undefined
  /** This client's certificate, with those between it and its authority; for nsqd's `--tls-client-auth-policy`. */
  cert?: Pem | undefined
  /** The private key of `cert`, not encrypted. */
  key?: Pem | undefined
  /** The name that nsqd's certificate must have; the host of nsqd's address unless given. */
  serverName?: string | undefined
  /** Whether nsqd's certificate must be trusted, valid and of the right name; false is for tests only. */
  verify?: boolean
  /** The oldest version of TLS to accept; TLSv1.2 unless given. */
  minVersion?: SecureVersion
}

/** The same, checked: several authorities are one text. */
export interface ResolvedTlsOptions {
  ca?: string
  cert?: string
  key?: string
  serverName?: string
  verify: boolean
  minVersion: SecureVersion
}

const NAMES = {
  ca: true,
  cert: true,
  key: true,
  serverName: true,
  verify: true,
  minVersion: true,
} satisfies NamesOf<TlsOptions>

const VERSIONS: ReadonlySet<unknown> = new Set<SecureVersion>(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'])
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** @throws NsqError `E_OPTION` naming what is wrong, but never a key */
export function resolveTls(tls: boolean | TlsOptions | undefined): ResolvedTlsOptions | undefined {
  if (tls === undefined || tls === false) return undefined
  const options = tls === true ? {} : tls
  // oxlint-disable-next-line typescript/no-unnecessary-condition -- programs in JavaScript get here as well
  if (typeof options !== 'object' || options === null) throw bad('tls must be true, false or an object')
  checkNames('tls', options, NAMES)
  const { verify = true, minVersion = 'TLSv1.2', serverName } = options
  if (typeof verify !== 'boolean') throw bad('tls.verify must be true or false')
  if (!VERSIONS.has(minVersion)) throw bad(`tls.minVersion must be one of ${[...VERSIONS].join(', ')}`)
  if (serverName !== undefined && (typeof serverName !== 'string' || serverName === '')) {
    throw bad('tls.serverName must be a host name')
  }
  const pair = readPair(options)
  const ca = readAuthorities(options)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...pair,
    ...(serverName === undefined ? {} : { serverName }),
    verify,
    minVersion,
  }
}

function readAuthorities({ ca }: TlsOptions): string | undefined {
  if (ca === undefined) return undefined
  const text = (Array.isArray(ca) ? ca : [ca]).map(pem => readPem('tls.ca', pem)).join('\n')
  readCertificates('tls.ca', text)
  return text
}

function readPair({ cert, key }: TlsOptions): { cert: string; key: string } | undefined {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined) throw bad('tls.key is of no use without tls.cert')
  if (key === undefined) throw bad('tls.cert is of no use without tls.key')
  const pair = { cert: readPem('tls.cert', cert), key: readPem('tls.key', key) }
  const [certificate] = readCertificates('tls.cert', pair.cert)
  if (certificate?.checkPrivateKey(readKey('tls.key', pair.key)) !== true) {
    throw bad('tls.cert and tls.key do not belong together')
  }
  return pair
}

/** OpenSSL takes a text without any certificate for no authorities at all, and says nothing. */
function readCertificates(name: string, text: string): X509Certificate[] {
  const found = text.match(CERTIFICATE)
  if (found === null) throw unreadable(name, 'a certificate')
  try {
    return found.map(pem => new X509Certificate(pem))
  } catch (error) {
    throw unreadable(name, 'a certificate', error)
  }
}

function readKey(name: string, text: string): KeyObject {
  if (text.includes('ENCRYPTED')) {
    throw new NsqError('E_OPTION', `${name} is encrypted`, { remedy: 'Decrypt it first: openssl pkey' })
  }
  try {
    return createPrivateKey(text)
  } catch (error) {
    throw unreadable(name, 'a private key', error)
  }
}

function readPem(name: string, pem: unknown): string {
  if (typeof pem === 'string') return pem
  if (pem instanceof Uint8Array) return Buffer.from(pem).toString()
  throw unreadable(name, 'a text or Buffer')
}

function unreadable(name: string, what: string, cause?: unknown): NsqError {
  const why = cause === undefined ? '' : `: ${errorText(cause)}`
  return new NsqError('E_OPTION', `${name} is not ${what} in PEM${why}`, {
    cause,
    remedy: 'Give the content of a PEM file (-----BEGIN …), not its name.',
  })
}

function bad(message: string): NsqError {
  return new NsqError('E_OPTION', message)
}
