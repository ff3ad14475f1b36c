import { createServer, type Server, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { closeHttpServer, createHttpServer } from '../http/server.ts'
import { closeServer, listenTcp } from '../net/listen.ts'
import { type Address, formatAddress, parseAddress } from '../util/address.ts'
import { Complaints } from '../util/complaints.ts'
import type { Logger } from '../util/logger.ts'
import { version } from '../util/version.ts'
import { lookupdRoutes } from './http.ts'
import type { NsqlookupdOptions } from './options.ts'
import { Registry } from './registry.ts'
import { LookupSession } from './tcp.ts'

/** An nsqlookupd: nsqds register with it over TCP, and consumers ask it over HTTP. */
export class Nsqlookupd {
  readonly options: NsqlookupdOptions
  readonly logger: Logger
  readonly registry: Registry
  readonly #sockets = new Set<Socket>()
  readonly #tcpServer: Server
  readonly #httpServer: ReturnType<typeof createHttpServer>
  readonly #complaints: Complaints
  #tcpAddress: Address
  #httpAddress: Address

  constructor(options: NsqlookupdOptions, logger: Logger) {
    this.options = options
    this.logger = logger
    this.#complaints = new Complaints(logger)
    this.registry = new Registry({
      inactiveTimeoutMs: options.inactiveProducerTimeout,
      tombstoneLifetimeMs: options.tombstoneLifetime,
    })
    this.#tcpAddress = parseAddress(options.tcpAddress)
    this.#httpAddress = parseAddress(options.httpAddress)
    this.#tcpServer = createServer(socket => this.#accept(socket))
    this.#httpServer = createHttpServer({
      routes: lookupdRoutes(this.registry, logger, this.#complaints),
      logger,
    })
  }

  /** The address listened on; before `start`, the one of the options. */
  get tcpAddress(): Address {
    return this.#tcpAddress
  }

  /** Likewise for HTTP. */
  get httpAddress(): Address {
    return this.#httpAddress
  }

  /** Listens on both addresses; when one cannot be had, on neither (NsqError, codes as of `listenTcp`). */
  async start(): Promise<void> {
    this.logger.info(`nsqlookupd v${version} (nsq-ts, node ${process.version})`)
    this.#tcpAddress = await listenTcp(this.#tcpServer, this.#tcpAddress)
    try {
      this.#httpAddress = await listenTcp(this.#httpServer, this.#httpAddress)
    } catch (error) {
      await closeServer(this.#tcpServer, this.#sockets)
      throw error
    }
    this.logger.info(`TCP: listening on ${formatAddress(this.#tcpAddress)}`)
    this.logger.info(`HTTP: listening on ${formatAddress(this.#httpAddress)}`)
  }

  /** Stops listening and closes every connection. */
  async close(): Promise<void> {
    if (this.#tcpServer.listening) this.logger.info('TCP and HTTP: closing')
    await Promise.all([closeServer(this.#tcpServer, this.#sockets), closeHttpServer(this.#httpServer)])
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // Every session is told the same; nothing holds on to it but its socket.
    void new LookupSession(socket, {
      registry: this.registry,
      logger: this.logger,
      complaints: this.#complaints,
      identifyReply: () => this.#identifyReply(),
    })
  }

  #identifyReply(): string {
    return JSON.stringify({
      tcp_port: this.#tcpAddress.port,
      http_port: this.#httpAddress.port,
      version,
      broadcast_address: this.options.broadcastAddress ?? defaultBroadcastAddress(this.#tcpAddress),
      hostname: hostname(),
    })
  }
}

/** Nobody else can reach a daemon that listens on loopback, so there the hostname would be of no use. */
function defaultBroadcastAddress({ host }: Address): string {
  return host === '::1' || host.startsWith('127.') ? host : hostname()
}
