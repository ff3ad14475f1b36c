import { nodeOf } from '../../cluster/ask.ts'
import type { NodeInfo } from '../../cluster/lookup.ts'
import { formatAddress } from '../../util/address.ts'
import type { NsqdHttpFacts } from './facts.ts'

/** An nsqd to look at, by all the addresses that are known of it. */
export interface Subject {
  readonly name: string
  readonly isGiven: boolean
  readonly tcp?: string
  readonly http?: string
  /** What its HTTP API has said already. */
  readonly api?: NsqdHttpFacts
  readonly registered?: NodeInfo
}

interface Named {
  /** As each nsqlookupd has them. */
  readonly nodes: readonly NodeInfo[]
  /** Those that were named by their HTTP addresses, asked already. */
  readonly given: readonly NsqdHttpFacts[]
  /** Those that were named by their TCP addresses. */
  readonly tcp: readonly string[]
}

/** Every nsqd once, though it may be registered with several nsqlookupds, and named by both its addresses as well. */
export function mergeSubjects({ nodes, given, tcp }: Named): Subject[] {
  const subjects = new Map<string, Subject>()
  for (const node of mergeNodes(nodes)) {
    subjects.set(node.tcpAddress, {
      name: node.httpPort === 0 ? node.tcpAddress : node.httpAddress,
      isGiven: false,
      tcp: node.tcpAddress,
      // Without an HTTP API.
      ...(node.httpPort === 0 ? {} : { http: node.httpAddress }),
      registered: node,
    })
  }
  for (const api of given) {
    const name = nodeOf(api.address)
    const known = [...subjects.values()].find(({ http }) => http === name)
    const address = known?.tcp ?? tcpAddressOf(api)
    const key = address ?? name
    subjects.set(key, {
      ...(known ?? subjects.get(key) ?? { name }),
      isGiven: true,
      http: api.address,
      api,
      ...(address === undefined ? {} : { tcp: address }),
    })
  }
  for (const address of tcp) {
    const known = subjects.get(address)
    subjects.set(address, { ...(known ?? { name: address, tcp: address }), isGiven: true })
  }
  return [...subjects.values()]
}

/** Who gave the HTTP address can reach the TCP port by the same host; what nsqd itself says may be for others. */
function tcpAddressOf({ name, about, service }: NsqdHttpFacts): string | undefined {
  if (service !== 'nsqd-http' || about === undefined || about.tcpPort === 0) return undefined
  return formatAddress({ host: name.host, port: about.tcpPort })
}

/** One for each TCP address, with all its registrations. */
function mergeNodes(nodes: readonly NodeInfo[]): NodeInfo[] {
  const merged = new Map<string, NodeInfo>()
  for (const node of nodes) {
    const known = merged.get(node.tcpAddress)
    merged.set(node.tcpAddress, known === undefined ? node : mergeNode(known, node))
  }
  return [...merged.values()].sort((a, b) => (a.httpAddress < b.httpAddress ? -1 : 1))
}

function mergeNode(a: NodeInfo, b: NodeInfo): NodeInfo {
  const topics = new Map(a.topics.map(({ name, tombstoned }) => [name, tombstoned]))
  for (const { name, tombstoned } of b.topics) topics.set(name, tombstoned || topics.get(name) === true)
  return {
    ...a,
    registrations: [...a.registrations, ...b.registrations],
    topics: [...topics].map(([name, tombstoned]) => ({ name, tombstoned })),
  }
}
