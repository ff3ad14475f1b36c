import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import type { TlsOptions } from 'node:tls'
import { Complaints } from '../util/complaints.ts'
import { errorText } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import { acceptsGzip, compressed } from './gzip.ts'
import { HttpError } from './error.ts'
import { json, type Reply } from './reply.ts'
import { HttpRequest, parseTarget, Router, type Route } from './router.ts'

export interface HttpServerOptions {
  routes: readonly Route[]
  /** Gets a line for each request at debug level, and for each unexpected error. */
  logger: Logger
  /** Serve HTTPS with this. */
  tls?: TlsOptions | undefined
  /** What a request gets instead of its route's answer; undefined where it is let through. */
  refusal?: ((request: IncomingMessage) => Reply | undefined) | undefined
  /** Sent with every reply; the reply's own headers win. */
  headers?: Readonly<Record<string, string>>
  /** Compress replies of more than 1 KiB with gzip for clients that take it. */
  gzip?: boolean
  /** How long a client may take nothing of a reply that waits for it, in ms; five minutes unless given. */
  stuckMs?: number
}

/** Longer than the idle time of usual clients, so that it is they who close an idle connection and no request is lost. */
const KEEP_ALIVE_MS = 75_000

/**
 * How long a client may take to send a request's headers, in ms. Node counts it from the connect on: balancers and browsers
 * connect in advance, and would take the 408 for the answer to what they send at that moment.
 */
const HEADERS_MS = KEEP_ALIVE_MS

/** And the whole request: official nsqd gives no limit, but a body of 5 MiB has come by then over any link. */
const REQUEST_MS = 300_000

/** How often it is looked who takes longer, in ms. */
const LOOK_EVERY_MS = 5000

/**
 * Requests that a client may send ahead of the answers to those before; nobody needs more than a few. The answer to the last
 * of them says that the connection closes: what was sent behind that is not looked at.
 */
const MOST_AHEAD = 100

/** With so many, nobody waits for the answers: the connection is closed at once. */
const FAR_AHEAD = 1000

/** How long a client may take nothing of its reply, in ms: somebody may look at it page by page. */
const STUCK_MS = 300_000

/** How long what still comes of a refused body is thrown away. Go's servers wait as long. */
const LINGER_MS = 500

/** The connections of each server: Node ends none by itself over which no request has come, or that is in its handshake. */
const connections = new WeakMap<Server, Set<Socket>>()

/** How many requests of each connection wait for the answers to those before them. */
const ahead = new WeakMap<Socket, number>()

/** The replies of each server that go on until somebody ends them. */
const streams = new WeakMap<Server, Set<ServerResponse>>()

/**
 * A server that answers as NSQ's daemons do: JSON or text, `{"message": "CODE"}` for refusals, and an
 * `X-NSQ-Content-Type` header. It does not listen yet.
 */
export function createHttpServer(options: HttpServerOptions): Server {
  const { tls, logger } = options
  const complaints = new Complaints(logger)
  const answerer: Answerer = {
    ...options,
    complaints,
    router: new Router(options.routes),
    streams: new Set(),
    isClosing: () => !server.listening,
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    inTurn(request.socket, response, () => {
      answer(answerer, request, response).catch((error: unknown) => {
        complaints.error('HTTP', `${request.method} ${request.url} cannot be answered: ${errorText(error)}`)
        response.destroy()
      })
    })
  }
  const limits = {
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: LOOK_EVERY_MS,
  }
  const server =
    tls === undefined ? createServer(limits, listener) : createHttpsServer({ ...tls, ...limits }, listener)
  server.keepAliveTimeout = KEEP_ALIVE_MS
  streams.set(server, answerer.streams)
  watchConnections(server)
  if (tls !== undefined) logHandshakes(server, logger)
  return server
}

/**
 * Answers the requests of one connection one after the other. Node begins with each as soon as it has come: for a client
 * that sends a thousand and reads nothing there would be a thousand replies in memory.
 */
function inTurn(socket: Socket, response: ServerResponse, begin: () => void): void {
  // It is assigned to the response whose turn it is.
  if (response.socket !== null) {
    begin()
    return
  }
  const waiting = (ahead.get(socket) ?? 0) + 1
  if (waiting > FAR_AHEAD) {
    socket.destroy()
    return
  }
  ahead.set(socket, waiting)
  if (waiting === MOST_AHEAD) response.shouldKeepAlive = false
  response.once('socket', () => {
    ahead.set(socket, (ahead.get(socket) ?? 1) - 1)
    // That of the reply before.
    socket.setTimeout(0)
    begin()
  })
}

