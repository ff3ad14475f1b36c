import type { TlsFacts } from '../net/tls.ts'
import { LatencyQuantiles, type LatencyResult } from '../util/quantile.ts'
import { version } from '../util/version.ts'
import { type MemoryStats, memoryStats } from './memory.ts'

/** A client's connection, as `/stats` needs it. */
export interface SessionSource {
  readonly clientId: string
  readonly hostname: string
  readonly userAgent: string
  /** `ip:port` */
  readonly remoteAddress: string
  /** 0 new, 2 connected, 3 subscribed, 4 closing. */
  readonly state: number
  readonly ready: number
  readonly inFlightCount: number
  readonly messageCount: number
  readonly finishCount: number
  readonly requeueCount: number
  /** Milliseconds since 1970. */
  readonly connectedAt: number
  readonly sampleRate: number
  readonly deflate: boolean
  readonly snappy: boolean
  /** Undefined without TLS. */
  readonly tls: TlsFacts | undefined
  /** What AUTH has brought. */
  readonly authorizations:
    | { readonly identity: string; readonly identityUrl: string; readonly count: number }
    | undefined
  readonly topologyZone: string
  readonly topologyRegion: string
  /** Messages published, by topic. */
  readonly pubCounts: ReadonlyMap<string, number>
}

export interface ChannelSource {
  readonly name: string
  readonly paused: boolean
  readonly depth: number
  readonly backendDepth: number
  readonly inFlightCount: number
  readonly deferredCount: number
  readonly messageCount: number
  readonly requeueCount: number
  readonly timeoutCount: number
  readonly zoneLocalCount: number
  readonly regionLocalCount: number
  readonly globalCount: number
  /** Dropped as too many, or too old; undefined when that never happens. */
  readonly droppedCount: number | undefined
  readonly expiredCount: number | undefined
  /** Undefined without --orphan-after. */
  readonly isOrphaned: boolean | undefined
  readonly sessions: ReadonlySet<SessionSource>
  /** Undefined when no percentiles are tracked. */
  readonly latency: LatencyQuantiles | undefined
}

export interface TopicSource {
  readonly name: string
  readonly paused: boolean
  readonly depth: number
  readonly backendDepth: number
  readonly messageCount: number
  readonly messageBytes: number
  /** Not taken in, as too many wait; and, in no channel yet, dropped as too many, or too old. Undefined: never. */
  readonly refusedCount: number | undefined
  readonly droppedCount: number | undefined
  readonly expiredCount: number | undefined
  /** Bytes of finished segments that are kept; undefined when nothing is to be. */
  readonly retainedBytes: number | undefined
  readonly channels: ReadonlyMap<string, ChannelSource>
}

/** The daemon, as `/stats` needs it. */
export interface StatsSource {
  readonly health: string
  readonly startTime: Date
  readonly topics: ReadonlyMap<string, TopicSource>
  readonly sessions: ReadonlySet<SessionSource>
  readonly options: { readonly e2eProcessingLatencyPercentile: readonly number[] }
}

export interface StatsFilter {
  /** Only this topic; all when empty. */
  topic: string
  /** Only this channel, and topics that have it; all when empty. */
  channel: string
  includeClients: boolean
  includeMemory: boolean
}

interface Latency {
  count: number
  /** In nanoseconds; null when no percentiles are tracked, or the topic has no channel. */
  percentiles: LatencyResult['percentiles'] | null
}

/** A client in `/stats`. The names are the official ones, as in all of the following. */
export interface ClientStats {
  client_id: string
  hostname: string
  version: 'V2'
  remote_address: string
  state: number
  ready_count: number
  in_flight_count: number
  message_count: number
  finish_count: number
  requeue_count: number
  /** Seconds since 1970. */
  connect_ts: number
  sample_rate: number
  deflate: boolean
  snappy: boolean
  user_agent: string
  /** Left out for a client without authorizations, and where they are empty. */
  authed?: boolean
  auth_identity?: string
  auth_identity_url?: string
  topology_zone: string
  topology_region: string
  /** Left out for a client that has published nothing. */
  pub_counts?: { topic: string; count: number }[]
  tls: boolean
  /** The IANA name. */
  tls_cipher_suite: string
  /** `TLS1.2`, `TLS1.3` */
  tls_version: string
  tls_negotiated_protocol: string
  tls_negotiated_protocol_is_mutual: boolean
}

export interface ChannelStats {
  channel_name: string
  depth: number
  backend_depth: number
  in_flight_count: number
  deferred_count: number
  message_count: number
  /** Messages delivered, by how near the consumer was; left out when zero. */
  zone_local_msg_count?: number
  region_local_msg_count?: number
  global_msg_count?: number
  requeue_count: number
  timeout_count: number
  client_count: number
  /** Null when clients were not asked for. */
  clients: ClientStats[] | null
  paused: boolean
  e2e_processing_latency: Latency
  /** Ours, and left out when zero, or not so: see --overflow, --message-ttl, --orphan-after. */
  dropped_count?: number
  expired_count?: number
  orphaned?: true
}

export interface TopicStats {
  topic_name: string
  channels: ChannelStats[]
  depth: number
  backend_depth: number
  message_count: number
  message_bytes: number
  /** Ours; left out without --retain-time and --retain-bytes. */
  retained_bytes?: number
  paused: boolean
  e2e_processing_latency: Latency
  /** Ours, and left out when zero: messages that were refused as too many; and of those in none of its channels … */
  refused_count?: number
  dropped_count?: number
  expired_count?: number
}

export interface Stats {
  version: string
  health: string
  /** Seconds since 1970. */
  start_time: number
  topics: TopicStats[]
  memory?: MemoryStats
  producers: ClientStats[] | null
}

