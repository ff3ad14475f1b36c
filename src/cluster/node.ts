import { formatAddress } from '../util/address.ts'
import type { NsqError } from '../util/errors.ts'
import { nodeOf } from './ask.ts'
import type { NodeInfo, NsqdInfo } from './lookup.ts'
import type { NsqdAbout, NsqdStats } from './stats.ts'

/** An nsqd of the cluster. */
export interface ClusterNode {
  /** `host:port` of its HTTP API, by which it is called: as registered, or as given. */
  node: string
  /** `host:port` for clients. */
  tcpAddress: string
  /** Empty, as all of the following, when an nsqd that was given did not answer. */
  hostname: string
  broadcastAddress: string
  tcpPort: number
  httpPort: number
  version: string
  /** The nsqlookupds that know it, as they were given. */
  lookupds: string[]
  /** `lookupd/ip:port`: its end of each connection to an nsqlookupd, written as nsqadmin does; `N/A` if not said. */
  remoteAddresses: string[]
  /** Its topics, sorted; those that nsqlookupd hides for now are tombstoned. */
  topics: { name: string; tombstoned: boolean }[]
  topologyZone: string
  topologyRegion: string
  /** Why it did not answer. */
  error?: NsqError
}

/** An nsqd as nsqlookupd knows it. */
export function toNode(info: NodeInfo | (NsqdInfo & Pick<NodeInfo, 'topics'>)): ClusterNode {
  const { httpAddress, registrations, ...rest } = info
  return {
    ...rest,
    node: httpAddress,
    lookupds: [...new Set(registrations.map(({ lookupd }) => lookupd))],
    remoteAddresses: registrations.map(
      ({ lookupd, remoteAddress }) => `${nodeOf(lookupd)}/${remoteAddress || 'N/A'}`,
    ),
  }
}

/** An nsqd of which only the address is known. */
export function unknownNode(node: string): ClusterNode {
  return {
    node,
    tcpAddress: '',
    hostname: '',
    broadcastAddress: '',
    tcpPort: 0,
    httpPort: 0,
    version: '',
    lookupds: [],
    remoteAddresses: [],
    topics: [],
    topologyZone: '',
    topologyRegion: '',
  }
}

/** The same when it has answered. Who gave its address can reach it there; what it says itself may be for others. */
export function givenNode(node: ClusterNode, about: NsqdAbout, { topics }: NsqdStats): ClusterNode {
  const host = node.node.slice(0, node.node.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return {
    ...node,
    ...about,
    tcpAddress: formatAddress({ host, port: about.tcpPort }),
    topics: topics.map(({ name }) => ({ name, tombstoned: false })).sort(byName),
  }
}

/** In the order in which lists of them are shown. */
export function byNode(a: ClusterNode, b: ClusterNode): number {
  return a.node < b.node ? -1 : 1
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}
