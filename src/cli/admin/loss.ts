import type { Cluster } from '../../cluster/cluster.ts'
import type { TopicTotals, Totals } from '../../cluster/totals.ts'
import { oneLine } from '../escape.ts'
import { formatCount, plural } from '../units.ts'
import type { Target } from './targets.ts'

/**
 * What deleting or emptying something loses, for a person to agree to.
 *
 * @param sum - of the topic; undefined when no nsqd has it
 */
export function loss(
  { topic, channel }: Target,
  verb: 'create' | 'delete' | 'empty' | 'pause' | 'unpause',
  sum: TopicTotals | undefined,
  { lookupds }: Cluster,
): string {
  const found = channel === undefined ? sum : sum?.channels.get(channel)
  const name = channel ?? topic
  if (sum === undefined || found === undefined) return `${name}: at no nsqd, known to nsqlookupd only`
  const parts =
    channel === undefined && verb === 'empty'
      ? emptied(sum)
      : [messages(found), ...(channel === undefined ? [channels(sum)] : []), consumers(found)]
  const knows =
    verb === 'delete' && lookupds.length > 0 ? ` and ${plural(lookupds.length, 'nsqlookupd')}` : ''
  return oneLine(`${name}: ${parts.join('; ')}; at ${plural(found.nsqds, 'nsqd')}${knows}`)
}

function messages({ depth, inFlight, deferred }: Totals): string {
  const waiting = `${plural(depth, 'message')} waiting`
  return `${waiting}, ${formatCount(inFlight)} in flight, ${formatCount(deferred)} deferred`
}

/** nsqd empties of a topic what has not gone to its channels yet. */
function emptied({ undistributed, depth, channels }: TopicTotals): string[] {
  const inChannels = depth - undistributed
  return [
    `${plural(undistributed, 'message')} in no channel yet`,
    ...(channels.size === 0
      ? []
      : [
          `the ${formatCount(inChannels)} in its ${plural(channels.size, 'channel')} stay (see channel empty)`,
        ]),
  ]
}

function channels({ channels }: TopicTotals): string {
  const names = [...channels.keys()].sort()
  const shown = names.length > 5 ? [...names.slice(0, 5), `and ${names.length - 5} more`] : names
  return names.length === 0 ? 'no channel' : `${plural(names.length, 'channel')} (${shown.join(', ')})`
}

function consumers({ clients }: Totals): string {
  return clients === 0 ? 'no consumer' : plural(clients, 'consumer')
}