function watchConnections(server: Server): void {
  const open = new Set<Socket>()
  connections.set(server, open)
  server.on('connection', socket => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
}

function logHandshakes(server: Server, logger: Logger): void {
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    logger.debug(() => `TLS handshake failed (${socket.remoteAddress ?? '-'}): ${error.message}`)
    socket.destroy()
  })
}

/**
 * Stops listening, ends event streams, lets what is being answered finish for at most `graceMs`, and closes every
 * connection.
 */
export async function closeHttpServer(server: Server, graceMs = 1000): Promise<void> {
  if (!server.listening) return
  const timer = setTimeout(() => {
    server.closeAllConnections()
    for (const socket of connections.get(server) ?? []) socket.destroy()
  }, graceMs)
  await new Promise<void>(resolve => {
    server.close(() => resolve())
    for (const response of streams.get(server) ?? []) response.end()
    server.closeIdleConnections()
    // Browsers and balancers connect in advance. Nothing of them is in progress.
    for (const socket of connections.get(server) ?? []) if (socket.bytesRead === 0) socket.destroy()
  })
  clearTimeout(timer)
}

interface Answerer extends Omit<HttpServerOptions, 'routes' | 'tls'> {
  router: Router
  /** Of requests that fail: there may be any number of them. */
  complaints: Complaints
  streams: Set<ServerResponse>
  /** Whether it has stopped listening. */
  isClosing(): boolean
}

async function answer(answerer: Answerer, raw: IncomingMessage, response: ServerResponse): Promise<void> {
  const { refusal, logger, headers, gzip, stuckMs = STUCK_MS } = answerer
  let reply = refusal?.(raw) ?? (await replyTo(answerer, raw))
  if (gzip && acceptsGzip(raw.headers['accept-encoding'])) reply = await compressed(reply)
  if (response.destroyed) return
  // Its connection would be idle then, and nobody would close it.
  if (answerer.isClosing()) response.shouldKeepAlive = false
  response.statusCode = reply.status
  response.setHeader('X-NSQ-Content-Type', 'nsq; version=1.0')
  if (headers !== undefined) setHeaders(response, headers)
  if (reply.headers !== undefined) setHeaders(response, reply.headers)
  if (reply.contentType !== undefined) response.setHeader('Content-Type', reply.contentType)
  if (reply.stream === undefined) {
    response.setHeader('Content-Length', Buffer.byteLength(reply.body))
    // Until it is sent; Node begins the time anew whenever some of it is taken, and then closes the connection.
    response.setTimeout(stuckMs)
    if (reply.status === 413 && !raw.complete) await refuseRest(raw, response, reply.body)
    else response.end(reply.body)
  } else {
    begin(reply.stream, answerer, response)
  }
  logger.debug(() => `${reply.status} ${raw.method} ${raw.url} (${raw.socket.remoteAddress ?? '-'})`)
}

/**
 * Answers a request whose body was not read to its end. The rest would be taken for the next request, so the
 * connection ends; but not at once, as bytes that arrive at a closed connection take the reply from the client's hands.
 */
async function refuseRest(
  raw: IncomingMessage,
  response: ServerResponse,
  body: string | Buffer,
): Promise<void> {
  response.setHeader('Connection', 'close')
  response.write(body)
  const signal = AbortSignal.timeout(LINGER_MS)
  await finished(raw.resume(), { signal }).catch(() => {})
  response.end()
}

function setHeaders(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
}

/** The connection ends with the stream: what else was sent on it is not answered. */
function begin(
  stream: (response: ServerResponse) => void,
  { streams, complaints }: Answerer,
  response: ServerResponse,
): void {
  response.setHeader('Connection', 'close')
  streams.add(response)
  response.on('close', () => streams.delete(response))
  response.flushHeaders()
  try {
    stream(response)
  } catch (error) {
    complaints.error('HTTP', `a stream failed: ${errorText(error)}`)
    response.destroy()
  }
}

async function replyTo({ router, complaints, logger }: Answerer, raw: IncomingMessage): Promise<Reply> {
  const target = parseTarget(raw.url ?? '/')
  try {
    const { route, params } = router.match(raw.method ?? 'GET', target.path)
    return await route.handle(new HttpRequest(raw, target, params))
  } catch (error) {
    if (error instanceof HttpError) return json({ message: error.message }, error.status)
    // The client went away while it was sending its body: nobody is there to be answered.
    if (raw.destroyed && !raw.complete) return json({ message: 'INVALID_REQUEST' }, 400)
    complaints.error('HTTP', `${raw.method} ${target.path} failed: ${errorText(error)}`)
    logger.debug(() => (error instanceof Error && error.stack !== undefined ? error.stack : ''))
    return json({ message: 'INTERNAL_ERROR' }, 500)
  }
}
