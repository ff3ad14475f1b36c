import { once } from 'node:events'
import { lstatSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'
import type { Server, Socket } from 'node:net'
import { formatEndpoint } from '../util/address.ts'
import type { Address, Endpoint } from '../util/address.ts'
import { NsqError, errorText } from '../util/errors.ts'

/**
 * Listens, and resolves to the address in use: port 0 asks the system for a free port, and an empty host means every
 * interface. The file of a Unix socket that nobody answers on any more is replaced; it is removed when the server
 * closes.
 *
 * @throws NsqError E_LISTEN_IN_USE, E_LISTEN_DENIED, or E_LISTEN for any other reason.
 */
export async function listenTcp(server: Server, address: Address): Promise<Address>
export async function listenTcp(server: Server, endpoint: Endpoint): Promise<Endpoint>
export async function listenTcp(server: Server, endpoint: Endpoint): Promise<Endpoint> {
  try {
    await begin(server, endpoint)
  } catch (error) {
    throw listenError(error, endpoint)
  }
  const bound = server.address()
  if (typeof bound === 'string') return { path: bound }
  if (bound === null) throw listenError(new Error('closed at once'), endpoint)
  return { host: bound.address, port: bound.port }
}

/** Closes every connection beyond this many at once, before anything is made of it; 0 for no limit. */
export function limitConnections(server: Server, most: number, refused: () => void): void {
  if (most === 0) return
  server.maxConnections = most
  server.on('drop', refused)
}

/** Stops listening and closes the given connections; resolves when the server and all of them are closed. */
export async function closeServer(server: Server, sockets: Iterable<Socket>): Promise<void> {
  const closed = new Promise<void>(resolve => {
    // The only error is that the server was not listening, and then there is nothing to do.
    server.close(() => resolve())
  })
  for (const socket of sockets) socket.destroy()
  await closed
}

async function begin(server: Server, endpoint: Endpoint): Promise<void> {
  if (!('path' in endpoint)) {
    // Node takes a missing host as every interface, IPv6 when there is one.
    const { host, port } = endpoint
    server.listen(host === '' ? { port } : { port, host })
    await once(server, 'listening')
    return
  }
  const { path } = endpoint
  try {
    server.listen({ path })
    await once(server, 'listening')
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' || !(await isAbandoned(path))) throw error
    unlinkSync(path)
    server.listen({ path })
    await once(server, 'listening')
  }
}

/** Whether the path is a Unix socket that a program has left behind. */
async function isAbandoned(path: string): Promise<boolean> {
  // Connecting to what is no socket is refused as well.
  if (!lstatSync(path).isSocket()) return false
  const socket = connect({ path })
  try {
    await once(socket, 'connect')
    return false
  } catch (error) {
    return codeOf(error) === 'ECONNREFUSED'
  } finally {
    socket.destroy()
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function listenError(error: unknown, endpoint: Endpoint): NsqError {
  const name = formatEndpoint(endpoint)
  const reason = codeOf(error)
  const isPath = 'path' in endpoint
  if (reason === 'EADDRINUSE') {
    return new NsqError('E_LISTEN_IN_USE', `cannot listen on ${name}: the address is in use`, {
      cause: error,
      remedy: 'Stop the program that uses it, or choose another address.',
    })
  }
  if (reason === 'EACCES' || reason === 'EPERM') {
    return new NsqError('E_LISTEN_DENIED', `cannot listen on ${name}: permission denied`, {
      cause: error,
      remedy: isPath
        ? 'Choose a folder that this user may write to.'
        : 'Choose a port above 1023, or run with the right to use this one.',
    })
  }
  return new NsqError('E_LISTEN', `cannot listen on ${name}: ${errorText(error)}`, {
    cause: error,
    remedy: isPath
      ? 'Check that its folder exists and that the path has no more than 107 bytes.'
      : 'Check that the address belongs to this machine.',
  })
}
