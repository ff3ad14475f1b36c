import type { Service } from '../facts.ts'
import { type Check, fail, type Verdict } from '../finding.ts'
import { type Port, type PortKind, portsOf } from '../ports.ts'

/** A port that is not of the kind that it was given as: 4151 for 4150 is what happens to everybody. */
export const service: Check = {
  id: 'service',
  title: 'Behind each port is what ought to be there, not the HTTP port in place of the TCP port',
  run: facts => portsOf(facts).flatMap(judge),
}

const NAMES: Record<Service, string> = {
  'nsqd-tcp': 'the TCP port of an nsqd',
  'nsqd-http': 'the HTTP port of an nsqd',
  'nsqlookupd-tcp': 'the TCP port of an nsqlookupd',
  'nsqlookupd-http': 'the HTTP port of an nsqlookupd',
  nsqadmin: 'an nsqadmin',
  http: 'an HTTP server',
  tls: 'a server that speaks TLS from the beginning',
  unknown: 'the port of another protocol',
}

const EXPECTED: Record<PortKind, string> = {
  'nsqd-tcp': "nsqd's TCP port is usually 4150.",
  'nsqd-http': "nsqd's HTTP port is usually 4151.",
  'nsqlookupd-tcp': "nsqlookupd's TCP port is usually 4160, and its HTTP port 4161.",
  'nsqlookupd-http': "nsqlookupd's HTTP port is usually 4161.",
}

const FLAGS: Partial<Record<Service, string>> = {
  'nsqd-tcp': 'Give this one with --nsqd-tcp-address',
  'nsqd-http': 'Give this one with --nsqd-http-address',
  'nsqlookupd-http': 'Give this one with --lookupd-http-address',
  'nsqlookupd-tcp': 'This one is for nsqd --lookupd-tcp-address only',
  tls: 'nsqd begins TLS only after IDENTIFY: something that ends TLS in front of it is in the way',
}

function judge(port: Port): Verdict[] {
  const found = foundAt(port)
  const { kind, target, facts, nsqds = [] } = port
  if (found === undefined || found === kind) return []
  const message = `${facts.address} is ${NAMES[found]}, not ${NAMES[kind]}`
  if (kind === 'nsqlookupd-tcp') {
    return [
      fail(
        target,
        message,
        `Start nsqd ${nsqds.join(', ')} with another --lookupd-tcp-address. ${EXPECTED[kind]}`,
      ),
    ]
  }
  const tcpPort = port.nsqd?.http?.about?.tcpPort
  const known = kind === 'nsqd-tcp' && tcpPort ? `Its TCP port is ${tcpPort}.` : EXPECTED[kind]
  const flag = FLAGS[found]
  return [fail(target, message, flag === undefined ? known : `${flag}. ${known}`)]
}

/** Behind a port that speaks HTTP, what it said when it was asked in HTTP. */
function foundAt({ kind, facts, nsqd }: Port): Service | undefined {
  const isHttp = facts.service === 'http' && kind === 'nsqd-tcp' && nsqd?.http?.address === facts.address
  return isHttp ? nsqd.http.service : facts.service
}
