/** What an nsqd says about itself over HTTP: `/stats` and `/info`, read into values. */
import { toNsqError } from './answers.ts'
import { type AskOptions, get, nodeOf } from './ask.ts'
import { bool, each, integer, number, object, text } from './shape.ts'

/** The time an answer may take, until when it is wanted, and whom to trust; see `RequestOptions`. */
export type NsqdOptions = AskOptions

/** What `/info` says. */
export interface NsqdPorts {
  tcpPort: number
  httpPort: number
}

/** What `/info` says; what older daemons leave out is empty. */
export interface NsqdAbout extends NsqdPorts {
  version: string
  hostname: string
  broadcastAddress: string
  topologyZone: string
  topologyRegion: string
  /** Milliseconds since 1970; 0 when it does not say. */
  startTime: number
}

/** All that `/stats` says. */
export interface NsqdStats {
  /** `host:port` of its HTTP API, by which it is called. */
  node: string
  hostname: string
  version: string
  /** `OK`, or what is wrong in its own words. */
  health: string
  /** Milliseconds since 1970; 0 when it does not say. */
  startTime: number
  /** When it answered, in milliseconds of a steady clock (`performance.now`). */
  answeredAt: number
  topics: TopicStats[]
  /** Connections that have published; empty unless clients were asked for. */
  producers: ClientStats[]
}

/** Messages dropped since the nsqd's start. The official nsqd never does that, and ours leaves out what is zero. */
interface Dropped {
  /** They were too many. */
  dropped?: number | undefined
  /** They were too old. */
  expired?: number | undefined
}

/** A topic in `/stats`; of what was dropped, what was in none of its channels yet. */
export interface TopicStats extends Dropped {
  name: string
  /** Messages that are in none of its channels yet. */
  depth: number
  /** Those of them that are on disk only. */
  backendDepth: number
  /** Messages published since the nsqd's start. */
  messages: number
  messageBytes: number
  /** Messages that were not taken in, as too many wait; only ours says so, when it is not zero. */
  refused?: number | undefined
  paused: boolean
  latency: Latency | undefined
  channels: ChannelStats[]
}

/** A channel in `/stats`. */
export interface ChannelStats extends Dropped {
  name: string
  /** Messages that wait to be delivered; those in flight and deferred ones are not among them. */
  depth: number
  /** Those of them that are on disk only. */
  backendDepth: number
  inFlight: number
  deferred: number
  /** Messages that came in since the nsqd's start. */
  messages: number
  requeued: number
  timedOut: number
  /** Messages delivered to consumers in the nsqd's zone, its region, and elsewhere. */
  zoneLocal: number
  regionLocal: number
  global: number
  clientCount: number
  /** Empty unless clients were asked for. */
  clients: ClientStats[]
  paused: boolean
  /** Whether messages wait for a consumer, who does not come; only with --orphan-after of our nsqd. */
  orphaned?: boolean | undefined
  latency: Latency | undefined
}

/** From publish to FIN. */
export interface Latency {
  /** Messages measured. */
  count: number
  percentiles: {
    /** 0.99 */
    quantile: number
    /** Nanoseconds. */
    value: number
  }[]
}

/** A client's connection. */
export interface ClientStats {
  clientId: string
  hostname: string
  /** Of the protocol: `V2`. */
  version: string
  remoteAddress: string
  userAgent: string
  /** 3: subscribed; 4: closing. */
  state: number
  ready: number
  inFlight: number
  messages: number
  finished: number
  requeued: number
  /** Milliseconds since 1970. */
  connectedAt: number
  sampleRate: number
  deflate: boolean
  snappy: boolean
  authed: boolean
  identity: string
  identityUrl: string
  topologyZone: string
  topologyRegion: string
  tls: boolean
  tlsCipherSuite: string
  tlsVersion: string
  tlsNegotiatedProtocol: string
  tlsNegotiatedProtocolIsMutual: boolean
  /** Messages it has published, by topic. */
  published: { topic: string; count: number }[]
}

/** What to ask of; empty or left out: all. */
export interface StatsFilter {
  topic?: string
  channel?: string
  /** Whether the clients are wanted, which takes the nsqd longer. */
  clients?: boolean
}

/**
 * The ports that an nsqd says it has (`/info`). Codes of errors: those of `HttpRequestError`, and `E_NSQD_REPLY`.
 *
 * @param address - `host:port` of its HTTP API, or a URL
 * @throws NsqError
 */
