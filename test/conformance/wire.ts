import { once } from 'node:events'
import net from 'node:net'
import type { Address } from '../../src/util/address.ts'

/** A connection that shows the raw frames it receives. It shares no code with what it tests. */
export class Wire {
  readonly #socket: net.Socket
  #received = Buffer.alloc(0)
  #ended = false
  #changed = (): void => {}

  private constructor(socket: net.Socket) {
    this.#socket = socket
    socket.on('data', chunk => {
      this.#received = Buffer.concat([this.#received, chunk])
      this.#changed()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#changed()
    })
    socket.on('error', () => {}) // a reset is a way of closing
  }

  static async open({ host, port }: Address): Promise<Wire> {
    const socket = net.connect({ host, port, noDelay: true })
    await once(socket, 'connect')
    return new Wire(socket)
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** The content of the next frame, after its 4-byte size; undefined when none has come after `ms`, or ever will. */
  async next(ms: number): Promise<Buffer | undefined> {
    const frame = (): Buffer | undefined => this.#cutFrame()
    return this.#until(frame, ms)
  }

  /** Whether the other side has closed the connection, or does within `ms`. */
  async isClosed(ms: number): Promise<boolean> {
    await this.#until(() => undefined, ms)
    return this.#ended
  }

  async close(): Promise<void> {
    if (this.#ended) return
    this.#socket.destroy()
    await once(this.#socket, 'close')
  }

  #cutFrame(): Buffer | undefined {
    if (this.#received.length < 4) return undefined
    const end = 4 + this.#received.readUInt32BE(0)
    if (this.#received.length < end) return undefined
    const frame = this.#received.subarray(4, end)
    this.#received = this.#received.subarray(end)
    return frame
  }

  /** Tries `get` whenever something has happened, until it gives something, the time is up or the connection closed. */
  async #until<T>(get: () => T | undefined, ms: number): Promise<T | undefined> {
    const deadline = Date.now() + ms
    for (;;) {
      const value = get()
      const left = deadline - Date.now()
      if (value !== undefined || this.#ended || left <= 0) return value
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, left)
        this.#changed = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
