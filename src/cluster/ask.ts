/** Requests to one daemon. */
import { requestJson, type RequestOptions } from '../http/request.ts'
import { formatAddress } from '../util/address.ts'
import { withoutPassword } from '../util/password.ts'
import { ReplyShapeError } from './shape.ts'

/** The time an answer may take, until when it is wanted, and how to show who asks; see `RequestOptions`. */
export type AskOptions = Pick<
  RequestOptions,
  'connectTimeoutMs' | 'requestTimeoutMs' | 'signal' | 'tls' | 'bearer'
>

/** The URL that the paths of a daemon's HTTP API follow. */
export function baseUrl(address: string): string {
  return /^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`
}

/** `host:port` of an address that may be a URL. */
export function nodeOf(address: string): string {
  const url = baseUrl(address)
  if (!URL.canParse(url)) return address
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`
}

/** How nsqlookupd names a node: an IPv6 address has no brackets there. */
export function plainNode({ host, port }: { host: string; port: number }): string {
  return `${host}:${port}`
}

/** `host:port` of what `plainNode` has written. */
export function nodeOfPlain(plain: string): string {
  const colon = plain.lastIndexOf(':')
  if (colon === -1 || plain.startsWith('[')) return plain
  return formatAddress({ host: plain.slice(0, colon), port: Number(plain.slice(colon + 1)) })
}

/**
 * GETs JSON.
 *
 * @throws HttpRequestError; ReplyShapeError, with the URL, when `read` throws one
 */
export async function get<T>(
  address: string,
  path: string,
  options: AskOptions,
  read: (reply: unknown) => T,
): Promise<T> {
  const url = `${baseUrl(address)}${path}`
  const reply = await requestJson('GET', url, options)
  try {
    return read(reply)
  } catch (error) {
    if (error instanceof ReplyShapeError) error.where = withoutPassword(url)
    throw error
  }
}

/**
 * POSTs without a body, as what changes something is asked for. The answer is empty, or an old envelope.
 *
 * @throws HttpRequestError
 */
export async function post(address: string, path: string, options: AskOptions): Promise<void> {
  await requestJson('POST', `${baseUrl(address)}${path}`, options)
}
