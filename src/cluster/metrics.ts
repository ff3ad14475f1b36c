/** The metrics of nsqds, topics and channels: nsqd exports its own, and `stat --prometheus` those of several. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { labelText, type MetricFamily, type MetricsWriter } from '../util/prometheus.ts'
import type { ChannelStats, Latency, NsqdStats, TopicStats } from './stats.ts'

export type ChannelNumbers = Omit<ChannelStats, 'clients'>

export type TopicNumbers = Omit<TopicStats, 'channels'> & {
  readonly channels: readonly ChannelNumbers[]
  /** What its log takes on disk: only nsqd itself knows that, and only where there are files. */
  readonly diskBytes?: number | undefined
  /** What of that is finished, and kept to be replayed; only where something is to be kept. */
  readonly retainedBytes?: number | undefined
}

/** What one nsqd says, and labels that tell it from others. */
export interface NsqdNumbers extends Pick<NsqdStats, 'health' | 'startTime'> {
  readonly labels: Readonly<Record<string, string>>
  readonly topics: readonly TopicNumbers[]
}

interface Family<T> extends MetricFamily {
  /** Undefined: no sample. */
  read(of: T): number | undefined
}

const nsqdFamilies: readonly Family<NsqdNumbers>[] = [
  {
    name: 'nsqd_healthy',
    type: 'gauge',
    help: 'Whether it is well and takes messages (1) or not (0), as /ping says.',
    read: nsqd => Number(nsqd.health === 'OK'),
  },
  {
    name: 'nsqd_start_time_seconds',
    type: 'gauge',
    help: 'When nsqd was started, in seconds since 1970.',
    // Very old ones do not say.
    read: nsqd => (nsqd.startTime === 0 ? undefined : nsqd.startTime / 1000),
  },
]

const topicFamilies: readonly Family<TopicNumbers>[] = [
  {
    name: 'nsqd_topic_messages_total',
    type: 'counter',
    help: 'Messages published to the topic.',
    read: topic => topic.messages,
  },
  {
    name: 'nsqd_topic_message_bytes_total',
    type: 'counter',
    help: 'Bytes of the bodies published to the topic.',
    read: topic => topic.messageBytes,
  },
  {
    name: 'nsqd_topic_depth',
    type: 'gauge',
    help: 'Messages that are in none of its channels yet: it has no channel, or is paused.',
    read: topic => topic.depth,
  },
  {
    name: 'nsqd_topic_backend_depth',
    type: 'gauge',
    help: 'Messages in none of its channels that are on disk only.',
    read: topic => topic.backendDepth,
  },
  {
    name: 'nsqd_topic_disk_bytes',
    type: 'gauge',
    help: 'Bytes that the log of the topic takes on disk, for all its channels.',
    read: topic => topic.diskBytes,
  },
  {
    name: 'nsqd_topic_retained_bytes',
    type: 'gauge',
    help: 'Bytes on disk of messages that every channel has finished; only with --retain-time or --retain-bytes.',
    read: topic => topic.retainedBytes,
  },
  {
    name: 'nsqd_topic_refused_total',
    type: 'counter',
    help: 'Messages refused because too many wait in the topic or a channel; only with a limit and --overflow=refuse.',
    read: topic => topic.refused,
  },
  {
    name: 'nsqd_topic_dropped_total',
    type: 'counter',
    help: 'Messages dropped that were in none of its channels yet: too many waited; only with --overflow=drop-oldest.',
    read: topic => topic.dropped,
  },
  {
    name: 'nsqd_topic_expired_total',
    type: 'counter',
    help: 'Messages dropped that were in none of its channels yet: too old; only with --message-ttl.',
    read: topic => topic.expired,
  },
  {
    name: 'nsqd_topic_paused',
    type: 'gauge',
    help: 'Whether the topic is paused (1) or not (0).',
    read: topic => Number(topic.paused),
  },
]

