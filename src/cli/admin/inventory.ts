import type { Cluster } from '../../cluster/cluster.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import { sumTopics, type TopicTotals, type Totals } from '../../cluster/totals.ts'
import type { Report } from './report.ts'

/** How many topics nsqlookupd is asked about at a time. */
const AT_A_TIME = 8

/** A topic, and all that is known of it. */
export interface TopicItem {
  readonly topic: string
  readonly channels: readonly ChannelItem[]
  /** The nsqds that have it. */
  readonly nsqds: readonly string[]
  /** Undefined when there are none. */
  readonly sum: TopicTotals | undefined
}

export interface ChannelItem {
  readonly topic: string
  readonly channel: string
  readonly nsqds: readonly string[]
  readonly sum: Totals | undefined
}

/**
 * The topics of these names, sorted. The nsqds have the numbers, and nsqlookupd knows of topics and channels that no nsqd
 * has at present.
 */
export async function takeInventory(
  cluster: Cluster,
  topics: readonly string[],
  report: Report,
): Promise<TopicItem[]> {
  // Who asks for one topic would not be told of the nsqds where it is hidden.
  const { value: stats } = await report.answers(cluster.stats())
  const sums = sumTopics(stats)
  const nodes = nodesOf(stats)
  const items: TopicItem[] = []
  const queue = topics.values()
  const work = async (): Promise<void> => {
    for (const topic of queue) {
      const sum = sums.get(topic)
      const names = [...(await registered(cluster, topic, report)), ...(sum?.channels.keys() ?? [])]
      const channels = [...new Set(names)].sort().map(channel => ({
        topic,
        channel,
        nsqds: nodes.get(`${topic}/${channel}`) ?? [],
        sum: sum?.channels.get(channel),
      }))
      items.push({ topic, channels, nsqds: nodes.get(topic) ?? [], sum })
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return items.sort((a, b) => (a.topic < b.topic ? -1 : 1))
}

async function registered(cluster: Cluster, topic: string, report: Report): Promise<string[]> {
  if (cluster.lookupds.length === 0) return []
  return (await report.answers(cluster.channels(topic))).value
}

/** The nsqds of each topic; those of each channel by both names, as no name has a slash. */
function nodesOf(stats: readonly NsqdStats[]): Map<string, string[]> {
  const nodes = new Map<string, string[]>()
  const note = (key: string, node: string): void => {
    const known = nodes.get(key)
    if (known === undefined) nodes.set(key, [node])
    else known.push(node)
  }
  for (const { node, topics } of stats) {
    for (const { name, channels } of topics) {
      note(name, node)
      for (const channel of channels) note(`${name}/${channel.name}`, node)
    }
  }
  return nodes
}
