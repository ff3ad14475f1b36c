import { isSame } from '../elsewhere.ts'
import type { Facts, NsqdFacts } from '../facts.ts'
import { type Check, fail, ok, type Verdict, warn } from '../finding.ts'
import { isLoopback } from '../names.ts'
import { NO_ADDRESS } from '../port.ts'
import { nsqdTarget } from '../ports.ts'

/** Docker names a container so, unless told otherwise, and nsqd itself by the name of its machine. */
const CONTAINER = /^[0-9a-f]{12}$/

export const broadcast: Check = {
  id: 'broadcast',
  title: 'The address that nsqlookupd tells clients leads to the nsqd that registered it',
  run: facts => facts.nsqds.flatMap(nsqd => judge(nsqd, facts)),
}

/** Whether this is what is wrong with an nsqd: then it is said here, and not once more by other checks. */
export function isLost({ registered, wire, reachableAt }: NsqdFacts): boolean {
  if (registered === undefined || wire?.failure === undefined || wire.isConnected) return false
  const isRefused = wire.failure.code === 'ECONNREFUSED'
  // Else it has just been stopped.
  return !isRefused || reachableAt.length > 0 || isForeignLoopback(registered)
}

function judge(nsqd: NsqdFacts, facts: Facts): Verdict[] {
  const { registered, wire, http } = nsqd
  if (registered === undefined) return judgeUnregistered(nsqd)
  const target = nsqdTarget(nsqd)
  const { tcpAddress } = registered
  if (isLost(nsqd)) {
    return [fail(target, `clients are sent to ${nowhere(nsqd)}${explain(nsqd)}`, remedy(nsqd))]
  }
  if (http?.about !== undefined && !isSame(http.about, nsqd)) {
    const { hostname, broadcastAddress, tcpPort } = http.about
    const other = `${hostname || 'unknown'}, which broadcasts ${broadcastAddress}:${tcpPort}`
    return [
      fail(
        target,
        `at ${tcpAddress} another nsqd answers: that of ${other}, not that of ${registered.hostname}`,
        remedy(nsqd),
      ),
    ]
  }
  if (isForeignLoopback(registered) || isLoopbackFromAfar(nsqd, facts)) {
    return [
      warn(
        target,
        `clients are sent to ${tcpAddress}: each finds there what runs on its own machine, which is not this nsqd but on one`,
        remedy(nsqd),
      ),
    ]
  }
  // What else is wrong with it others say.
  return wire?.failure === undefined
    ? [ok(target, `clients are sent to ${tcpAddress}, and find it there`)]
    : []
}

function nowhere({ registered, wire }: NsqdFacts): string {
  const { broadcastAddress = '', tcpAddress = '' } = registered ?? {}
  const code = wire?.failure?.code
  if (code === NO_ADDRESS) return `"${tcpAddress}", which is no address`
  if (wire?.name.failure !== undefined) return `"${broadcastAddress}", a name that cannot be resolved here`
  return `${tcpAddress}, which cannot be reached from here (${code})`
}

function judgeUnregistered(nsqd: NsqdFacts): Verdict[] {
  const { broadcast: name } = nsqd
  if (name?.failure === undefined) return []
  return [
    warn(
      nsqdTarget(nsqd),
      `nsqlookupd is told that it is at "${name.host}", a name that cannot be resolved here${hint(name.host)}`,
      remedy(nsqd),
    ),
  ]
}

/** It says 127.0.0.1, but has come to nsqlookupd from elsewhere. */
function isForeignLoopback({
  broadcastAddress,
  registrations,
}: NonNullable<NsqdFacts['registered']>): boolean {
  const came = registrations.map(({ remoteAddress }) => remoteAddress).filter(address => address !== '')
  return isLoopback(broadcastAddress) && came.length > 0 && !came.some(isLoopback)
}

/** It says 127.0.0.1 to an nsqlookupd of another machine. */
function isLoopbackFromAfar({ registered }: NsqdFacts, { lookupds }: Facts): boolean {
  if (registered === undefined || !isLoopback(registered.broadcastAddress)) return false
  const asked = new Set(registered.registrations.map(({ lookupd }) => lookupd))
  return lookupds.some(
    ({ address, name }) =>
      asked.has(address) && name.addresses.length > 0 && !name.addresses.some(isLoopback),
  )
}

function explain({ registered, reachableAt }: NsqdFacts): string {
  if (reachableAt.length > 0) return `; it answers at ${reachableAt.join(' and ')}`
  return registered === undefined ? '' : hint(registered.broadcastAddress)
}

function hint(address: string): string {
  return CONTAINER.test(address) ? ': the name of a container, as Docker makes them' : ''
}

function remedy({ reachableAt: [found] }: NsqdFacts): string {
  const example =
    found === undefined ? '' : ` (from here, ${found.slice(0, found.lastIndexOf(':'))} would do)`
  return (
    `Start that nsqd with --broadcast-address set to a name or address at which all its clients reach it${example}, ` +
    'and publish its ports. With Docker Compose, clients in the same network reach it by the name of its service, ' +
    'and those outside by that of the host.'
  )
}
