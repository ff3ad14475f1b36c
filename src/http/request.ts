import { setMaxListeners } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import type { SecureVersion } from 'node:tls'
import { errorText, NsqError, type NsqErrorOptions } from '../util/errors.ts'
import { withoutPassword } from '../util/password.ts'
import { version } from '../util/version.ts'

/** For https: whom to trust, and who asks. PEM texts. */
export interface RequestTls {
  ca?: string
  cert?: string
  key?: string
  /** Whether the server's certificate must be trusted, valid and of the right name. */
  verify: boolean
  minVersion: SecureVersion
}

export interface RequestOptions {
  /** How long connecting may take; 2 s unless given. */
  connectTimeoutMs?: number
  /** How long the whole request may take; 5 s unless given. */
  requestTimeoutMs?: number
  body?: string | Buffer
  /** The body's Content-Type. */
  contentType?: string
  /** How errors name the request; its URL without a password unless given. */
  name?: string
  /** Whether it goes over a connection of its own, not over one kept from another request. */
  fresh?: boolean
  /** For https; what Node trusts unless given. */
  tls?: RequestTls
  /** A secret that is sent as `Authorization: Bearer …`. */
  bearer?: string
  /** A larger reply is refused; 64 MiB unless given. */
  maxReplySize?: number
  /** Gives the request up when it is aborted. */
  signal?: AbortSignal | undefined
}

export interface HttpReply {
  status: number
  contentType?: string
  /** What the server's clock said, to the second below. */
  date?: string
  body: Buffer
}

/**
 * A request that failed. Codes: `E_HTTP_URL` (not an http or https URL), `E_HTTP_CONNECT` (no connection, or lost),
 * `E_HTTP_TIMEOUT`, `E_HTTP_ABORTED` (by `signal`), `E_HTTP_STATUS` (the server refused; see `status` and `reply`), `E_HTTP_REPLY` (not JSON, or too large).
 */
export class HttpRequestError extends NsqError {
  override readonly name = 'HttpRequestError'
  readonly status: number | undefined
  /** The server's own code, such as `TOPIC_NOT_FOUND`, when it sent one. */
  readonly reply: string | undefined
  /** Whether there was no connection yet, so that the server cannot have seen any of the request. */
  readonly isUnsent: boolean

  constructor(
    code: string,
    message: string,
    options: NsqErrorOptions & { status?: number; reply?: string; isUnsent?: boolean } = {},
  ) {
    super(code, message, options)
    this.status = options.status
    this.reply = options.reply
    this.isUnsent = options.isUnsent ?? false
  }
}

const DEFAULTS = { connectTimeoutMs: 2000, requestTimeoutMs: 5000, maxReplySize: 64 * 1024 * 1024 }

/** Of a refusal, in characters. */
const LONGEST_MESSAGE = 200

const httpAgent = new http.Agent({ keepAlive: true, maxFreeSockets: 4 })
const httpsAgent = new https.Agent({ keepAlive: true, maxFreeSockets: 4 })

/**
 * Asks an NSQ daemon and returns the JSON it answers, or null when it answers nothing. The envelope of daemons before
 * 1.0, `{status_code, status_txt, data}`, is taken off.
 *
 * @throws HttpRequestError naming the URL.
 */
export async function requestJson(
  method: string,
  url: string,
  options: RequestOptions = {},
): Promise<unknown> {
  const reply = await request(method, url, options)
  const { name = withoutPassword(url) } = options
  const value = parseJson(reply.body)
  const envelope = openEnvelope(value)
  const status = envelope?.status ?? reply.status
  if (status !== 200) {
    const message = shortened(envelope?.message ?? messageOf(value))
    throw new HttpRequestError('E_HTTP_STATUS', `${name} answered ${status}${message ? ` ${message}` : ''}`, {
      status,
      ...(message ? { reply: message } : {}),
    })
  }
  if (value === undefined) {
    throw new HttpRequestError('E_HTTP_REPLY', `${name} did not answer in JSON`, {
      remedy: 'Check that this is the HTTP address of an NSQ daemon.',
    })
  }
  return envelope === undefined ? value : envelope.data
}

/** Sends a request and returns the reply whatever its status. A GET on a kept connection that has just died is sent again. */
export async function request(method: string, url: string, options: RequestOptions = {}): Promise<HttpReply> {
  const { name = withoutPassword(url) } = options
  const target = parseUrl(url, name)
  try {
    return await send(method, target, name, options)
  } catch (error) {
    if (method !== 'GET' || !(error instanceof StaleConnection)) throw error
    return send(method, target, name, options)
  }
}

/** The daemon had closed a kept connection before this request reached it. */
class StaleConnection extends HttpRequestError {}

function parseUrl(url: string, name: string): URL {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (target?.protocol === 'http:' || target?.protocol === 'https:') return target
  throw new HttpRequestError('E_HTTP_URL', `"${name}" is not an http or https URL`)
}

