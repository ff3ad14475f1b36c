import type { Socket } from 'node:net'
import { dial } from '../../net/dial.ts'
import { type Endpoint, parseAddress } from '../../util/address.ts'
import { errorText } from '../../util/errors.ts'
import type { Failure, NameFacts, PortFacts } from './facts.ts'
import { failureOf } from './failure.ts'
import { resolveName } from './names.ts'
import type { ProbeOptions } from './probe-options.ts'
import { Talk } from './talk.ts'

/** Of the path of a Unix socket, which is no name. */
const NO_NAME: NameFacts = { host: '', addresses: [] }

/** The code of a failure: what a daemon says of another leads nowhere. */
export const NO_ADDRESS = 'EINVAL'

/**
 * Resolves and connects; when that works, `converse` finds out the rest. Never rejects.
 *
 * @param read - `parseEndpoint` for what the user has named: a daemon may not send us to a socket of this machine
 */
export async function openPort<T extends PortFacts>(
  address: string,
  { timeoutMs, signal }: ProbeOptions,
  converse: (talk: Talk, facts: PortFacts) => Promise<T>,
  read: (address: string) => Endpoint = parseAddress,
): Promise<T | PortFacts> {
  let endpoint: Endpoint
  try {
    endpoint = read(address)
  } catch (error) {
    return noAddress(address, error)
  }
  const name = 'path' in endpoint ? NO_NAME : await resolveName(endpoint.host, timeoutMs)
  if (name.failure !== undefined) return { address, name, isConnected: false, failure: name.failure }
  let socket: Socket
  try {
    socket = await dial(endpoint, { timeoutMs, signal })
  } catch (error) {
    return { address, name, isConnected: false, failure: connectFailure(error) }
  }
  const talk = new Talk(socket, timeoutMs)
  const giveUp = (): void => talk.destroy()
  signal.addEventListener('abort', giveUp)
  try {
    return await converse(talk, { address, name, isConnected: true })
  } finally {
    signal.removeEventListener('abort', giveUp)
    talk.destroy()
  }
}

/** Of what is no address. */
export function noAddress(address: string, error: unknown): PortFacts & { failure: Failure } {
  const failure = { code: NO_ADDRESS, message: errorText(error) }
  return { address, name: NO_NAME, isConnected: false, failure }
}

/** The host that a certificate must be for. */
export function hostOf(endpoint: Endpoint): string {
  return 'path' in endpoint ? 'localhost' : endpoint.host
}

/** A connection that is neither refused nor made has been swallowed by something in between. */
function connectFailure(error: unknown): Failure {
  const failure = failureOf(error)
  const isLate = failure.code === 'E_CONNECT' && failure.message.includes('no answer within')
  return isLate ? { ...failure, code: 'ETIMEDOUT' } : failure
}