const channelFamilies: readonly Family<ChannelNumbers>[] = [
  {
    name: 'nsqd_channel_messages_total',
    type: 'counter',
    help: 'Messages that came to the channel.',
    read: channel => channel.messages,
  },
  {
    name: 'nsqd_channel_depth',
    type: 'gauge',
    help: 'Messages that wait to be delivered, the first time or again.',
    read: channel => channel.depth,
  },
  {
    name: 'nsqd_channel_backend_depth',
    type: 'gauge',
    help: 'Messages that wait and are on disk only.',
    read: channel => channel.backendDepth,
  },
  {
    name: 'nsqd_channel_in_flight',
    type: 'gauge',
    help: 'Messages that consumers have and have not finished.',
    read: channel => channel.inFlight,
  },
  {
    name: 'nsqd_channel_deferred',
    type: 'gauge',
    help: 'Messages that wait for their time.',
    read: channel => channel.deferred,
  },
  {
    name: 'nsqd_channel_requeued_total',
    type: 'counter',
    help: 'Messages that consumers have sent back.',
    read: channel => channel.requeued,
  },
  {
    name: 'nsqd_channel_timed_out_total',
    type: 'counter',
    help: 'Messages that consumers have not finished in time.',
    read: channel => channel.timedOut,
  },
  {
    name: 'nsqd_channel_dropped_total',
    type: 'counter',
    help: 'Messages dropped: too many waited; only with --overflow=drop-oldest, and of ephemeral channels.',
    read: channel => channel.dropped,
  },
  {
    name: 'nsqd_channel_expired_total',
    type: 'counter',
    help: 'Messages dropped: too old; only with --message-ttl.',
    read: channel => channel.expired,
  },
  {
    name: 'nsqd_channel_orphaned',
    type: 'gauge',
    help: 'Whether messages wait and no consumer has come (1) or not (0); only with --orphan-after.',
    read: channel => (channel.orphaned === undefined ? undefined : Number(channel.orphaned)),
  },
  {
    name: 'nsqd_channel_clients',
    type: 'gauge',
    help: 'Consumers that are connected.',
    read: channel => channel.clientCount,
  },
  {
    name: 'nsqd_channel_paused',
    type: 'gauge',
    help: 'Whether the channel is paused (1) or not (0).',
    read: channel => Number(channel.paused),
  },
]

const delivered: MetricFamily = {
  name: 'nsqd_channel_delivered_total',
  type: 'counter',
  help:
    'Messages delivered, again ones too, by where the consumer is: in the zone of nsqd, in its region, or ' +
    'elsewhere (global).',
}

const LATENCY_HELP =
  'Time from publish to FIN over the last --e2e-processing-latency-window-time, by quantile; ' +
  'only with --e2e-processing-latency-percentile.'

const topicLatency: MetricFamily = {
  name: 'nsqd_topic_e2e_latency_seconds',
  type: 'summary',
  help: LATENCY_HELP,
}

const channelLatency: MetricFamily = {
  name: 'nsqd_channel_e2e_latency_seconds',
  type: 'summary',
  help: LATENCY_HELP,
}

type Labelled<T> = readonly [labels: Readonly<Record<string, string>>, numbers: T]

/**
 * Writes the families of nsqds, their topics and their channels. A cluster may have tens of thousands of samples: others
 * have their turn between two families.
 */
export async function writeNsqdFamilies(writer: MetricsWriter, nsqds: readonly NsqdNumbers[]): Promise<void> {
  const topics: Labelled<TopicNumbers>[] = []
  const channels: Labelled<ChannelNumbers>[] = []
  for (const { labels, topics: all } of nsqds) {
    for (const topic of all) {
      const own = { ...labels, topic: topic.name }
      topics.push([own, topic])
      for (const channel of topic.channels) channels.push([{ ...own, channel: channel.name }, channel])
    }
  }
  await writeFamilies(
    writer,
    nsqdFamilies,
    nsqds.map(nsqd => [nsqd.labels, nsqd]),
  )
  await writeFamilies(writer, topicFamilies, topics)
  await writeLatency(writer, topicLatency, topics)
  await writeFamilies(writer, channelFamilies, channels)
  await writeDelivered(writer, channels)
  await writeLatency(writer, channelLatency, channels)
}

async function writeFamilies<T>(
  writer: MetricsWriter,
  families: readonly Family<T>[],
  all: readonly Labelled<T>[],
): Promise<void> {
  // The same for each family.
  const texts = all.map(([labels]) => labelText(labels))
  for (const family of families) {
    writer.begin(family)
    for (const [i, [, numbers]] of all.entries()) {
      const value = family.read(numbers)
      if (value !== undefined) writer.sample(value, texts[i])
    }
    await nextTurn()
  }
}

async function writeDelivered(
  writer: MetricsWriter,
  channels: readonly Labelled<ChannelNumbers>[],
): Promise<void> {
  writer.begin(delivered)
  for (const [labels, { zoneLocal, regionLocal, global }] of channels) {
    for (const [locality, count] of Object.entries({ zone: zoneLocal, region: regionLocal, global })) {
      // As in /stats: most clusters have no zones.
      if (count > 0) writer.sample(count, labelText({ ...labels, locality }))
    }
  }
  await nextTurn()
}

async function writeLatency(
  writer: MetricsWriter,
  family: MetricFamily,
  all: readonly Labelled<{ readonly latency: Latency | undefined }>[],
): Promise<void> {
  writer.begin(family)
  for (const [labels, { latency }] of all) {
    if (latency === undefined || latency.count === 0) continue
    for (const { quantile, value } of latency.percentiles) {
      writer.sample(value / 1e9, labelText({ ...labels, quantile: String(quantile) }))
    }
  }
  await nextTurn()
}
