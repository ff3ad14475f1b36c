import type { Durability } from '../lines.ts'

/** Messages that are published at a steady rate, as the clock says, and consumed at once, by one consumer. */
export interface PacedLine {
  readonly name: string
  readonly what: string
  /** What comes late: latency, or lateness. */
  readonly measure: string
  readonly durability: Durability
  /** Publishing connections, and what each sends every millisecond. */
  readonly connections: number
  readonly perMillisecond: number
  /** Of deferred messages, in ms. */
  readonly delays?: { readonly least: number; readonly most: number }
  /** How often it takes as long as a line that knows no tails. */
  readonly longer: number
  /** How late it may be, in ms. */
  readonly aims: { readonly p99?: number; readonly p999?: number }
}