export function nsqdPorts(address: string, options: NsqdOptions = {}): Promise<NsqdPorts> {
  return ask(address, '/info', options, reply => {
    const info = object(reply, 'the reply')
    return {
      tcpPort: integer(info['tcp_port'], 'tcp_port'),
      httpPort: integer(info['http_port'], 'http_port'),
    }
  })
}

/**
 * What an nsqd says that it is (`/info`).
 *
 * @throws NsqError as `nsqdPorts`
 */
export function nsqdAbout(address: string, options: NsqdOptions = {}): Promise<NsqdAbout> {
  return ask(address, '/info', options, reply => {
    const info = object(reply, 'the reply')
    return {
      tcpPort: integer(info['tcp_port'] ?? 0, 'tcp_port'),
      httpPort: integer(info['http_port'] ?? 0, 'http_port'),
      version: text(info['version'], 'version'),
      hostname: text(info['hostname'] ?? '', 'hostname'),
      broadcastAddress: text(info['broadcast_address'] ?? '', 'broadcast_address'),
      topologyZone: text(info['topology_zone'] ?? '', 'topology_zone'),
      topologyRegion: text(info['topology_region'] ?? '', 'topology_region'),
      startTime: integer(info['start_time'] ?? 0, 'start_time') * 1000,
    }
  })
}

/**
 * The numbers of an nsqd (`/stats`). `hostname` is empty: `/stats` does not have it.
 *
 * @param address - `host:port` of its HTTP API, or a URL
 * @throws NsqError as `nsqdPorts`
 */
export function nsqdStats(
  address: string,
  filter: StatsFilter = {},
  options: NsqdOptions = {},
): Promise<NsqdStats> {
  const { topic = '', channel = '', clients = false } = filter
  const query = new URLSearchParams({
    format: 'json',
    ...(topic === '' ? {} : { topic }),
    ...(channel === '' ? {} : { channel }),
    include_clients: String(clients),
    include_mem: 'false',
  })
  return ask(address, `/stats?${query.toString()}`, options, reply => {
    const stats = object(reply, 'the reply')
    const topics = each(stats['topics'], 'topics', readTopic)
    return {
      node: nodeOf(address),
      hostname: '',
      version: text(stats['version'] ?? '', 'version'),
      health: text(stats['health'] ?? 'OK', 'health'),
      startTime: integer(stats['start_time'] ?? 0, 'start_time') * 1000,
      answeredAt: performance.now(),
      // An old daemon may not know the filter.
      topics: topic === '' ? topics : topics.filter(({ name }) => name === topic),
      producers: each(stats['producers'] ?? null, 'producers', readClient),
    }
  })
}

/**
 * The numbers of a topic and one of its channels (`/stats`); undefined when this nsqd does not have the topic. Without the
 * channel there, `channels` is empty.
 *
 * @param address - `host:port` of its HTTP API, or a URL
 * @throws NsqError as `nsqdPorts`
 */
export async function topicStats(
  address: string,
  names: { topic: string; channel: string },
  options: NsqdOptions = {},
): Promise<TopicStats | undefined> {
  const { topics } = await nsqdStats(address, names, options)
  return topics[0]
}

async function ask<T>(
  address: string,
  path: string,
  options: NsqdOptions,
  read: (reply: unknown) => T,
): Promise<T> {
  try {
    return await get(address, path, options, read)
  } catch (error) {
    throw toNsqError(error, 'nsqd', address)
  }
}

type Json = Partial<Record<string, unknown>>

function readTopic(topic: Json): TopicStats {
  return {
    name: text(topic['topic_name'], 'topic_name'),
    depth: integer(topic['depth'], 'depth'),
    backendDepth: integer(topic['backend_depth'] ?? 0, 'backend_depth'),
    messages: integer(topic['message_count'] ?? 0, 'message_count'),
    messageBytes: integer(topic['message_bytes'] ?? 0, 'message_bytes'),
    paused: bool(topic['paused'] ?? false, 'paused'),
    latency: readLatency(topic['e2e_processing_latency']),
    refused: optional(topic, 'refused_count', integer),
    ...readDropped(topic),
    channels: each(topic['channels'], 'channels', readChannel),
  }
}

