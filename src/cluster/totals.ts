/** Sums over nsqds. */
import type { ChannelStats, Latency, NsqdStats, TopicStats } from './stats.ts'

/** The numbers of a topic or a channel, over all its nsqds. */
export interface Totals {
  name: string
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
  /** Messages of a topic that were not taken in, as too many wait; of a channel 0. */
  refused: number
  /** Dropped as too many, or too old; of a topic in all its channels, too. */
  dropped: number
  expired: number
  /** Whether messages wait for a consumer, who does not come, at any of its nsqds; of a topic in any of its channels. */
  orphaned: boolean
  /** Whether it is paused at any of its nsqds. */
  paused: boolean
  /** How many nsqds have it. */
  nsqds: number
  /** Of each percentile the worst nsqd's; undefined when none measures any. */
  latency: Latency | undefined
}

export interface TopicTotals extends Totals {
  /** Messages that are in no channel yet. */
  undistributed: number
  channels: Map<string, Totals>
}

/** Every topic by its name, in one pass; unsorted. */
export function sumTopics(stats: readonly NsqdStats[]): Map<string, TopicTotals> {
  const sums = new Map<string, TopicTotals>()
  for (const { topics } of stats) for (const topic of topics) addTopic(sums, topic)
  return sums
}

/** One topic; undefined when no nsqd has it. */
export function sumTopic(name: string, stats: readonly NsqdStats[]): TopicTotals | undefined {
  const sums = new Map<string, TopicTotals>()
  for (const { topics } of stats) {
    const topic = topics.find(each => each.name === name)
    if (topic !== undefined) addTopic(sums, topic)
  }
  return sums.get(name)
}

/** One channel; undefined when no nsqd has it. */
export function sumChannel(topic: string, name: string, stats: readonly NsqdStats[]): Totals | undefined {
  return sumTopic(topic, stats)?.channels.get(name)
}

function addTopic(sums: Map<string, TopicTotals>, topic: TopicStats): void {
  let sum = sums.get(topic.name)
  if (sum === undefined) {
    sum = { ...nothing(topic.name), undistributed: 0, channels: new Map() }
    sums.set(topic.name, sum)
  }
  for (const channel of topic.channels) {
    let ofChannel = sum.channels.get(channel.name)
    if (ofChannel === undefined) {
      ofChannel = nothing(channel.name)
      sum.channels.set(channel.name, ofChannel)
    }
    ofChannel.nsqds++
    ofChannel.messages += channel.messages
    ofChannel.paused ||= channel.paused
    ofChannel.latency = worst(ofChannel.latency, channel.latency)
    addChannel(ofChannel, channel)
    addChannel(sum, channel)
  }
  sum.nsqds++
  sum.depth += topic.depth
  sum.backendDepth += topic.backendDepth
  sum.undistributed += topic.depth
  sum.messages += topic.messages
  sum.refused += topic.refused ?? 0
  sum.dropped += topic.dropped ?? 0
  sum.expired += topic.expired ?? 0
  sum.paused ||= topic.paused
  sum.latency = worst(sum.latency, topic.latency)
}

/** What counts for the topic as well as for the channel. */
function addChannel(sum: Totals, channel: ChannelStats): void {
  sum.depth += channel.depth
  sum.backendDepth += channel.backendDepth
  sum.inFlight += channel.inFlight
  sum.deferred += channel.deferred
  sum.requeued += channel.requeued
  sum.timedOut += channel.timedOut
  sum.clients += channel.clientCount
  sum.dropped += channel.dropped ?? 0
  sum.expired += channel.expired ?? 0
  sum.orphaned ||= channel.orphaned ?? false
}

function nothing(name: string): Totals {
  return {
    name,
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
    orphaned: false,
    paused: false,
    nsqds: 0,
    latency: undefined,
  }
}

/** Percentiles of different nsqds cannot be merged: the larger one is on the safe side. */
function worst(a: Latency | undefined, b: Latency | undefined): Latency | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const values = new Map(a.percentiles.map(({ quantile, value }) => [quantile, value]))
  for (const { quantile, value } of b.percentiles) {
    values.set(quantile, Math.max(value, values.get(quantile) ?? value))
  }
  const percentiles = [...values].map(([quantile, value]) => ({ quantile, value }))
  return { count: a.count + b.count, percentiles: percentiles.sort((x, y) => y.quantile - x.quantile) }
}