/** What `/stats?format=json` answers: the official JSON, key for key. Topics and channels are in the order of their names. */
export function collectStats(source: StatsSource, filter: StatsFilter, nowMs = Date.now()): Stats {
  const { topic: topicName, channel: channelName, includeClients, includeMemory } = filter
  const quantiles = source.options.e2eProcessingLatencyPercentile
  const latency = (channels: Iterable<ChannelSource>): Latency => {
    const all = [...channels].flatMap(channel => channel.latency ?? [])
    return all.length > 0 ? LatencyQuantiles.queryAll(all, quantiles, nowMs) : { count: 0, percentiles: null }
  }
  const channelStats = (channel: ChannelSource): ChannelStats => ({
    channel_name: channel.name,
    depth: channel.depth,
    backend_depth: channel.backendDepth,
    in_flight_count: channel.inFlightCount,
    deferred_count: channel.deferredCount,
    message_count: channel.messageCount,
    ...(channel.zoneLocalCount > 0 && { zone_local_msg_count: channel.zoneLocalCount }),
    ...(channel.regionLocalCount > 0 && { region_local_msg_count: channel.regionLocalCount }),
    ...(channel.globalCount > 0 && { global_msg_count: channel.globalCount }),
    requeue_count: channel.requeueCount,
    timeout_count: channel.timeoutCount,
    client_count: channel.sessions.size,
    clients: includeClients ? [...channel.sessions].map(session => clientStats(session, topicName)) : null,
    paused: channel.paused,
    e2e_processing_latency: latency([channel]),
    ...losses(channel),
    ...(channel.isOrphaned === true && { orphaned: true }),
  })
  const topicStats = (topic: TopicSource): TopicStats => ({
    topic_name: topic.name,
    channels: select(topic.channels, channelName).map(channelStats),
    depth: topic.depth,
    backend_depth: topic.backendDepth,
    message_count: topic.messageCount,
    message_bytes: topic.messageBytes,
    ...(topic.retainedBytes !== undefined && { retained_bytes: topic.retainedBytes }),
    paused: topic.paused,
    e2e_processing_latency: latency(topic.channels.values()),
    ...losses(topic),
  })
  const topics = select(source.topics, topicName).filter(
    topic => channelName === '' || topic.channels.has(channelName),
  )
  // As in the official nsqd: whoever has published is a producer, and an empty list of them is null.
  const producers = [...source.sessions].filter(session => includeClients && session.pubCounts.size > 0)
  return {
    version,
    health: source.health,
    start_time: Math.floor(source.startTime.getTime() / 1000),
    topics: topics.map(topicStats),
    ...(includeMemory && { memory: memoryStats() }),
    producers: producers.length === 0 ? null : producers.map(session => clientStats(session, topicName)),
  }
}

function clientStats(session: SessionSource, topicName: string): ClientStats {
  const { tls, authorizations } = session
  const counts = [...session.pubCounts].filter(([topic]) => topicName === '' || topic === topicName)
  return {
    client_id: session.clientId,
    hostname: session.hostname,
    version: 'V2',
    remote_address: session.remoteAddress,
    state: session.state,
    ready_count: session.ready,
    in_flight_count: session.inFlightCount,
    message_count: session.messageCount,
    finish_count: session.finishCount,
    requeue_count: session.requeueCount,
    connect_ts: Math.floor(session.connectedAt / 1000),
    sample_rate: session.sampleRate,
    deflate: session.deflate,
    snappy: session.snappy,
    user_agent: session.userAgent,
    ...(authorizations !== undefined && authStats(authorizations)),
    topology_zone: session.topologyZone,
    topology_region: session.topologyRegion,
    ...(counts.length > 0 && { pub_counts: counts.map(([topic, count]) => ({ topic, count })) }),
    tls: tls !== undefined,
    tls_cipher_suite: tls?.cipher ?? '',
    tls_version: tls === undefined ? '' : versionText(tls.version),
    tls_negotiated_protocol: tls?.protocol ?? '',
    // A remnant of NPN; Go says true for every TLS connection.
    tls_negotiated_protocol_is_mutual: tls !== undefined,
  }
}

/** Go's name for Node's `TLSv1.2`. */
function versionText(version: string): string {
  return version === 'TLSv1' ? 'TLS1.0' : version.replace('TLSv', 'TLS')
}

type AuthStats = Pick<ClientStats, 'authed' | 'auth_identity' | 'auth_identity_url'>

function authStats({
  identity,
  identityUrl,
  count,
}: NonNullable<SessionSource['authorizations']>): AuthStats {
  return {
    ...(count > 0 && { authed: true }),
    ...(identity !== '' && { auth_identity: identity }),
    ...(identityUrl !== '' && { auth_identity_url: identityUrl }),
  }
}

interface Losses {
  refused_count?: number
  dropped_count?: number
  expired_count?: number
}

interface LossSource {
  readonly refusedCount?: number | undefined
  readonly droppedCount: number | undefined
  readonly expiredCount: number | undefined
}

/** Ours: left out when zero, so that what is official stays as it is where nothing is bounded. */
function losses({
  refusedCount: refused = 0,
  droppedCount: dropped = 0,
  expiredCount: expired = 0,
}: LossSource): Losses {
  return {
    ...(refused > 0 && { refused_count: refused }),
    ...(dropped > 0 && { dropped_count: dropped }),
    ...(expired > 0 && { expired_count: expired }),
  }
}

/** The one of this name, or all in the order of their names when it is empty. */
function select<T extends { readonly name: string }>(all: ReadonlyMap<string, T>, name: string): T[] {
  if (name === '') return [...all.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const one = all.get(name)
  return one ? [one] : []
}
