/**
 * What the page and nsqadmin say to each other beyond the official API: JSON, in replies and in server-sent events.
 * Only types: both sides import it. Times are milliseconds since 1970, rates are a second, and null when not known yet
 * (the first look, or after a daemon did not answer).
 */

/** Of a topic or of a channel, at one nsqd or over all. */
export interface Numbers {
  /** Messages that wait; of a topic those of all its channels and those that are in none yet. */
  depth: number
  /** How many of these are on disk only. */
  backendDepth: number
  inFlight: number
  deferred: number
  /** Since the daemons' start. */
  messages: number
  requeued: number
  timedOut: number
  clients: number
  /** Since the start, only by our nsqd: messages that the topic has not taken in, as too many wait; of a channel 0. */
  refused: number
  /** Dropped as too many, or too old; of a topic in all its channels, too. */
  dropped: number
  expired: number
  paused: boolean
  rateIn: number | null
  /** Messages that left for good: finished, or thrown away. */
  rateOut: number | null
}

export interface TopicRow extends Numbers {
  topic: string
  channels: number
  pausedChannels: number
  nsqds: number
  /** Whether the depth has grown over the last minute without a break. */
  growing: boolean
}

export interface ChannelRow extends Numbers {
  channel: string
  nsqds: number
  growing: boolean
  /** Whether messages wait and nobody reads it, as an nsqd with --orphan-after says. */
  orphaned: boolean
  latency: Percentile[]
}

/** From publish to FIN, the worst nsqd's; empty unless nsqd keeps them (--e2e-processing-latency-percentile). */
export interface Percentile {
  /** 0.99 */
  quantile: number
  ms: number
}

/** The numbers of a topic or a channel at one nsqd. */
export interface ShareRow extends Numbers {
  /** `host:port` of its HTTP API, which is how nsqadmin names an nsqd. */
  node: string
  hostname: string
}

export interface NodeRow {
  node: string
  hostname: string
  /** `host:port` for clients. */
  tcpAddress: string
  version: string
  /** `OK`, or what is wrong in the nsqd's own words; undefined when it did not answer. */
  health: string | null
  startTime: number | null
  topics: number
  channels: number
  clients: number
  depth: number
  inFlight: number
  messages: number
  rateIn: number | null
  rateOut: number | null
  /** The nsqlookupds that know it. */
  lookupds: string[]
  /** Topics that nsqlookupd hides here for now. */
  tombstoned: string[]
  /** Why it did not answer. */
  error: string | null
}

export interface ClientRow {
  node: string
  clientId: string
  hostname: string
  remoteAddress: string
  userAgent: string
  connectedAt: number
  ready: number
  inFlight: number
  /** Delivered to it. */
  messages: number
  /** Messages that it has published. */
  published: number
  finished: number
  requeued: number
  sampleRate: number
  tls: boolean
  snappy: boolean
  deflate: boolean
  /** Of AUTH; empty without. */
  identity: string
}

/** A connection that takes the messages of a channel. */
export interface ConsumerRow extends ClientRow {
  topic: string
  channel: string
}

/** A daemon that did not answer, or not as it should; or that nobody reads some channels. */
export interface Warning {
  message: string
  remedy: string | null
}

interface Update {
  time: number
  warnings: Warning[]
}

/**
 * How depths went before the first update of a stream, for the small charts in tables: about the last two minutes,
 * oldest first, at most 60 of each, and as many as `time` has. In pairs, as a topic may be named `__proto__`.
 */
export interface Trends {
  time: number[]
  depths: [name: string, depths: (number | null)[]][]
}

/** Event `topics` of `GET /api/live?view=topics`. The first has all rows; the later ones those that have changed. */
export interface TopicsUpdate extends Update {
  whole: boolean
  rows: TopicRow[]
  removed: string[]
  nodes: number
  /** Of the topics; with the first update of a stream. */
  trends?: Trends
}

/** Event `topic` of `/api/live?view=topic&topic=T`. */
export interface TopicUpdate extends Update {
  topic: TopicRow
  /** Messages that are in no channel yet. */
  undistributed: number
  channels: ChannelRow[]
  nodes: ShareRow[]
  /** Of the channels; with the first update of a stream. */
  trends?: Trends
}

