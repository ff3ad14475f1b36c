import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import type { Address } from '../../src/util/address.ts'

export const LOOPBACK: Address = { host: '127.0.0.1', port: 0 }

/** A listening server that is closed, with its connections, when the test ends. */
export async function startServer(t: TestContext): Promise<{ server: Server; address: Address }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  t.after(() => closeServer(server, sockets))
  return { server, address: await listenTcp(server, LOOPBACK) }
}

/** The next connection that the server accepts. */
export async function accepted(server: Server): Promise<Socket> {
  const [socket] = await once(server, 'connection')
  return socket
}

/** Everything the socket receives until the other side ends. */
export async function receiveAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks)
}
