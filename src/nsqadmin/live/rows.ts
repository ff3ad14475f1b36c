import type { ClusterNode } from '../../cluster/node.ts'
import type { Rate } from '../../cluster/rates.ts'
import type { ClientStats, Latency, NsqdStats } from '../../cluster/stats.ts'
import { sumChannel, sumTopic, type TopicTotals, type Totals } from '../../cluster/totals.ts'
import type {
  ChannelRow,
  ClientRow,
  ConsumerRow,
  NodeRow,
  Numbers,
  Percentile,
  ShareRow,
  TopicRow,
} from '../live-types.ts'
import type { Memory } from './memory.ts'

export function topicRow(totals: TopicTotals, rate: Rate | undefined, growing: boolean): TopicRow {
  let pausedChannels = 0
  for (const { paused } of totals.channels.values()) if (paused) pausedChannels++
  return {
    topic: totals.name,
    ...numbers(totals, rate),
    channels: totals.channels.size,
    pausedChannels,
    nsqds: totals.nsqds,
    growing,
  }
}

/** Of a topic that nsqlookupd knows, and no nsqd has. */
export function emptyTopicRow(topic: string, channels: number): TopicRow {
  return { topic, ...NOTHING, channels, pausedChannels: 0, nsqds: 0, growing: false }
}

export function channelRow(totals: Totals, rate: Rate | undefined, growing: boolean): ChannelRow {
  const { name, nsqds, orphaned, latency } = totals
  return { channel: name, ...numbers(totals, rate), nsqds, growing, orphaned, latency: percentiles(latency) }
}

/** Of a channel that nsqlookupd knows, and no nsqd has. */
export function emptyChannelRow(channel: string): ChannelRow {
  return { channel, ...NOTHING, nsqds: 0, growing: false, orphaned: false, latency: [] }
}

/** The numbers of a topic, or of its channel, at each nsqd that has it. */
export function shareRows(
  stats: readonly NsqdStats[],
  { rates }: Memory,
  topic: string,
  channel?: string,
): ShareRow[] {
  return stats.flatMap(nsqd => {
    const { node, hostname } = nsqd
    const totals = channel === undefined ? sumTopic(topic, [nsqd]) : sumChannel(topic, channel, [nsqd])
    if (totals === undefined) return []
    const rate = channel === undefined ? rates.topic(topic, node) : rates.channel(topic, channel, node)
    return [{ node, hostname, ...numbers(totals, rate) }]
  })
}

/** `stats` is what the node said, undefined when it did not answer. */
export function nodeRow(node: ClusterNode, stats: NsqdStats | undefined, rate: Rate | undefined): NodeRow {
  const row: NodeRow = {
    node: node.node,
    hostname: node.hostname,
    tcpAddress: node.tcpAddress,
    version: stats?.version ?? node.version,
    health: stats?.health ?? null,
    // Very old ones do not say.
    startTime: stats === undefined || stats.startTime === 0 ? null : stats.startTime,
    topics: stats?.topics.length ?? node.topics.length,
    channels: 0,
    clients: 0,
    depth: 0,
    inFlight: 0,
    messages: 0,
    rateIn: rounded(rate?.in),
    rateOut: rounded(rate?.out),
    lookupds: node.lookupds,
    tombstoned: node.topics.filter(({ tombstoned }) => tombstoned).map(({ name }) => name),
    error: node.error?.message ?? null,
  }
  for (const topic of stats?.topics ?? []) {
    row.depth += topic.depth
    row.messages += topic.messages
    for (const channel of topic.channels) {
      row.channels++
      row.clients += channel.clientCount
      row.depth += channel.depth
      row.inFlight += channel.inFlight
    }
  }
  return row
}

export function clientRow(node: string, client: ClientStats): ClientRow {
  const { clientId, hostname, remoteAddress, userAgent, connectedAt, ready, inFlight } = client
  const { messages, finished, requeued, sampleRate, tls, snappy, deflate, identity } = client
  return {
    node,
    clientId,
    hostname,
    remoteAddress,
    userAgent,
    connectedAt,
    ready,
    inFlight,
    messages,
    published: client.published.reduce((sum, { count }) => sum + count, 0),
    finished,
    requeued,
    sampleRate,
    tls,
    snappy,
    deflate,
    identity,
  }
}

/** The first so many consumers of all channels of an nsqd, by topic and channel. */
export function consumerRows(stats: NsqdStats | undefined, most: number): ConsumerRow[] {
  const rows: ConsumerRow[] = []
  for (const { name: topic, channels } of stats?.topics ?? []) {
    for (const { name: channel, clients } of channels) {
      for (const client of clients) {
        if (rows.length === most) return rows
        rows.push({ topic, channel, ...clientRow(stats?.node ?? '', client) })
      }
    }
  }
  return rows
}

/** With two digits: more are noise, and would make each row another in each look. */
export function rounded(rate: number | undefined): number | null {
  return rate === undefined ? null : Math.round(rate * 100) / 100
}

const NOTHING: Numbers = {
  depth: 0,
  backendDepth: 0,
  inFlight: 0,
  deferred: 0,
  messages: 0,
  requeued: 0,
  timedOut: 0,
  clients: 0,
  refused: 0,
  dropped: 0,
  expired: 0,
  paused: false,
  rateIn: null,
  rateOut: null,
}

function numbers(totals: Totals, rate: Rate | undefined): Numbers {
  const { depth, backendDepth, inFlight, deferred, messages, requeued, timedOut, clients } = totals
  const { refused, dropped, expired, paused } = totals
  return {
    depth,
    backendDepth,
    inFlight,
    deferred,
    messages,
    requeued,
    timedOut,
    clients,
    refused,
    dropped,
    expired,
    paused,
    rateIn: rounded(rate?.in),
    rateOut: rounded(rate?.out),
  }
}

function percentiles(latency: Latency | undefined): Percentile[] {
  return (latency?.percentiles ?? []).map(({ quantile, value }) => ({ quantile, ms: value / 1e6 }))
}