function readChannel(channel: Json): ChannelStats {
  const clients = each(channel['clients'] ?? null, 'clients', readClient)
  return {
    name: text(channel['channel_name'], 'channel_name'),
    depth: integer(channel['depth'], 'depth'),
    backendDepth: integer(channel['backend_depth'] ?? 0, 'backend_depth'),
    inFlight: integer(channel['in_flight_count'] ?? 0, 'in_flight_count'),
    deferred: integer(channel['deferred_count'] ?? 0, 'deferred_count'),
    messages: integer(channel['message_count'] ?? 0, 'message_count'),
    requeued: integer(channel['requeue_count'] ?? 0, 'requeue_count'),
    timedOut: integer(channel['timeout_count'] ?? 0, 'timeout_count'),
    zoneLocal: integer(channel['zone_local_msg_count'] ?? 0, 'zone_local_msg_count'),
    regionLocal: integer(channel['region_local_msg_count'] ?? 0, 'region_local_msg_count'),
    global: integer(channel['global_msg_count'] ?? 0, 'global_msg_count'),
    clientCount: integer(channel['client_count'] ?? clients.length, 'client_count'),
    clients,
    paused: bool(channel['paused'] ?? false, 'paused'),
    latency: readLatency(channel['e2e_processing_latency']),
    ...readDropped(channel),
    orphaned: optional(channel, 'orphaned', bool),
  }
}

function readDropped(from: Json): Dropped {
  return {
    dropped: optional(from, 'dropped_count', integer),
    expired: optional(from, 'expired_count', integer),
  }
}

/** What the official nsqd does not say is undefined, not zero. */
function optional<T>(from: Json, key: string, read: (value: unknown, where: string) => T): T | undefined {
  const value = from[key] ?? undefined
  return value === undefined ? undefined : read(value, key)
}

/** Undefined when the nsqd does not measure any. */
function readLatency(value: unknown): Latency | undefined {
  if (value === undefined || value === null) return undefined
  const latency = object(value, 'e2e_processing_latency')
  const percentiles = latency['percentiles'] ?? null
  if (percentiles === null) return undefined
  return {
    count: integer(latency['count'] ?? 0, 'count'),
    percentiles: each(percentiles, 'percentiles', item => ({
      quantile: number(item['quantile'], 'quantile'),
      value: number(item['value'], 'value'),
    })),
  }
}

function readClient(client: Json): ClientStats {
  const remoteAddress = text(client['remote_address'] ?? '', 'remote_address')
  return {
    // Before 1.0 there was `name` only.
    clientId: text(client['client_id'] ?? client['name'] ?? '', 'client_id'),
    hostname: text(client['hostname'] ?? '', 'hostname'),
    version: text(client['version'] ?? '', 'version'),
    remoteAddress,
    userAgent: text(client['user_agent'] ?? '', 'user_agent'),
    state: integer(client['state'] ?? 0, 'state'),
    ready: integer(client['ready_count'] ?? 0, 'ready_count'),
    inFlight: integer(client['in_flight_count'] ?? 0, 'in_flight_count'),
    messages: integer(client['message_count'] ?? 0, 'message_count'),
    finished: integer(client['finish_count'] ?? 0, 'finish_count'),
    requeued: integer(client['requeue_count'] ?? 0, 'requeue_count'),
    connectedAt: integer(client['connect_ts'] ?? 0, 'connect_ts') * 1000,
    sampleRate: integer(client['sample_rate'] ?? 0, 'sample_rate'),
    deflate: bool(client['deflate'] ?? false, 'deflate'),
    snappy: bool(client['snappy'] ?? false, 'snappy'),
    authed: bool(client['authed'] ?? false, 'authed'),
    identity: text(client['auth_identity'] ?? '', 'auth_identity'),
    identityUrl: text(client['auth_identity_url'] ?? '', 'auth_identity_url'),
    topologyZone: text(client['topology_zone'] ?? '', 'topology_zone'),
    topologyRegion: text(client['topology_region'] ?? '', 'topology_region'),
    tls: bool(client['tls'] ?? false, 'tls'),
    tlsCipherSuite: text(client['tls_cipher_suite'] ?? '', 'tls_cipher_suite'),
    tlsVersion: text(client['tls_version'] ?? '', 'tls_version'),
    tlsNegotiatedProtocol: text(client['tls_negotiated_protocol'] ?? '', 'tls_negotiated_protocol'),
    tlsNegotiatedProtocolIsMutual: bool(client['tls_negotiated_protocol_is_mutual'] ?? false, 'mutual'),
    published: each(client['pub_counts'] ?? null, 'pub_counts', item => ({
      topic: text(item['topic'], 'topic'),
      count: integer(item['count'], 'count'),
    })),
  }
}
