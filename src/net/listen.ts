import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import { formatAddress } from '../util/address.ts'
import type { Address } from '../util/address.ts'
import { NsqError, errorText } from '../util/errors.ts'

/** Where a Unix socket lies in the file system. */
export interface SocketPath {
  path: string
}

/**
 * Listens, and resolves to the address in use: port 0 asks the system for a free port, and an empty host means every
 * interface. For a Unix socket the host is its path and the port 0.
 *
 * @throws NsqError E_LISTEN_IN_USE, E_LISTEN_DENIED, or E_LISTEN for any other reason.
 */
export async function listenTcp(server: Server, address: Address | SocketPath): Promise<Address> {
  try {
    server.listen('path' in address ? { path: address.path } : { port: address.port, host: hostOf(address) })
    await once(server, 'listening')
  } catch (error) {
    throw listenError(error, address)
  }
  const bound = server.address()
  if (typeof bound === 'string') return { host: bound, port: 0 }
  if (bound === null) throw listenError(new Error('closed at once'), address)
  return { host: bound.address, port: bound.port }
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

/** Node takes a missing host as every interface, IPv6 when there is one. */
function hostOf(address: Address): string | undefined {
  return address.host === '' ? undefined : address.host
}

function listenError(error: unknown, address: Address | SocketPath): NsqError {
  const name = 'path' in address ? address.path : formatAddress(address)
  const reason = error instanceof Error && 'code' in error ? error.code : undefined
  if (reason === 'EADDRINUSE') {
    return new NsqError('E_LISTEN_IN_USE', `cannot listen on ${name}: the address is in use`, {
      cause: error,
      remedy: 'Stop the program that uses it, or choose another address.',
    })
  }
  if (reason === 'EACCES' || reason === 'EPERM') {
    return new NsqError('E_LISTEN_DENIED', `cannot listen on ${name}: permission denied`, {
      cause: error,
      remedy: 'Choose a port above 1023, or run with the right to use this one.',
    })
  }
  return new NsqError('E_LISTEN', `cannot listen on ${name}: ${errorText(error)}`, {
    cause: error,
    remedy: 'Check that the address belongs to this machine.',
  })
}
