/** The numbers of topics and channels as the official nsqadmin writes them: the same keys, in the same order. */
import type { ChannelStats, ClientStats, Latency, NsqdStats, TopicStats } from '../../cluster/stats.ts'

/** Percentiles over some nsqds. */
export interface LatencyJson {
  count: number
  percentiles: Record<'quantile' | 'min' | 'max' | 'average' | 'count', number>[] | null
  topic: string
  channel: string
  host: string
}

/** How many messages went to consumers of the same zone and region, and to others; left out when 0. */
interface Deliveries {
  delivery_msg_count?: number
  zone_local_msg_count?: number
  region_local_msg_count?: number
  global_msg_count?: number
}

export interface ChannelJson extends Deliveries {
  node: string
  hostname: string
  topic_name: string
  channel_name: string
  depth: number
  memory_depth: number
  backend_depth: number
  in_flight_count: number
  deferred_count: number
  requeue_count: number
  timeout_count: number
  message_count: number
  client_count: number
  /** The same of each nsqd, where this is a sum. */
  nodes: ChannelJson[] | null
  clients: ClientJson[] | null
  paused: boolean
  e2e_processing_latency: LatencyJson | null
}

export interface TopicJson extends Deliveries {
  node: string
  hostname: string
  topic_name: string
  depth: number
  memory_depth: number
  backend_depth: number
  message_count: number
  delivery_msg_count: number
  nodes: TopicJson[] | null
  channels: ChannelJson[] | null
  paused: boolean
  e2e_processing_latency: LatencyJson | null
}

type ClientJson = ReturnType<typeof clientJson>

/** The topics of an nsqd. `withClients`: whether these were asked for. */
export function topicsOf(nsqd: NsqdStats, withClients: boolean): TopicJson[] {
  return nsqd.topics.map(topic => topicJson(nsqd, topic, withClients))
}

function topicJson(nsqd: NsqdStats, topic: TopicStats, withClients: boolean): TopicJson {
  const channels = topic.channels.map(channel => channelJson(nsqd, topic.name, channel, withClients))
  const { delivery_msg_count: delivered = 0, ...places } = sumDeliveries(channels)
  return {
    node: nsqd.node,
    hostname: nsqd.hostname,
    topic_name: topic.name,
    depth: topic.depth,
    memory_depth: topic.depth - topic.backendDepth,
    backend_depth: topic.backendDepth,
    message_count: topic.messages,
    delivery_msg_count: delivered,
    ...places,
    nodes: null,
    channels,
    paused: topic.paused,
    e2e_processing_latency: latencyJson(topic.latency),
  }
}

function channelJson(
  nsqd: NsqdStats,
  topic: string,
  channel: ChannelStats,
  withClients: boolean,
): ChannelJson {
  const { zoneLocal, regionLocal, global } = channel
  return {
    node: nsqd.node,
    hostname: nsqd.hostname,
    topic_name: topic,
    channel_name: channel.name,
    depth: channel.depth,
    memory_depth: channel.depth - channel.backendDepth,
    backend_depth: channel.backendDepth,
    in_flight_count: channel.inFlight,
    deferred_count: channel.deferred,
    requeue_count: channel.requeued,
    timeout_count: channel.timedOut,
    message_count: channel.messages,
    ...deliveries(zoneLocal, regionLocal, global),
    client_count: channel.clientCount,
    nodes: null,
    clients: withClients ? channel.clients.map(client => clientJson(nsqd.node, client)) : null,
    paused: channel.paused,
    e2e_processing_latency: latencyJson(channel.latency),
  }
}

function clientJson(node: string, client: ClientStats) {
  return {
    node,
    remote_address: client.remoteAddress,
    version: client.version,
    client_id: client.clientId,
    hostname: client.hostname,
    user_agent: client.userAgent,
    connect_ts: Math.floor(client.connectedAt / 1000),
    // Nanoseconds, as a duration is in Go.
    connected: (Math.floor(Date.now() / 1000) - Math.floor(client.connectedAt / 1000)) * 1e9,
    in_flight_count: client.inFlight,
    ready_count: client.ready,
    finish_count: client.finished,
    requeue_count: client.requeued,
    message_count: client.messages,
    sample_rate: client.sampleRate,
    deflate: client.deflate,
    snappy: client.snappy,
    authed: client.authed,
    auth_identity: client.identity,
    auth_identity_url: client.identityUrl,
    topology_zone: client.topologyZone,
    topology_region: client.topologyRegion,
    tls: client.tls,
    tls_cipher_suite: client.tlsCipherSuite,
    tls_version: client.tlsVersion,
    tls_negotiated_protocol: client.tlsNegotiatedProtocol,
    tls_negotiated_protocol_is_mutual: client.tlsNegotiatedProtocolIsMutual,
  }
}

