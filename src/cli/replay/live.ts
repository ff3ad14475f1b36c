import type { Cluster } from '../../cluster/cluster.ts'
import { sumTopic } from '../../cluster/totals.ts'
import { errorText } from '../../util/errors.ts'
import { formatCount, plural } from '../units.ts'

const MOST_NAMES = 5

/**
 * To whom messages would go that are published to these topics, for a person to agree to: a line for each topic that has
 * channels, or of which that is not known. None: they would wait in their topics.
 *
 * @param cluster - undefined when it cannot be asked
 * @param topics - undefined when they are not known yet
 * @param except - a channel that does not count
 */
export async function audience(
  cluster: Cluster | undefined,
  topics: readonly string[] | undefined,
  except?: string,
): Promise<string[]> {
  if (topics === undefined)
    return ['the messages name their topics themselves, and whoever consumes those gets them']
  const lines: string[] = []
  for (const topic of topics) {
    const line =
      cluster === undefined
        ? `${topic}: nsqd cannot be asked over HTTP who consumes it`
        : await ask(cluster, topic, except)
    if (line !== undefined) lines.push(line)
  }
  return lines
}

async function ask(cluster: Cluster, topic: string, except: string | undefined): Promise<string | undefined> {
  try {
    const [{ value: holders, warnings }, stats] = await Promise.all([
      cluster.holdersOf(topic),
      cluster.stats({ topic }),
    ])
    const [silent] = [...warnings, ...stats.warnings]
    const names = holders.channels.filter(name => name !== except)
    if (names.length === 0) {
      return silent === undefined
        ? undefined
        : `${topic}: not all can be asked who consumes it: ${errorText(silent)}`
    }
    const clients = sumTopic(topic, stats.value)?.clients ?? 0
    return `${topic}: ${channels(names)}, ${clients === 0 ? 'no consumer' : plural(clients, 'consumer')}`
  } catch (error) {
    return `${topic}: it is not known who consumes it: ${errorText(error)}`
  }
}

function channels(names: readonly string[]): string {
  const more = names.length - MOST_NAMES
  const shown = [...names.slice(0, MOST_NAMES), ...(more > 0 ? [`and ${formatCount(more)} more`] : [])]
  return `${plural(names.length, 'channel')} (${shown.join(', ')})`
}
