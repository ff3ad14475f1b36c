import http from 'node:http'
import https from 'node:https'
import { type Done, Exchange } from './exchange.ts'
import { EndpointStatistics } from './statistics.ts'
import type { Target } from './target.ts'

export interface EndpointOptions {
  readonly target: Target
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  /** Connections that there may be. */
  readonly connections: number
}

/** Where requests go, over connections that are kept. */
export class Endpoint {
  readonly target: Target
  readonly statistics: EndpointStatistics = new EndpointStatistics()
  readonly #options: EndpointOptions
  readonly #request: typeof http.request
  readonly #requestOptions: http.RequestOptions
  readonly #agent: http.Agent

  constructor(options: EndpointOptions) {
    const { target, connections } = options
    const { url, method, headers } = target
    this.target = target
    this.#options = options
    const client = url.protocol === 'https:' ? https : http
    this.#request = client.request
    this.#agent = new client.Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections })
    this.#requestOptions = {
      protocol: url.protocol,
      host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port,
      path: url.pathname + url.search,
      method,
      headers,
      agent: this.#agent,
    }
  }

  /** A POST of these bytes; a GET has them in its address. */
  send(bytes: Buffer, done: Done): void {
    const { target, connectTimeoutMs, requestTimeoutMs } = this.#options
    const isGet = target.method === 'GET'
    const options = isGet ? { ...this.#requestOptions, path: target.pathWith(bytes) } : this.#requestOptions
    const body = isGet ? undefined : bytes
    void new Exchange({ request: this.#request, options, body, connectTimeoutMs, requestTimeoutMs, done })
  }

  /** Closes the connections. */
  close(): void {
    this.#agent.destroy()
  }
}
