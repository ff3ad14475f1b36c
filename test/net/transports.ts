import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { dial } from '../../src/net/dial.ts'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import { type Layer, Transport, type TransportHandler } from '../../src/net/transport.ts'
import { until } from '../support/wait.ts'
import { LOOPBACK } from './sockets.ts'

export const NOTHING = Buffer.alloc(0)

/** One end of a connection that keeps what its handler is told. */
export class End implements TransportHandler {
  readonly socket: Socket
  readonly transport: Transport
  readonly chunks: Buffer[] = []
  readonly events: string[] = []
  length = 0
  error: Error | undefined

  constructor(socket: Socket) {
    this.socket = socket
    this.transport = new Transport(socket, this)
  }

  data(chunk: Buffer): void {
    this.chunks.push(chunk)
    this.length += chunk.length
  }

  drained(): void {
    this.events.push('drained')
  }

  ended(): void {
    this.events.push('ended')
  }

  closed(error?: Error): void {
    this.events.push('closed')
    this.error = error
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get isClosed(): boolean {
    return this.events.includes('closed')
  }

  send(bytes: Buffer | string): void {
    this.transport.writer.write(Buffer.from(bytes))
    this.transport.writer.flush()
  }

  async receives(bytes: Buffer | string): Promise<void> {
    const expected = Buffer.from(bytes)
    await until(
      () => this.length >= expected.length || this.isClosed,
      () => `${this.length} of ${expected.length} bytes, ${this.events.join()}`,
    )
    if (!this.bytes.equals(expected)) {
      const head = this.bytes.subarray(0, 50).toString('latin1')
      throw new Error(`received other bytes: ${this.length}, ${head}…, ${this.error?.message}`)
    }
  }

  async closes(): Promise<void> {
    await until(
      () => this.isClosed,
      () => `closing, ${this.events.join()}`,
    )
  }
}

/** A client's and a server's socket over TCP; closed when the test ends. */
export async function socketPair(
  t: TestContext,
  options: { allowHalfOpen?: boolean } = {},
): Promise<[client: Socket, server: Socket]> {
  const server = createServer(options)
  const address = await listenTcp(server, LOOPBACK)
  const [client, [accepted]] = await Promise.all([
    dial(address, { timeoutMs: 10_000 }),
    once(server, 'connection'),
  ])
  const ends: Socket[] = [client, accepted]
  for (const socket of ends) socket.on('error', () => {})
  t.after(() => closeServer(server, ends))
  return [client, accepted]
}

/** Both ends of a connection, each with the layers given for it. */
export async function connected(
  t: TestContext,
  layers: readonly (readonly [client: Layer, server: Layer])[] = [],
): Promise<[client: End, server: End]> {
  const [client, server] = (await socketPair(t, { allowHalfOpen: true })).map(socket => new End(socket))
  if (client === undefined || server === undefined) throw new Error('no pair')
  for (const [above, other] of layers) {
    await Promise.all([client.transport.upgrade(above, NOTHING), server.transport.upgrade(other, NOTHING)])
  }
  return [client, server]
}
