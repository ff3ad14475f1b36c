import type { TopicTotals } from '../../cluster/totals.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import type { Warning } from '../live-types.ts'

/** The warning has the names of so many channels: it goes with each update. */
const NAMED = 5

/** What went wrong, as the page shows it. */
export function toWarning(error: unknown): Warning {
  if (error instanceof NsqError) return { message: error.message, remedy: error.remedy ?? null }
  return { message: errorText(error), remedy: null }
}

/** One for all channels that nobody reads; none where there are none. */
export function orphanWarnings(totals: ReadonlyMap<string, TopicTotals>): Warning[] {
  const names: string[] = []
  for (const { name, orphaned, channels } of totals.values()) {
    if (!orphaned) continue
    for (const channel of channels.values()) if (channel.orphaned) names.push(`${name}/${channel.name}`)
  }
  if (names.length === 0) return []
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : ''
  const are = names.length === 1 ? 'channel is' : 'channels are'
  return [
    {
      message: `${names.length} ${are} orphaned: ${names.sort().slice(0, NAMED).join(', ')}${more}`,
      remedy:
        'Messages wait, and no consumer has come for --orphan-after of nsqd: delete what is not needed.',
    },
  ]
}
