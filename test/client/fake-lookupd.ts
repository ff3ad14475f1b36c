import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { parseAddress } from '../../src/util/address.ts'
import type { Identity } from '../support/certificates.ts'

/** An HTTP server that answers as told; by default like an nsqlookupd that knows some nsqds. */
export class FakeLookupd {
  /** Addresses of the nsqds it names, for every topic. */
  nsqds: string[] = []
  /** Paths asked for, with their queries. */
  readonly asked: string[] = []
  /** The Authorization of each of them. */
  readonly authorizations: (string | undefined)[] = []
  /** Answers instead: status and body. */
  reply: ((path: string) => { status: number; body: string }) | undefined
  /** Whether it leaves every request unanswered. */
  isSilent = false
  /** Requests that are not answered yet. */
  open = 0
  readonly #server: http.Server | https.Server
  address = ''

  static start(...nsqds: string[]): Promise<FakeLookupd> {
    return new FakeLookupd(nsqds).#listen()
  }

  /** Over https. */
  static startSecure(identity: Identity, ...nsqds: string[]): Promise<FakeLookupd> {
    return new FakeLookupd(nsqds, identity).#listen()
  }

  private constructor(nsqds: string[], identity?: Identity) {
    this.nsqds = nsqds
    const answer: http.RequestListener = (request, response) => {
      const path = request.url ?? ''
      this.asked.push(path)
      this.authorizations.push(request.headers.authorization)
      this.open++
      response.on('close', () => this.open--)
      if (this.isSilent) return
      const { status, body } = this.reply?.(path) ?? { status: 200, body: this.#body(path) }
      response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(body)
    }
    this.#server = identity === undefined ? http.createServer(answer) : https.createServer(identity, answer)
  }

  async #listen(): Promise<this> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.address = `127.0.0.1:${address.port}`
    return this
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #body(path: string): string {
    const producers = this.nsqds.map(address => {
      const { host, port } = parseAddress(address)
      return { broadcast_address: host, tcp_port: port, http_port: port + 1, hostname: 'h', version: '1.3.0' }
    })
    if (path.startsWith('/lookup')) return JSON.stringify({ channels: ['c'], producers })
    return JSON.stringify({ producers: producers.map(p => ({ ...p, topics: ['t'], tombstones: [false] })) })
  }
}
