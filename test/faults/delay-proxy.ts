import { connect, createServer, type Server, type Socket } from 'node:net'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import type { Address } from '../../src/util/address.ts'

/** Stands before a server as a long way does: everything comes later, in its order, and nothing is lost. */
export class DelayProxy {
  /** Where clients find it; once `start` has resolved. */
  address: Address = { host: '', port: 0 }
  /** For what is sent from now on, in each direction. */
  delayMs: number
  /** How often something was sent that came later. */
  carried = 0
  readonly #target: Address
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(target: Address, delayMs: number) {
    this.#target = target
    this.delayMs = delayMs
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, socket => this.#accept(socket))
  }

  async start(): Promise<this> {
    this.address = await listenTcp(this.#server, { host: '127.0.0.1', port: 0 })
    return this
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    await closeServer(this.#server, this.#sockets)
  }

  #accept(client: Socket): void {
    const server = connect({ ...this.#target, allowHalfOpen: true, noDelay: true })
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => [client, server].forEach(each => each.destroy()))
    }
    this.#carry(client, server)
    this.#carry(server, client)
  }

  #carry(from: Socket, to: Socket): void {
    const underWay: (() => void)[] = []
    let lastDue = 0
    const later = (what: () => void): void => {
      const now = performance.now()
      // What was sent before does not come after it, though the way was longer then.
      lastDue = Math.max(lastDue, now + this.delayMs)
      underWay.push(what)
      this.carried++
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        underWay.shift()?.()
      }, lastDue - now)
      this.#timers.add(timer)
    }
    from.on('data', chunk => later(() => to.write(chunk)))
    from.on('end', () => later(() => to.end()))
  }
}
