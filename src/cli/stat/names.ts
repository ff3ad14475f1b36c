import type { Cluster } from '../../cluster/cluster.ts'
import type { NsqError } from '../../util/errors.ts'
import { near } from '../../util/suggest.ts'
import { notFound } from '../not-found.ts'
import type { Report } from './report.ts'
import type { Selection } from './selection.ts'

/**
 * What was named and is not there, a sentence for each, with the names that may have been meant. Patterns need not match.
 */
export async function missing(
  cluster: Cluster,
  { named }: Selection,
  { topics, warnings }: Report,
): Promise<NsqError[]> {
  const but = warnings.length === 0 ? '' : ' on the daemons that answer'
  const errors: NsqError[] = []
  const there = new Set(topics.map(({ topic }) => topic))
  const absent = named.topics.filter(name => !there.has(name))
  if (absent.length > 0) {
    // Those that are not chosen, too.
    const { value: all } = await cluster.topics()
    for (const name of absent) {
      if (all.includes(name)) continue
      errors.push(notFound('E_TOPIC_NOT_FOUND', `there is no topic ${name}${but}`, near(name, all)))
    }
  }
  const channels = new Set(topics.flatMap(topic => topic.channels.map(({ channel = '' }) => channel)))
  for (const name of named.channels.filter(name => !channels.has(name))) {
    const others = await otherChannels(cluster, named.topics)
    const whose = named.topics.length === 1 ? `the topic ${named.topics.join()} has no` : 'there is no'
    if (errors.length === 0)
      errors.push(notFound('E_CHANNEL_NOT_FOUND', `${whose} channel ${name}${but}`, near(name, others)))
  }
  return errors
}

async function otherChannels(cluster: Cluster, topics: readonly string[]): Promise<string[]> {
  if (topics.length === 0) {
    const { value } = await cluster.stats()
    return value.flatMap(stats => stats.topics.flatMap(({ channels }) => channels.map(({ name }) => name)))
  }
  const answers = await Promise.all(topics.map(topic => cluster.channels(topic)))
  return answers.flatMap(({ value }) => value)
}
