import type { Failure } from '../facts.ts'
import { type Check, fail, ok, skip, type Verdict, warn } from '../finding.ts'
import { describePort, type Port, type PortKind, portsOf } from '../ports.ts'
import { isLost } from './broadcast.ts'

export const dns: Check = {
  id: 'dns',
  title: 'Names of hosts can be resolved here',
  run: facts => {
    const seen = new Set<string>()
    return portsOf(facts).flatMap(port => {
      const { host, addresses, failure } = port.facts.name
      const isNew = !seen.has(`${port.target} ${host}`)
      seen.add(`${port.target} ${host}`)
      // A literal address, the path of a socket, or a name that the check of broadcast addresses speaks of.
      if (!isNew || addresses[0] === host || host === '' || isLostPort(port)) return []
      if (failure === undefined) return [ok(port.target, `${host} is ${addresses.join(', ')}`)]
      const message = `"${host}" cannot be resolved here: ${failure.message}`
      return port.kind === 'nsqlookupd-tcp'
        ? [skip(port.target, message)]
        : [fail(port.target, message, NO_NAME)]
    })
  },
}

const NO_NAME =
  'Check the spelling, and that this machine knows the name (getent hosts NAME): names of containers are known to ' +
  'containers in the same network only.'

export const connect: Check = {
  id: 'connect',
  title: 'Ports take connections',
  run: facts => {
    const registered = new Set(facts.nsqds.flatMap(nsqd => (nsqd.registered === undefined ? [] : nsqd.name)))
    return portsOf(facts).flatMap(port => judgeConnection(port, registered))
  },
}

function judgeConnection(port: Port, registered: ReadonlySet<string>): Verdict[] {
  const { facts, target, nsqd } = port
  const { failure, isConnected, name } = facts
  if (failure === undefined || isConnected) return [ok(target, `${describePort(port)} takes connections`)]
  if (name.failure !== undefined || isLostPort(port)) return []
  const message = `${describePort(port)}: ${reason(failure)}`
  if (port.kind === 'nsqlookupd-tcp') {
    // Only they need it, and may live in another network.
    const isFine = port.nsqds?.every(each => registered.has(each)) === true
    return [
      isFine
        ? skip(target, `${message}; its nsqds reach it`)
        : warn(target, message, remedy(failure, port.kind)),
    ]
  }
  // Consumers need TCP only.
  const isExtra = port.kind === 'nsqd-http' && nsqd?.isGiven === false && nsqd.wire?.identity !== undefined
  const verdict = isExtra ? warn : fail
  return [verdict(target, message, remedy(failure, port.kind))]
}

/** The check of broadcast addresses says it. */
function isLostPort({ nsqd }: Port): boolean {
  return nsqd !== undefined && isLost(nsqd)
}

function reason({ code, message }: Failure): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there (connection refused)'
    case 'ETIMEDOUT':
    case 'E_HTTP_TIMEOUT':
      return 'no answer to the attempt to connect'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `no way leads there (${code})`
    default:
      return message
  }
}

const USUAL: Record<PortKind, string> = {
  'nsqd-tcp': '4150',
  'nsqd-http': '4151',
  'nsqlookupd-tcp': '4160',
  'nsqlookupd-http': '4161',
}

function remedy({ code }: Failure, kind: PortKind): string {
  const [daemon = ''] = kind.split('-')
  const usual = `usually the port is ${USUAL[kind]}`
  switch (code) {
    case 'ECONNREFUSED':
      return `Start ${daemon} there, or check the address: ${usual}, and a container must publish it.`
    case 'ENOENT':
      return 'Check the path: nsqd makes its socket when it starts, and removes it when it ends.'
    case 'EACCES':
      return 'Allow this user to connect: write permission on the socket, and on the folders to it.'
    default:
      return `Check firewalls and routes on the way to it, and the address: ${usual}.`
  }
}