/** A topic over its nsqds. */
export function sumTopic(topic: string, shares: readonly TopicJson[]): TopicJson {
  const { delivery_msg_count: delivered = 0, ...places } = sumDeliveries(shares)
  return {
    node: shares.length === 0 ? '' : '*',
    hostname: '',
    topic_name: topic,
    depth: sum(shares, 'depth'),
    memory_depth: sum(shares, 'memory_depth'),
    backend_depth: sum(shares, 'backend_depth'),
    message_count: sum(shares, 'message_count'),
    delivery_msg_count: delivered,
    ...places,
    nodes: shares.length === 0 ? null : [...shares],
    channels: shares.length === 0 ? null : sumChannels(shares.flatMap(share => share.channels ?? [])),
    paused: shares.some(({ paused }) => paused),
    e2e_processing_latency: shares.length === 0 ? null : sumLatencies(shares, topic, ''),
  }
}

/** Each channel once; one that is at a single nsqd stays as it is there. */
function sumChannels(shares: readonly ChannelJson[]): ChannelJson[] {
  const byName = new Map<string, ChannelJson[]>()
  for (const share of shares) {
    const same = byName.get(share.channel_name)
    if (same === undefined) byName.set(share.channel_name, [share])
    else same.push(share)
  }
  return [...byName.values()].map(same => {
    const [only] = same
    return only !== undefined && same.length === 1 ? only : sumChannel(same)
  })
}

/** A channel over its nsqds, of which there must be one. */
export function sumChannel(shares: readonly ChannelJson[]): ChannelJson {
  const { topic_name = '', channel_name = '' } = shares[0] ?? {}
  const clients = shares.flatMap(share => share.clients ?? [])
  return {
    node: '*',
    hostname: '',
    topic_name,
    channel_name,
    depth: sum(shares, 'depth'),
    memory_depth: sum(shares, 'memory_depth'),
    backend_depth: sum(shares, 'backend_depth'),
    in_flight_count: sum(shares, 'in_flight_count'),
    deferred_count: sum(shares, 'deferred_count'),
    requeue_count: sum(shares, 'requeue_count'),
    timeout_count: sum(shares, 'timeout_count'),
    message_count: sum(shares, 'message_count'),
    ...sumDeliveries(shares),
    client_count: sum(shares, 'client_count'),
    nodes: [...shares],
    clients: clients.length === 0 ? null : clients,
    paused: shares.some(({ paused }) => paused),
    e2e_processing_latency: sumLatencies(shares, topic_name, channel_name),
  }
}

function latencyJson(latency: Latency | undefined): LatencyJson {
  const percentiles = latency?.percentiles.map(({ quantile, value }) => ({
    quantile,
    min: value,
    max: value,
    average: value,
    count: latency.count,
  }))
  return { count: latency?.count ?? 0, percentiles: percentiles ?? null, topic: '', channel: '', host: '' }
}

/** Averages weighted by the messages measured: of percentiles alone nothing better can be made. */
function sumLatencies(
  shares: readonly { e2e_processing_latency: LatencyJson | null }[],
  topic: string,
  channel: string,
): LatencyJson {
  const all = shares.flatMap(({ e2e_processing_latency: latency }) => latency ?? [])
  const merged = new Map<number, NonNullable<LatencyJson['percentiles']>[number]>()
  for (const share of all.flatMap(({ percentiles }) => percentiles ?? [])) {
    const known = merged.get(share.quantile)
    if (known === undefined) {
      merged.set(share.quantile, { ...share })
      continue
    }
    const count = known.count + share.count
    if (count > 0) known.average += ((share.average - known.average) * share.count) / count
    known.count = count
    known.min = Math.min(known.min, share.min)
    known.max = Math.max(known.max, share.max)
  }
  const count = all.reduce((total, latency) => total + latency.count, 0)
  return { count, percentiles: merged.size === 0 ? null : [...merged.values()], topic, channel, host: '*' }
}

function deliveries(zone: number, region: number, global: number): Deliveries {
  const total = zone + region + global
  return {
    ...(total > 0 && { delivery_msg_count: total }),
    ...(zone > 0 && { zone_local_msg_count: zone }),
    ...(region > 0 && { region_local_msg_count: region }),
    ...(global > 0 && { global_msg_count: global }),
  }
}

function sumDeliveries(shares: readonly Deliveries[]): Deliveries {
  const total = (key: keyof Deliveries): number => shares.reduce((sum, share) => sum + (share[key] ?? 0), 0)
  return deliveries(total('zone_local_msg_count'), total('region_local_msg_count'), total('global_msg_count'))
}

function sum<K extends string>(items: readonly Record<K, number>[], key: K): number {
  return items.reduce((total, item) => total + item[key], 0)
}
