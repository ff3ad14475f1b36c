import type { IncomingMessage } from 'node:http'
import { Cluster } from '../cluster/cluster.ts'
import type { Reply } from '../http/reply.ts'
import type { RequestTls } from '../http/request.ts'
import { closeHttpServer, createHttpServer } from '../http/server.ts'
import { listenTcp } from '../net/listen.ts'
import { type Address, formatAddress, parseAddress } from '../util/address.ts'
import type { Logger } from '../util/logger.ts'
import { version } from '../util/version.ts'
import { refusalOf, securityHeaders } from './access.ts'
import { readClientTls } from './client-tls.ts'
import type { ConfigTarget } from './config-endpoint.ts'
import { nsqadminRoutes } from './http.ts'
import { type Live, liveRoutes } from './live/routes.ts'
import { type AdminCounts, writeAdminMetrics } from './metrics.ts'
import { Notifier } from './notify.ts'
import type { NsqadminOptions } from './options.ts'
import { Token } from './sign-in.ts'

/** An nsqadmin: a page, and an HTTP API, to watch and steer a cluster with. */
export class Nsqadmin implements ConfigTarget {
  readonly options: NsqadminOptions
  readonly logger: Logger
  readonly #tls: RequestTls
  readonly #token: Token | undefined
  readonly #notifier: Notifier
  readonly #live: Live
  readonly #server: ReturnType<typeof createHttpServer>
  #cluster: Cluster
  #httpAddress: Address
  #requests = 0
  #refused = 0

  /** @throws NsqError E_TLS_FILE */
  constructor(options: NsqadminOptions, logger: Logger) {
    this.options = options
    this.logger = logger
    this.#tls = readClientTls(options)
    this.#token = options.authToken === undefined ? undefined : new Token(options.authToken)
    this.#notifier = new Notifier(options, logger)
    this.#cluster = this.#clusterOf(options.lookupdHttpAddress)
    this.#httpAddress = parseAddress(options.httpAddress)
    this.#live = liveRoutes(this)
    const routes = nsqadminRoutes(this, {
      notifier: this.#notifier,
      token: this.#token,
      liveRoutes: this.#live.routes,
      writeMetrics: writer => writeAdminMetrics(writer, this.#counts),
    })
    this.#server = createHttpServer({
      routes,
      logger,
      refusal: raw => this.#refusal(raw),
      headers: securityHeaders(options),
      gzip: true,
    })
  }

  get cluster(): Cluster {
    return this.#cluster
  }

  /** The address listened on; before `start`, the one of the options. */
  get httpAddress(): Address {
    return this.#httpAddress
  }

  /** Where the page is, for people of this machine. */
  get url(): string {
    const { host, port } = this.#httpAddress
    const isAny = host === '' || host === '0.0.0.0' || host === '::'
    return `http://${formatAddress({ host: isAny ? '127.0.0.1' : host, port })}${this.options.basePath}/`
  }

  /** Listens (NsqError, codes as of `listenTcp`). */
  async start(): Promise<void> {
    this.logger.info(`nsqadmin v${version} (nsq-ts, node ${process.version})`)
    this.#httpAddress = await listenTcp(this.#server, this.#httpAddress)
    this.logger.info(`HTTP: listening on ${formatAddress(this.#httpAddress)}`)
    this.#live.start()
  }

  /** Stops listening, and ends what goes on. */
  async close(): Promise<void> {
    if (this.#server.listening) this.logger.info('HTTP: closing')
    this.#live.close()
    await closeHttpServer(this.#server)
    await this.#notifier.close()
  }

  /** Asks these nsqlookupds from now on. */
  setLookupds(addresses: readonly string[]): void {
    this.#cluster = this.#clusterOf(addresses)
  }

  #clusterOf(lookupds: readonly string[]): Cluster {
    const { nsqdHttpAddress, httpClientConnectTimeout, httpClientRequestTimeout } = this.options
    return new Cluster({
      lookupds,
      nsqds: nsqdHttpAddress,
      connectTimeoutMs: httpClientConnectTimeout,
      requestTimeoutMs: httpClientRequestTimeout,
      tls: this.#tls,
    })
  }

  #refusal(raw: IncomingMessage): Reply | undefined {
    this.#requests++
    const reply = refusalOf(raw, this.options, this.#token)
    if (reply !== undefined) this.#refused++
    return reply
  }

  get #counts(): AdminCounts {
    return { requests: this.#requests, refused: this.#refused, ...this.#live.status }
  }
}
