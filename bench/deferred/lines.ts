/** The line about deferred messages, as data: how much later than due they come. */
import type { PacedLine } from '../paced/lines.ts'

export const DEFERRED_LINES: readonly PacedLine[] = [
  {
    name: 'deferred',
    what: 'deferred by 50 ms to 2 s, 10 k/s × 200 B',
    measure: 'lateness',
    durability: 'process',
    connections: 5,
    perMillisecond: 2,
    delays: { least: 50, most: 2000 },
    longer: 4,
    aims: { p99: 10 },
  },
]
