import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { RequestTls } from '../http/request.ts'
import { errorText, NsqError } from '../util/errors.ts'
import type { NsqadminOptions } from './options.ts'

/**
 * Reads the files of --http-client-tls-*: whom to trust among daemons of https, and what to show them.
 *
 * @throws NsqError E_TLS_FILE naming the flag and the file that cannot be used.
 */
export function readClientTls(options: NsqadminOptions): RequestTls {
  const {
    httpClientTlsRootCaFile: caFile,
    httpClientTlsCert: certFile,
    httpClientTlsKey: keyFile,
    httpClientTlsInsecureSkipVerify: insecure,
  } = options
  const tls: RequestTls = { verify: !insecure, minVersion: 'TLSv1.2' }
  if (caFile) tls.ca = readPem('http-client-tls-root-ca-file', caFile, 'CERTIFICATE')
  if (certFile && keyFile) {
    tls.cert = readPem('http-client-tls-cert', certFile, 'CERTIFICATE')
    tls.key = readPem('http-client-tls-key', keyFile, 'PRIVATE KEY')
    try {
      createSecureContext({ cert: tls.cert, key: tls.key })
    } catch (error) {
      throw badFile(
        'http-client-tls-key',
        keyFile,
        `cannot be used with ${certFile}: ${errorText(error)}`,
        error,
      )
    }
  }
  return tls
}

function readPem(flag: string, file: string, kind: string): string {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw badFile(flag, file, `cannot be read: ${errorText(error)}`, error)
  }
  if (!pem.includes(`${kind}-----`)) throw badFile(flag, file, `holds no ${kind.toLowerCase()} in PEM form`)
  return pem
}

function badFile(flag: string, file: string, what: string, cause?: unknown): NsqError {
  return new NsqError('E_TLS_FILE', `--${flag}: ${file} ${what}`, {
    cause,
    remedy: 'Name a file in PEM form that you may read, with a key that is not encrypted.',
  })
}
