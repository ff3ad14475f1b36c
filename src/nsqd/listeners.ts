import type { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { json, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import { closeHttpServer, createHttpServer } from '../http/server.ts'
import { limitConnections, listenTcp } from '../net/listen.ts'
import { demandCertificates, tlsServerOptions, type TlsServerOptions } from '../net/tls.ts'
import { type Endpoint, formatEndpoint, parseEndpoint } from '../util/address.ts'
import type { Logger } from '../util/logger.ts'
import { Seldom } from '../util/seldom.ts'
import type { NsqdOptions } from './options.ts'

/** What is served, and to whom it goes. */
export interface Served {
  readonly options: Pick<
    NsqdOptions,
    'tcpAddress' | 'httpAddress' | 'httpsAddress' | 'tlsRequired' | 'maxConnections'
  >
  readonly logger: Logger
  readonly routes: readonly Route[]
  accept(socket: Socket): void
}

/** The time that HTTP requests in progress have at least when an nsqd is stopped, in ms. */
const LEAST_GRACE = 1000

/** Where an nsqd listens: for clients, for HTTP, and with a certificate for HTTPS. */
export class Listeners {
  readonly #served: Served
  readonly #sockets = new Set<Socket>()
  readonly #tcpServer: Server
  readonly #httpServers: HttpServer[] = []
  readonly #refused: Seldom
  #tcpStopped: Promise<void> | undefined
  #httpStopped: Promise<void>[] | undefined
  #tcp: Endpoint | undefined
  #http: Endpoint | undefined
  #https: Endpoint | undefined

  constructor(served: Served) {
    this.#served = served
    // Half open: a client that has sent all it had still gets its replies.
    this.#tcpServer = createServer({ allowHalfOpen: true }, socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      served.accept(socket)
    })
    const { maxConnections } = served.options
    this.#refused = new Seldom(times => {
      const what = times === 1 ? 'a connection was' : `${times} connections were`
      served.logger.warn(`${what} refused: there are ${maxConnections} (--max-connections)`)
    })
    limitConnections(this.#tcpServer, maxConnections, () => this.#refused.happened())
  }

  /** Connections of clients that --max-connections has refused. */
  get refusedConnections(): number {
    return this.#refused.total
  }

  /** Undefined before `listen`, as are the others. */
  get tcp(): Endpoint | undefined {
    return this.#tcp
  }

  /** Undefined with an empty --http-address. */
  get http(): Endpoint | undefined {
    return this.#http
  }

  /** Undefined without a certificate, or with an empty --https-address. */
  get https(): Endpoint | undefined {
    return this.#https
  }

  /** Begins to listen. Throws NsqError E_LISTEN…; what listens already is left to `close`. */
  async listen(tls: TlsServerOptions | undefined): Promise<void> {
    const { options } = this.#served
    this.#tcp = await this.#start('TCP', this.#tcpServer, options.tcpAddress)
    if (options.httpAddress !== '') {
      // As in the official nsqd: who requires TLS of everything has even /ping refused.
      const refusal = options.tlsRequired === 'true' ? () => this.#tlsRequired() : undefined
      this.#http = await this.#start('HTTP', this.#httpServer({ refusal }), options.httpAddress)
    }
    if (tls !== undefined && options.httpsAddress !== '') {
      const server = this.#httpServer({ tls: tlsServerOptions(tls) })
      if (server instanceof HttpsServer && tls.clientAuth === 'require') demandCertificates(server)
      this.#https = await this.#start('HTTPS', server, options.httpsAddress)
    }
  }

  /** Stops listening. HTTP requests in progress may take this time at most, in ms. */
  stop(graceMs: number): void {
    // The only error is that it was not listening, and then there is nothing to do.
    this.#tcpStopped ??= new Promise(resolve => void this.#tcpServer.close(() => resolve()))
    this.#httpStopped ??= this.#httpServers.map(server =>
      closeHttpServer(server, Math.max(graceMs, LEAST_GRACE)),
    )
  }

  /** Stops listening, ends the connections of clients, and resolves when HTTP requests in progress are answered. */
  async close(): Promise<void> {
    this.stop(0)
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all([this.#tcpStopped, ...(this.#httpStopped ?? [])])
  }

  #httpServer(given: Pick<Parameters<typeof createHttpServer>[0], 'tls' | 'refusal'>): HttpServer {
    const { routes, logger } = this.#served
    const server = createHttpServer({ routes, logger, ...given })
    this.#httpServers.push(server)
    return server
  }

  async #start(name: string, server: Server, address: string): Promise<Endpoint> {
    const endpoint = await listenTcp(server, parseEndpoint(address))
    this.#served.logger.info(`${name}: listening on ${formatEndpoint(endpoint)}`)
    return endpoint
  }

  #tlsRequired(): Reply {
    // The official bytes, space for space.
    const body = `{"message": "TLS_REQUIRED", "https_port": ${portOf(this.#https)}}`
    return { ...json(null, 403), body }
  }
}

/** The port to tell others; as in the official nsqd 0 where there is none. */
export function portOf(endpoint: Endpoint | undefined): number {
  return endpoint === undefined || 'path' in endpoint ? 0 : endpoint.port
}
