import type { Socket } from 'node:net'
import { dial } from '../../net/dial.ts'
import { type Endpoint, parseEndpoint } from '../../util/address.ts'
import type { NameFacts, PortFacts } from './facts.ts'
import { failureOf } from './failure.ts'
import { resolveName } from './names.ts'
import type { ProbeOptions } from './probe-options.ts'
import { Talk } from './talk.ts'

/** Of the path of a Unix socket, which is no name. */
const NO_NAME: NameFacts = { host: '', addresses: [] }

/** Resolves and connects; when that works, `converse` finds out the rest. Never rejects. */
export async function openPort<T extends PortFacts>(
  address: string,
  { timeoutMs, signal }: ProbeOptions,
  converse: (talk: Talk, facts: PortFacts) => Promise<T>,
): Promise<T | PortFacts> {
  const endpoint = parseEndpoint(address)
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

/** The host that a certificate must be for. */
export function hostOf(endpoint: Endpoint): string {
  return 'path' in endpoint ? 'localhost' : endpoint.host
}

/** A connection that is neither refused nor made has been swallowed by something in between. */
function connectFailure(error: unknown): ReturnType<typeof failureOf> {
  const failure = failureOf(error)
  const isLate = failure.code === 'E_CONNECT' && failure.message.includes('no answer within')
  return isLate ? { ...failure, code: 'ETIMEDOUT' } : failure
}
