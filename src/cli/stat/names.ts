import type { Cluster } from '../../cluster/cluster.ts'
import { NsqError } from '../../util/errors.ts'
import { noSuchChannel, noSuchTopic } from '../not-found.ts'
import type { Report } from './report.ts'
import type { Selection } from './selection.ts'

/** What was named and is not in a report. Patterns need not match. */
export interface Missing {
  /** What nobody knows who answers, with the names that may have been meant. */
  readonly unknown: readonly NsqError[]
  /** Topics that nsqlookupd alone knows: they may come to an nsqd, or it is down. */
  readonly nowhere: readonly NsqError[]
}

export async function missing(
  cluster: Cluster,
  { named }: Selection,
  { topics, warnings }: Report,
): Promise<Missing> {
  const unknown: NsqError[] = []
  const nowhere: NsqError[] = []
  const { absentTopics, absentChannels } = absent(named, topics)
  if (absentTopics.length > 0) {
    // Those that are not chosen, too.
    const { value: all } = await cluster.topics()
    for (const name of absentTopics) {
      if (!all.includes(name)) unknown.push(noSuchTopic([name], all, warnings))
      // Else it is there, and without the channel.
      else if (absentChannels.length === 0) nowhere.push(atNoNsqd(name))
    }
  }
  if (absentChannels.length > 0 && unknown.length === 0) {
    const [topic] = named.topics.length === 1 ? named.topics : []
    unknown.push(noSuchChannel(topic, absentChannels, await otherChannels(cluster, named.topics), warnings))
  }
  return { unknown, nowhere }
}

/** Whether a report has all that was named. */
export function isComplete({ named }: Selection, { topics }: Report): boolean {
  const { absentTopics, absentChannels } = absent(named, topics)
  return absentTopics.length + absentChannels.length === 0
}

function absent(
  named: Selection['named'],
  topics: Report['topics'],
): { absentTopics: string[]; absentChannels: string[] } {
  const there = new Set(topics.map(({ topic }) => topic))
  const channels = new Set(topics.flatMap(topic => topic.channels.map(({ channel = '' }) => channel)))
  return {
    absentTopics: named.topics.filter(name => !there.has(name)),
    absentChannels: named.channels.filter(name => !channels.has(name)),
  }
}

function atNoNsqd(topic: string): NsqError {
  return new NsqError('E_TOPIC_NOT_FOUND', `no nsqd has the topic ${topic}`, {
    remedy:
      'nsqlookupd alone knows it: nothing has been published to it yet, or the nsqds that have it are down.',
  })
}

async function otherChannels(cluster: Cluster, topics: readonly string[]): Promise<string[]> {
  if (topics.length === 0) {
    const { value } = await cluster.stats()
    const all = value.flatMap(stats => stats.topics.flatMap(({ channels }) => channels))
    return [...new Set(all.map(({ name }) => name))].sort()
  }
  const answers = await Promise.all(topics.map(topic => cluster.channels(topic)))
  return [...new Set(answers.flatMap(({ value }) => value))]
}
