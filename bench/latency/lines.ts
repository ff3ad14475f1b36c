/** The lines about latency, as data: from publish to the consumer, at 50,000 messages a second. */
import type { Durability } from '../lines.ts'
import type { PacedLine } from '../paced/lines.ts'

const DURABILITIES: readonly Durability[] = ['none', 'process', 'power']

export const LATENCY_LINES: readonly PacedLine[] = DURABILITIES.map(durability => ({
  name: `latency-${durability}`,
  what: `publish and consume, 50 k/s × 200 B, ${durability}`,
  measure: 'latency',
  durability,
  connections: 5,
  perMillisecond: 10,
  longer: 3,
  // With `power` it is the disk that says how long it takes.
  aims: durability === 'power' ? {} : { p99: 5, p999: 20 },
}))
