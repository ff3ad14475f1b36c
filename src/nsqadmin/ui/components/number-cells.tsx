import type { Numbers } from '../../live-types.ts'
import { compact, count, rate } from '../format.ts'
import type { Trend } from '../trends.ts'
import { Sparkline } from './sparkline.tsx'
import type { Column } from './table.tsx'

/** A number of a table: nothing is quieter than something. */
export function Count({ value }: { value: number }) {
  return (
    <span class={value === 0 ? 'zero' : ''} title={value >= 100_000 ? count(value) : undefined}>
      {compact(value)}
    </span>
  )
}

export function Rate({ value }: { value: number | null }) {
  return <span class={value ? '' : 'zero'}>{rate(value)}</span>
}

/** With the small chart of how it came to it. */
export function Depth({ value, trend }: { value: number; trend: Trend }) {
  return (
    <span class="depth-cell">
      <Sparkline trend={trend} />
      <Count value={value} />
    </span>
  )
}

type Name =
  | 'depth'
  | 'inFlight'
  | 'deferred'
  | 'requeued'
  | 'timedOut'
  | 'dropped'
  | 'expired'
  | 'messages'
  | 'clients'
  | 'rateIn'
  | 'rateOut'

const TITLES: Record<Name, readonly [title: string, hint: string, width: number]> = {
  depth: ['Depth', 'Messages that wait', 92],
  inFlight: ['In flight', 'Sent to consumers and not finished yet', 92],
  deferred: ['Deferred', 'To be delivered later', 92],
  requeued: ['Requeued', 'Given back by consumers, since the start', 98],
  timedOut: ['Timed out', 'Not finished in time, since the start', 98],
  dropped: ['Dropped', 'Thrown away as too many waited, since the start', 92],
  expired: ['Expired', 'Thrown away as they waited too long, since the start', 92],
  messages: ['Messages', 'All that have come, since the start of nsqd', 100],
  clients: ['Clients', 'Consumers that are connected', 84],
  rateIn: ['In /s', 'Published, a second', 84],
  rateOut: ['Out /s', 'Finished or thrown away, a second', 84],
}

/** A column of the numbers that topics, channels and their shares at an nsqd have alike. */
export function numberColumn(name: Name): Column<Numbers> {
  const [title, hint, width] = TITLES[name]
  const cell =
    name === 'rateIn' || name === 'rateOut'
      ? (row: Numbers) => <Rate value={row[name]} />
      : (row: Numbers) => <Count value={row[name]} />
  return { id: name, title, hint, width, value: row => row[name], cell }
}
