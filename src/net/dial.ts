import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { formatEndpoint } from '../util/address.ts'
import type { Endpoint } from '../util/address.ts'
import { NsqError, errorText } from '../util/errors.ts'

export interface DialOptions {
  /** How long to wait for the connection, in milliseconds. */
  timeoutMs: number
  /** Let the system probe an idle connection, so that a dead peer is noticed. Off by default. */
  keepAlive?: boolean
  /** Gives the attempt up when it is aborted. */
  signal?: AbortSignal
}

/**
 * Connects, without Nagle's delay. An empty host is this machine. From here on the socket's errors are the caller's.
 *
 * @throws NsqError E_CONNECT naming the address.
 */
export function dial(
  endpoint: Endpoint,
  { timeoutMs, keepAlive = false, signal }: DialOptions,
): Promise<Socket> {
  const to =
    'path' in endpoint
      ? endpoint
      : { host: endpoint.host === '' ? 'localhost' : endpoint.host, port: endpoint.port }
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true, keepAlive })
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', giveUp)
      socket.off('error', fail)
    }
    const fail = (error: unknown): void => {
      settle()
      socket.destroy()
      reject(connectError(error, endpoint))
    }
    const giveUp = (): void => fail(new Error('no longer wanted'))
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    socket.once('error', fail)
    socket.once('connect', () => {
      settle()
      resolve(socket)
    })
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted) giveUp()
  })
}

function connectError(error: unknown, endpoint: Endpoint): NsqError {
  // When a name has several addresses, Node's error is an aggregate without a message of its own.
  const reason = error instanceof AggregateError ? error.errors.map(errorText).join(', ') : errorText(error)
  return new NsqError('E_CONNECT', `cannot connect to ${formatEndpoint(endpoint)}: ${reason}`, {
    cause: error,
    remedy: 'Check that the daemon is running and that the address is right.',
  })
}
