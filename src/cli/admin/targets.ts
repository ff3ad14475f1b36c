import type { Cluster } from '../../cluster/cluster.ts'
import { UsageError } from '../errors.ts'
import { checkChannel, checkTopic } from '../names.ts'
import { noSuchChannel, noSuchTopic } from '../not-found.ts'
import { isPattern, select } from '../stat/selection.ts'
import type { Report } from './report.ts'

/** A topic, or a channel of it. */
export interface Target {
  readonly topic: string
  readonly channel?: string
}

/** What the command line names. */
export interface Named {
  /** Of the channels; undefined where topics are named. */
  readonly topic: string | undefined
  /** Topics, or channels; some may be patterns. */
  readonly names: readonly string[]
}

/**
 * Reads `TOPIC…`, or `TOPIC CHANNEL…`.
 *
 * @param takesPatterns - not where things are made or lost: there each must be called by its name
 * @throws UsageError
 */
export function readNames(
  kind: 'topic' | 'channel',
  words: readonly string[],
  { program, takesPatterns }: { program: string; takesPatterns: boolean },
): Named {
  const [first, ...rest] = words
  const names = [...new Set(kind === 'topic' ? words : rest)]
  if (first === undefined || names.length === 0) {
    const missing = first === undefined ? 'topic' : 'channel'
    throw new UsageError(
      `no ${missing} is named`,
      `Write it as ${program} ${kind === 'topic' ? 'TOPIC…' : 'TOPIC CHANNEL…'}`,
    )
  }
  if (kind === 'channel') checkTopic(first)
  for (const name of names) {
    if (isPattern(name) && takesPatterns) continue
    if (isPattern(name)) {
      throw new UsageError(
        `"${name}" is a pattern, and this command takes names only`,
        `List what it stands for, and name those: ${program.replace(/ \w+$/, ' list')} '${name}'`,
      )
    }
    if (kind === 'topic') checkTopic(name)
    else checkChannel(name)
  }
  return { topic: kind === 'channel' ? first : undefined, names }
}

/**
 * What of the cluster is meant. Nothing is done when one of the names is unknown: it may be another that was meant.
 *
 * @throws NsqError `E_TOPIC_NOT_FOUND`, `E_CHANNEL_NOT_FOUND`
 */
export async function findTargets(
  cluster: Cluster,
  { topic, names }: Named,
  report: Report,
): Promise<Target[]> {
  const topics = await report.answers(cluster.topics())
  if (topic === undefined) {
    const found = choose(names, topics.value)
    if (found.unknown.length > 0) throw noSuchTopic(found.unknown, topics.value, topics.warnings)
    return found.chosen.map(name => ({ topic: name }))
  }
  if (!topics.value.includes(topic)) throw noSuchTopic([topic], topics.value, topics.warnings)
  const channels = await report.answers(cluster.channels(topic))
  const found = choose(names, channels.value)
  if (found.unknown.length > 0) throw noSuchChannel(topic, found.unknown, channels.value, channels.warnings)
  return found.chosen.map(channel => ({ topic, channel }))
}

/** The names and those that match the patterns, in the order they were given; and what is not there. */
function choose(names: readonly string[], all: readonly string[]): { chosen: string[]; unknown: string[] } {
  const unknown: string[] = []
  const chosen = names.flatMap(name => {
    const found = isPattern(name) ? all.filter(select([name], []).topic) : all.includes(name) ? [name] : []
    if (found.length === 0) unknown.push(name)
    return found
  })
  return { chosen: [...new Set(chosen)], unknown }
}