function send(method: string, target: URL, name: string, options: RequestOptions): Promise<HttpReply> {
  const { connectTimeoutMs, requestTimeoutMs, maxReplySize, fresh = false } = { ...DEFAULTS, ...options }
  const isHttps = target.protocol === 'https:'
  // A program may give up all that it has asked by one signal: that many listen is no leak.
  if (options.signal !== undefined) setMaxListeners(0, options.signal)
  return new Promise((resolve, reject) => {
    const outgoing = (isHttps ? https : http).request(target, {
      method,
      agent: fresh ? false : isHttps ? httpsAgent : httpAgent,
      signal: options.signal,
      ...(isHttps ? tlsOptions(options.tls) : {}),
      headers: {
        'User-Agent': `nsq-ts/${version}`,
        // Daemons before 1.0 then leave the envelope out.
        Accept: 'application/vnd.nsq; version=1.0',
        // Node writes a header as Latin-1, Go and the rest of the world as UTF-8.
        ...(options.bearer === undefined
          ? {}
          : { Authorization: `Bearer ${Buffer.from(options.bearer).toString('latin1')}` }),
        ...(options.contentType === undefined ? {} : { 'Content-Type': options.contentType }),
        ...(options.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(options.body) }),
      },
    })
    let isUnsent = true
    const expire = (what: string, ms: number): NodeJS.Timeout =>
      setTimeout(() => {
        outgoing.destroy(
          new HttpRequestError('E_HTTP_TIMEOUT', `${name} ${what} within ${ms} ms`, {
            remedy: 'Check the address, and that the daemon is running.',
            isUnsent,
          }),
        )
      }, ms)
    const requestTimer = expire('did not answer', requestTimeoutMs)
    const connectTimer = expire('could not be reached', connectTimeoutMs)
    const settle = (): void => {
      clearTimeout(requestTimer)
      clearTimeout(connectTimer)
    }
    outgoing.on('socket', socket => {
      if (!socket.connecting) {
        clearTimeout(connectTimer)
        isUnsent = false
        return
      }
      socket.once('connect', () => clearTimeout(connectTimer))
      socket.once(isHttps ? 'secureConnect' : 'connect', () => (isUnsent = false))
    })
    outgoing.on('error', error => {
      settle()
      reject(connectionError(name, error, { reused: outgoing.reusedSocket, isUnsent }))
    })
    // Nobody has asked for it, and nothing else would be heard of the request.
    outgoing.on('upgrade', ({ statusCode: status = 0 }, socket) => {
      socket.destroy()
      settle()
      reject(new HttpRequestError('E_HTTP_STATUS', `${name} answered ${status}`, { status }))
    })
    outgoing.on('response', response => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        chunks.push(chunk)
        if (length > maxReplySize) {
          outgoing.destroy()
          response.destroy(
            new HttpRequestError('E_HTTP_REPLY', `${name} answered more than ${maxReplySize} bytes`),
          )
        }
      })
      response.on('end', () => {
        settle()
        const { statusCode: status = 0, headers } = response
        const { 'content-type': contentType, date } = headers
        resolve({
          status,
          ...(contentType === undefined ? {} : { contentType }),
          ...(date === undefined ? {} : { date }),
          body: Buffer.concat(chunks, length),
        })
      })
      response.on('error', error => {
        settle()
        reject(connectionError(name, error, { reused: false, isUnsent }))
      })
    })
    outgoing.end(options.body)
  })
}

/** The agent keeps connections made with different ones apart. */
function tlsOptions(tls: RequestTls | undefined): https.RequestOptions {
  if (tls === undefined) return {}
  const { ca, cert, key, verify, minVersion } = tls
  return { ca, cert, key, minVersion, rejectUnauthorized: verify }
}

function connectionError(
  name: string,
  cause: Error,
  { reused, isUnsent }: { reused: boolean; isUnsent: boolean },
): HttpRequestError {
  if (cause instanceof HttpRequestError) return cause
  if (cause.name === 'AbortError')
    return new HttpRequestError('E_HTTP_ABORTED', `${name} was given up before it answered`, { cause })
  const isReset = 'code' in cause && (cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
  const Kind = reused && isReset ? StaleConnection : HttpRequestError
  // A host name with several addresses fails with an AggregateError, whose own message is empty.
  const [first]: unknown[] = cause instanceof AggregateError ? cause.errors : [cause]
  return new Kind('E_HTTP_CONNECT', `${name} cannot be reached: ${errorText(first)}`, {
    cause,
    isUnsent,
    remedy: isTlsError(cause)
      ? 'Check its certificate and its name, and which authorities are trusted here (tls.ca, --tls-ca).'
      : 'Check the address, and that the daemon is running.',
  })
}

/** Node and OpenSSL have dozens of codes for it: `CERT_HAS_EXPIRED`, `ERR_TLS_CERT_ALTNAME_INVALID`, … */
function isTlsError(error: Error): boolean {
  return 'code' in error && /CERT|^UNABLE_TO_|^ERR_(SSL|TLS)_/.test(String(error.code))
}

/** The JSON value of a body: null when it is empty, undefined when it is not JSON. */
function parseJson(body: Buffer): unknown {
  if (body.length === 0) return null
  try {
    const value: unknown = JSON.parse(body.toString())
    return value
  } catch {
    return undefined
  }
}

function openEnvelope(value: unknown): { status: number; message: string; data: unknown } | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (!('status_code' in value) || !('status_txt' in value) || typeof value.status_code !== 'number') {
    return undefined
  }
  const data = 'data' in value ? value.data : null
  return { status: value.status_code, message: String(value.status_txt), data }
}

/** The message goes to logs and to every viewer: one without an end must not. */
function shortened(message: string): string {
  return message.length > LONGEST_MESSAGE ? `${message.slice(0, LONGEST_MESSAGE)}…` : message
}

function messageOf(value: unknown): string {
  return typeof value === 'object' && value !== null && 'message' in value ? String(value.message) : ''
}
