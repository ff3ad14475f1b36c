/** Whether requests are signed as S3 wants it (AWS Signature Version 4), and have the bytes that they say they have. */
import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { S3Fault } from './s3-xml.ts'

export interface S3Keys {
  accessKeyId: string
  secretAccessKey: string
  region: string
}

const MOST_SKEW_MS = 15 * 60_000
const FORM =
  /^AWS4-HMAC-SHA256 Credential=([^/]*)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/

/** Throws what S3 would answer to it. */
export function checkRequest(request: IncomingMessage, body: Buffer, keys: S3Keys): void {
  const form = FORM.exec(header(request, 'authorization'))
  if (form === null) throw new S3Fault(403, 'AccessDenied', 'Access Denied')
  const [, id = '', day = '', region = '', signed = '', signature] = form
  if (id !== keys.accessKeyId) throw new S3Fault(403, 'InvalidAccessKeyId', 'It is not in our records.')
  if (region !== keys.region) {
    const text = `The authorization header is malformed; the region '${region}' is wrong; expecting '${keys.region}'`
    throw new S3Fault(400, 'AuthorizationHeaderMalformed', text, `<Region>${keys.region}</Region>`)
  }
  const time = header(request, 'x-amz-date')
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time) ?? []
  const [, ...numbers] = parts.map(Number)
  const [year = 0, month = 0, date = 0, hour = 0, minute = 0, second = 0] = numbers
  if (Math.abs(Date.UTC(year, month - 1, date, hour, minute, second) - Date.now()) > MOST_SKEW_MS) {
    throw new S3Fault(403, 'RequestTimeTooSkewed', 'The difference is too large.')
  }
  const scope = `${day}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical(request, signed))].join('\n')
  let key: Buffer | string = `AWS4${keys.secretAccessKey}`
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest()
  if (createHmac('sha256', key).update(text).digest('hex') !== signature) {
    // As S3 does it: with what it has signed.
    throw new S3Fault(403, 'SignatureDoesNotMatch', 'Check your key.', `<StringToSign>${text}</StringToSign>`)
  }
  checkBytes(request, body)
}

/**
 *     METHOD, path as it was sent, query sorted, headers that are signed, their names, hash of the body
 */
function canonical(request: IncomingMessage, signed: string): string {
  const [path = '/', query = ''] = (request.url ?? '/').split('?')
  const sorted = query
    .split('&')
    .filter(part => part !== '')
    .map(part => (part.includes('=') ? part : `${part}=`))
    .sort()
  const headers = signed
    .split(';')
    .map(name => `${name}:${header(request, name).trim().replaceAll(/ +/g, ' ')}\n`)
  const hash = header(request, 'x-amz-content-sha256')
  return [request.method, path, sorted.join('&'), headers.join(''), signed, hash].join('\n')
}

function checkBytes(request: IncomingMessage, body: Buffer): void {
  const hash = header(request, 'x-amz-content-sha256')
  if (/^[0-9a-f]{64}$/.test(hash) && hash !== sha256(body)) {
    throw new S3Fault(400, 'XAmzContentSHA256Mismatch', 'The hash does not match.')
  }
  const crc = header(request, 'x-amz-checksum-crc32')
  const md5 = header(request, 'content-md5')
  const isDamaged =
    (crc !== '' && crc !== crcOf(body)) ||
    (md5 !== '' && md5 !== createHash('md5').update(body).digest('base64'))
  if (isDamaged) throw new S3Fault(400, 'BadDigest', 'The checksum you specified did not match.')
}

export function crcOf(bytes: Buffer): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

export function header(request: IncomingMessage, name: string): string {
  return String(request.headers[name] ?? '')
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
