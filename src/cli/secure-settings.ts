/** What was said about TLS, compression and authorization, by flags and by go-nsq's names, made into options of the client. */
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { SecureVersion } from 'node:tls'
import type { ConnectionOptions } from '../client/options.ts'
import { resolveTls, type TlsOptions } from '../client/tls-options.ts'
import { errorText, NsqError } from '../util/errors.ts'
import type { ConnectionFlags } from './connection-options.ts'
import { UsageError } from './errors.ts'

/** A value, and where it is from. */
interface Named {
  /** For messages: `--tls-ca`, or `--consumer-opt tls_root_ca_file`. */
  source: string
  value: string
}

export interface SecureSettings {
  tls?: boolean | undefined
  ca?: Named
  cert?: Named
  key?: Named
  serverName?: string | undefined
  insecure?: boolean
  minVersion?: SecureVersion
  snappy?: boolean
  deflate?: boolean | undefined
  deflateLevel?: number | undefined
  authSecret?: Named
  lookupdAuthorization?: boolean
}

export function settingsOf(flags: ConnectionFlags): SecureSettings {
  const { tlsCa, tlsCert, tlsKey, tlsServerName, tlsInsecure, deflateLevel } = flags
  // As of a variable of the shell that is not set. To go on would be to connect in plain, and nobody would know.
  for (const [name, value] of Object.entries({
    ca: tlsCa,
    cert: tlsCert,
    key: tlsKey,
    'server-name': tlsServerName,
  })) {
    if (value === '') throw new UsageError(`--tls-${name} is empty`, 'Give it a value, or leave it out.')
  }
  const impliesTls = [tlsCa, tlsCert, tlsKey, tlsServerName].some(Boolean) || tlsInsecure
  return {
    tls: flags.tls ?? (impliesTls ? true : undefined),
    ...(tlsCa ? { ca: { source: '--tls-ca', value: tlsCa } } : {}),
    ...(tlsCert ? { cert: { source: '--tls-cert', value: tlsCert } } : {}),
    ...(tlsKey ? { key: { source: '--tls-key', value: tlsKey } } : {}),
    serverName: tlsServerName,
    insecure: tlsInsecure,
    snappy: flags.snappy,
    deflate: flags.deflate ?? (deflateLevel === undefined ? undefined : true),
    deflateLevel,
    ...(flags.authSecret ? { authSecret: { source: '--auth-secret', value: flags.authSecret } } : {}),
  }
}

/**
 * Reads the files and checks them: what is wrong with one is said in the user's words, before anything is connected.
 *
 * @throws NsqError `E_TLS_FILE` naming the flag and the file, UsageError for settings that contradict each other
 */
export async function secureOptions(settings: SecureSettings): Promise<ConnectionOptions> {
  const { snappy = false, deflate = false, deflateLevel, authSecret, lookupdAuthorization } = settings
  if (snappy && deflate) {
    throw new UsageError('--snappy and --deflate exclude each other', 'Turn one of them off: --no-snappy.')
  }
  return {
    ...(settings.tls === true ? { tls: await tlsOptions(settings) } : {}),
    ...(snappy ? { snappy } : {}),
    ...(deflate ? { deflate: deflateLevel ?? true } : {}),
    ...(authSecret === undefined ? {} : { authSecret: checkSecret(authSecret) }),
    ...(lookupdAuthorization === undefined ? {} : { lookupdAuthorization }),
  }
}

/** Never shows it. */
function checkSecret({ source, value }: Named): string {
  if (value !== '' && !/\p{Cc}/u.test(value)) return value
  throw new UsageError(
    `${source} is empty, or has a line end or another control character`,
    'A secret that is read from a file often has a line end behind it.',
  )
}

async function tlsOptions(settings: SecureSettings): Promise<TlsOptions> {
  const { ca, cert, key, serverName, insecure, minVersion } = settings
  if (cert === undefined && key !== undefined) throw alone(key, 'certificate', '--tls-cert')
  if (cert !== undefined && key === undefined) throw alone(cert, 'private key', '--tls-key')
  return {
    ...(ca === undefined ? {} : { ca: await readCertificates(ca) }),
    ...(cert === undefined || key === undefined ? {} : await readPair(cert, key)),
    ...(serverName ? { serverName } : {}),
    ...(insecure ? { verify: false } : {}),
    ...(minVersion === undefined ? {} : { minVersion }),
  }
}

function alone({ source }: Named, missing: string, flag: string): UsageError {
  return new UsageError(`${source} needs a ${missing} with it`, `Name its file: ${flag}=FILE.`)
}

async function readPair(certFile: Named, keyFile: Named): Promise<{ cert: string; key: string }> {
  const pair = { cert: await readCertificates(certFile), key: await readKey(keyFile) }
  try {
    resolveTls(pair)
    return pair
  } catch (error) {
    throw badFile(keyFile, `is not the key of ${certFile.value}`, error, {
      remedy: 'Name the files of one pair: a certificate, and the key that it was made for.',
    })
  }
}

async function readCertificates(file: Named): Promise<string> {
  const pem = await read(file)
  try {
    resolveTls({ ca: pem })
    return pem
  } catch (error) {
    throw badFile(file, 'holds no certificate in PEM form', error, {
      remedy: 'PEM is text that begins with -----BEGIN CERTIFICATE-----.',
    })
  }
}

async function readKey(file: Named): Promise<string> {
  const pem = await read(file)
  try {
    createPrivateKey(pem)
    return pem
  } catch (error) {
    // Node's own error says nothing of it.
    const isEncrypted = /^(?:-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED)/m.test(pem)
    if (isEncrypted) throw badFile(file, 'is encrypted', error, { remedy: 'Decrypt it: openssl pkey.' })
    throw badFile(file, 'holds no private key in PEM form', error, {
      remedy: 'PEM is text with a line like -----BEGIN PRIVATE KEY-----.',
    })
  }
}

async function read(file: Named): Promise<string> {
  try {
    return await readFile(file.value, 'utf8')
  } catch (error) {
    throw badFile(file, `cannot be read: ${errorText(error)}`, error, {
      remedy: 'Check the path, and that you may read the file.',
    })
  }
}

function badFile(
  { source, value }: Named,
  what: string,
  cause: unknown,
  { remedy }: { remedy: string },
): NsqError {
  return new NsqError('E_TLS_FILE', `${source}: ${value} ${what}`, { cause, remedy })
}
