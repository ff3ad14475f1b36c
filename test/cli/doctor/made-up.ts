/** Facts that nobody has found: a cluster in which all is well, and ways to make it worse. */
import type { NodeInfo } from '../../../src/cluster/lookup.ts'
import type { ChannelStats, NsqdAbout, NsqdStats, TopicStats } from '../../../src/cluster/stats.ts'
import type {
  Facts,
  Failure,
  IdentityFacts,
  LookupdFacts,
  NsqdFacts,
  NsqdHttpFacts,
  WireFacts,
} from '../../../src/cli/doctor/facts.ts'

export const AT = Date.parse('2026-01-02T03:04:05Z')
export const DAY = 24 * 60 * 60 * 1000

export const refused: Failure = { code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' }
export const unresolved: Failure = { code: 'ENOTFOUND', message: 'getaddrinfo ENOTFOUND' }
export const late: Failure = { code: 'ETIMEDOUT', message: 'no answer within 2000 ms' }

/** One nsqlookupd, and one nsqd that is registered with it, on two machines. */
export function facts(changed: Partial<Facts> = {}): Facts {
  return {
    configuration: {
      located: [{ kind: 'nsqlookupd', address: '10.0.0.1:4161', from: '--lookupd-http-address' }],
      isAssumed: false,
      context: undefined,
      unknownVariables: [],
    },
    machine: { nodeVersion: 'v22.1.0', openFiles: 1_048_576, disks: [] },
    lookupds: [lookupd()],
    registrars: [],
    nsqds: [nsqd()],
    backlogs: [],
    wanted: { tls: false, verify: true, secret: false },
    at: AT,
    ...changed,
  }
}

export function lookupd(changed: Partial<LookupdFacts> = {}): LookupdFacts {
  return {
    address: '10.0.0.1:4161',
    name: { host: '10.0.0.1', addresses: ['10.0.0.1'] },
    isConnected: true,
    service: 'nsqlookupd-http',
    ms: 1,
    ping: { status: 200, text: 'OK' },
    version: '1.3.0',
    clock: { min: -500, max: 500 },
    nodes: [node()],
    ...changed,
  }
}

export function nsqd(changed: Partial<NsqdFacts> = {}): NsqdFacts {
  return {
    name: '10.0.0.2:4151',
    isGiven: false,
    registered: node(),
    wire: wire(),
    http: http(),
    reachableAt: [],
    ...changed,
  }
}

/** One that was given, and of which nsqlookupd knows nothing. */
export function unregistered(from: NsqdFacts = nsqd()): NsqdFacts {
  const { registered, ...rest } = from
  void registered
  return { ...rest, isGiven: true }
}

export function node(changed: Partial<NodeInfo> = {}): NodeInfo {
  const { broadcastAddress = '10.0.0.2', tcpPort = 4150, httpPort = 4151 } = changed
  return {
    tcpAddress: `${broadcastAddress}:${tcpPort}`,
    httpAddress: `${broadcastAddress}:${httpPort}`,
    broadcastAddress,
    tcpPort,
    httpPort,
    hostname: 'two',
    version: '1.3.0',
    topologyZone: '',
    topologyRegion: '',
    registrations: [{ lookupd: '10.0.0.1:4161', remoteAddress: '10.0.0.2:50000' }],
    topics: [],
    ...changed,
  }
}

export function wire(changed: Partial<WireFacts> = {}): WireFacts {
  return {
    address: '10.0.0.2:4150',
    name: { host: '10.0.0.2', addresses: ['10.0.0.2'] },
    isConnected: true,
    service: 'nsqd-tcp',
    identity: identity(),
    ...changed,
  }
}

/** A port with which there was no connection. */
export function unreachable(
  failure: Failure,
  host = '10.0.0.2',
): Pick<WireFacts, 'address' | 'name' | 'isConnected' | 'failure'> {
  const isName = failure === unresolved
  const name = { host, addresses: isName ? [] : [host], ...(isName ? { failure } : {}) }
  return { address: `${host}:4150`, name, isConnected: false, failure }
}

export function identity(changed: Partial<IdentityFacts> = {}): IdentityFacts {
  return {
    version: '1.3.0',
    maxRdyCount: 2500,
    msgTimeout: 60_000,
    maxMsgTimeout: 900_000,
    tls: false,
    authRequired: false,
    ...changed,
  }
}

export const about: NsqdAbout = {
  version: '1.3.0',
  hostname: 'two',
  broadcastAddress: '10.0.0.2',
  tcpPort: 4150,
  httpPort: 4151,
  startTime: AT - DAY,
  topologyZone: '',
  topologyRegion: '',
}

export function http(changed: Partial<NsqdHttpFacts> = {}): NsqdHttpFacts {
  return {
    address: '10.0.0.2:4151',
    name: { host: '10.0.0.2', addresses: ['10.0.0.2'] },
    isConnected: true,
    service: 'nsqd-http',
    ms: 1,
    ping: { status: 200, text: 'OK' },
    version: '1.3.0',
    clock: { min: -500, max: 500 },
    about,
    stats: stats([]),
    config: { isOurs: false, lookupds: ['10.0.0.1:4160'], maxMsgSize: 1_048_576 },
    ...changed,
  }
}

export function stats(topics: readonly TopicStats[]): NsqdStats {
  return {
    node: '10.0.0.2:4151',
    hostname: '',
    version: '1.3.0',
    health: 'OK',
    startTime: AT - DAY,
    answeredAt: 0,
    topics: [...topics],
    producers: [],
  }
}

export function topic(name: string, changed: Partial<TopicStats> = {}): TopicStats {
  return {
    name,
    depth: 0,
    backendDepth: 0,
    messages: 0,
    messageBytes: 0,
    paused: false,
    latency: undefined,
    channels: [],
    ...changed,
  }
}

export function channel(name: string, changed: Partial<ChannelStats> = {}): ChannelStats {
  return {
    name,
    depth: 0,
    backendDepth: 0,
    inFlight: 0,
    deferred: 0,
    messages: 0,
    requeued: 0,
    timedOut: 0,
    zoneLocal: 0,
    regionLocal: 0,
    global: 0,
    clientCount: 0,
    clients: [],
    paused: false,
    latency: undefined,
    ...changed,
  }
}