/** Event `channel` of `/api/live?view=channel&topic=T&channel=C`. */
export interface ChannelUpdate extends Update {
  /** Nothing comes into the channel then, at one nsqd at least. */
  topicPaused: boolean
  channel: ChannelRow
  nodes: ShareRow[]
  clients: ClientRow[]
}

/** Event `nodes` of `/api/live?view=nodes`. */
export interface NodesUpdate extends Update {
  rows: NodeRow[]
}

/** Event `node` of `/api/live?view=node&node=N`: topics and clients of this nsqd alone. */
export interface NodeUpdate extends Update {
  node: NodeRow
  topics: TopicRow[]
  /** At most 500: how many there are is in `node`. */
  consumers: ConsumerRow[]
  /** Connections that have published. */
  producers: ClientRow[]
}

/** Event `counter` of `/api/live?view=counter`: messages that consumers have finished, over all channels. */
export interface CounterUpdate extends Update {
  finished: number
  rateOut: number | null
  rateIn: number | null
}

/** Event `missing`: there is no such topic, channel or node (any more). The stream goes on, in case it comes. */
export interface Missing extends Update {
  /** What there is none of: of a channel whose topic is missing, too, the topic. */
  what: 'topic' | 'channel' | 'node'
  /** Names that are near. */
  near: string[]
}

/** Event `failed`: no daemon answered. The stream goes on. */
export interface Failed extends Update {
  message: string
}

/** `GET /api/history?topic=T[&channel=C]`: what the server remembers, oldest first, lists of one length. */
export interface History {
  time: number[]
  depth: (number | null)[]
  inFlight: (number | null)[]
  rateIn: (number | null)[]
  rateOut: (number | null)[]
}

/** A message shown by peek or watch. */
export interface ShownMessage {
  id: string
  node: string
  /** When it was published: nanoseconds since 1970, as text: too large for a number. */
  timestamp: string
  attempts: number
  /** Bytes of the whole body. */
  size: number
  /** At most so many bytes of it as were asked for. */
  body: string
  encoding: 'utf8' | 'base64'
}

/** `GET /api/peek?topic=T[&channel=C][&n=10]`. */
export interface Peek {
  messages: PeekedMessage[]
  /** nsqds that cannot be asked: official ones have no peek. */
  unsupported: string[]
  warnings: Warning[]
  message: ''
}

export interface PeekedMessage extends ShownMessage {
  state: 'waiting' | 'inFlight' | 'deferred'
  /** When a deferred message is due, or one in flight times out; null for one that waits. */
  until: number | null
}

/**
 * `GET /api/watch?topic=T[&rate=20]`: server-sent events. `ready` (Ready) when the channel is there, and again when the
 * nsqds are others, then `messages` (WatchedMessages) at most four times a second; `missing` (Missing) as long as there is
 * no such topic, and `failed` (Failed) while no nsqd can be watched.
 */
export interface Ready extends Update {
  channel: string
  /** Those that are watched; `warnings` has why others are not. */
  nsqds: string[]
}

export interface WatchedMessages {
  messages: ShownMessage[]
  /** Messages since the last event that came too fast to be shown. */
  skipped: number
}

/** `POST /api/publish`. One nsqd gets all. */
export interface Publish {
  topic: string
  body: string
  encoding: 'utf8' | 'base64'
  /** Each line is a message. */
  lines?: boolean
  deferMs?: number
  /** The nsqd to publish to; any that has the topic unless given. */
  node?: string
}

export interface Published {
  message: ''
  node: string
  count: number
}

/** `GET /api/tombstones`. */
export interface Tombstones {
  tombstones: { topic: string; node: string; since: number; until: number; lookupd: string }[]
  /** nsqlookupds that cannot tell when one ends: the official ones. */
  unsupported: string[]
  warnings: Warning[]
  message: ''
}

/** `GET /api/config`: what the page must know before it shows anything. */
export interface PageConfig {
  version: string
  /** Whether this visitor may change something; see --admin-user. */
  isAdmin: boolean
  user: string | null
  readOnly: boolean
  /** Empty when nsqds were given instead. */
  lookupds: string[]
  /** Null without --graphite-url. */
  graphite: GraphiteConfig | null
}

export interface GraphiteConfig {
  /** Where images are: the URL of --graphite-url, or our own path with --proxy-graphite. */
  url: string
  prefix: string
  counterFormat: string
  gaugeFormat: string
  /** Of statsd, in seconds. */
  interval: number
}
