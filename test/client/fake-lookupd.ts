import { once } from 'node:events'
import http from 'node:http'
import { parseAddress } from '../../src/util/address.ts'

/** An HTTP server that answers as told; by default like an nsqlookupd that knows some nsqds. */
export class FakeLookupd {
  /** Addresses of the nsqds it names, for every topic. */
  nsqds: string[] = []
  /** Paths asked for, with their queries. */
  readonly asked: string[] = []
  /** Answers instead: status and body. */
  reply: ((path: string) => { status: number; body: string }) | undefined
  /** Whether it leaves every request unanswered. */
  isSilent = false
  /** Requests that are not answered yet. */
  open = 0
  readonly #server: http.Server
  address = ''

  static async start(...nsqds: string[]): Promise<FakeLookupd> {
    const fake = new FakeLookupd()
    fake.nsqds = nsqds
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    const address = fake.#server.address()
    if (address !== null && typeof address === 'object') fake.address = `127.0.0.1:${address.port}`
    return fake
  }

  constructor() {
    this.#server = http.createServer((request, response) => {
      const path = request.url ?? ''
      this.asked.push(path)
      this.open++
      response.on('close', () => this.open--)
      if (this.isSilent) return
      const { status, body } = this.reply?.(path) ?? { status: 200, body: this.#body(path) }
      response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' }).end(body)
    })
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
