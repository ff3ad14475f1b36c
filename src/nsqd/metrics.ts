import { setImmediate as nextTurn } from 'node:timers/promises'
import { type ChannelNumbers, type TopicNumbers, writeNsqdFamilies } from '../cluster/metrics.ts'
import { writeProcessMetrics } from '../util/process-metrics.ts'
import type { MetricFamily, MetricsWriter } from '../util/prometheus.ts'
import { LatencyQuantiles, type LatencyResult } from '../util/quantile.ts'
import { now } from './clock.ts'
import type { ChannelSource, StatsSource, TopicSource } from './stats.ts'

/** The daemon, as `/metrics` needs it. */
export interface MetricsSource extends StatsSource {
  readonly topics: ReadonlyMap<string, TopicSource & { readonly diskBytes: number | undefined }>
  /** Since the start, by --max-connections. */
  readonly refusedConnections: number
  /** Recent messages kept in memory: see --mem-queue-bytes. */
  readonly memory: { readonly used: number; readonly limit: number }
}

/** How many topics are looked at before others have their turn. */
const TOPICS_A_TURN = 100

const connections: MetricFamily = {
  name: 'nsqd_connections',
  type: 'gauge',
  help: 'Connections of clients, producers and consumers.',
}
const refusedConnections: MetricFamily = {
  name: 'nsqd_connections_refused_total',
  type: 'counter',
  help: 'Connections of clients that --max-connections has refused since the start.',
}
const memoryUsed: MetricFamily = {
  name: 'nsqd_message_memory_bytes',
  type: 'gauge',
  help: 'Memory that recent messages on disk take as well, so that reading them needs no disk.',
}
const memoryLimit: MetricFamily = {
  name: 'nsqd_message_memory_limit_bytes',
  type: 'gauge',
  help: 'Memory that recent messages may take: --mem-queue-bytes.',
}

/** Writes all that nsqd has to say of itself, its topics and its channels. */
export async function writeNsqdMetrics(writer: MetricsWriter, nsqd: MetricsSource): Promise<void> {
  writeProcessMetrics(writer, 'nsqd')
  writer.single(connections, nsqd.sessions.size)
  writer.single(refusedConnections, nsqd.refusedConnections)
  writer.single(memoryUsed, nsqd.memory.used)
  writer.single(memoryLimit, nsqd.memory.limit)
  const topics = await readTopics(nsqd)
  const { health, startTime } = nsqd
  await writeNsqdFamilies(writer, [{ labels: {}, health, startTime: startTime.getTime(), topics }])
}

async function readTopics(nsqd: MetricsSource): Promise<TopicNumbers[]> {
  const { e2eProcessingLatencyPercentile: quantiles } = nsqd.options
  const latency = (channels: Iterable<ChannelSource>): LatencyResult | undefined => {
    const all = [...channels].flatMap(channel => channel.latency ?? [])
    return all.length === 0 ? undefined : LatencyQuantiles.queryAll(all, quantiles, now())
  }
  const channelNumbers = (channel: ChannelSource): ChannelNumbers => ({
    name: channel.name,
    depth: channel.depth,
    backendDepth: channel.backendDepth,
    inFlight: channel.inFlightCount,
    deferred: channel.deferredCount,
    messages: channel.messageCount,
    requeued: channel.requeueCount,
    timedOut: channel.timeoutCount,
    zoneLocal: channel.zoneLocalCount,
    regionLocal: channel.regionLocalCount,
    global: channel.globalCount,
    clientCount: channel.sessions.size,
    paused: channel.paused,
    latency: latency([channel]),
    dropped: channel.droppedCount,
    expired: channel.expiredCount,
    orphaned: channel.isOrphaned,
  })
  const read: TopicNumbers[] = []
  // As they are now: one that is deleted and made again meanwhile would come twice, which Prometheus refuses.
  for (const topic of Array.from(nsqd.topics.values())) {
    read.push({
      name: topic.name,
      depth: topic.depth,
      backendDepth: topic.backendDepth,
      messages: topic.messageCount,
      messageBytes: topic.messageBytes,
      diskBytes: topic.diskBytes,
      retainedBytes: topic.retainedBytes,
      refused: topic.refusedCount,
      dropped: topic.droppedCount,
      expired: topic.expiredCount,
      paused: topic.paused,
      latency: latency(topic.channels.values()),
      channels: [...topic.channels.values()].map(channelNumbers),
    })
    if (read.length % TOPICS_A_TURN === 0) await nextTurn()
  }
  return read
}
