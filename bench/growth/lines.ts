/** The lines about what must not make a message dearer, as data. */
import type { Aims } from '../finding.ts'

export interface GrowthLine {
  readonly name: string
  readonly what: string
  /**
   * What there is more and more of. `backlog`: messages before those that are published, in the same channel. `channels`:
   * messages that wait in each of ten other channels. `deferred`: messages that are due later, in the same channel.
   */
  readonly kind: 'backlog' | 'channels' | 'deferred'
  /** From the smallest to the largest. */
  readonly sizes: readonly number[]
  /** Messages that are published, and as many consumed, in a round. */
  readonly messages: number
  readonly aims: Aims
}

export const READY = 2500
export const OTHER_CHANNELS = 10
/** Longer than any run. */
export const DEFER_MS = 30 * 60_000

/** The ceiling is the same nsqd with the smallest size: the logarithm of a thousand times as much is twice as large. */
const AIMS: Aims = { ofCeiling: 0.5 }

export const GROWTH_LINES: readonly GrowthLine[] = [
  {
    name: 'growth-backlog',
    what: 'MPUB, then subscribe and FIN, with a backlog of 10 M; ceiling: of 10 k',
    kind: 'backlog',
    sizes: [10_000, 300_000, 10_000_000],
    messages: 300_000,
    aims: AIMS,
  },
  {
    name: 'growth-channels',
    what: 'MPUB, then subscribe and FIN, with 1 M waiting in each of 10 other channels; ceiling: 1 k',
    kind: 'channels',
    sizes: [1000, 30_000, 1_000_000],
    messages: 300_000,
    aims: AIMS,
  },
  {
    name: 'growth-deferred',
    what: 'MPUB, then subscribe and FIN, with 1 M deferred; ceiling: 1 k',
    kind: 'deferred',
    sizes: [1000, 30_000, 1_000_000],
    // So many that checkpoints and collections of garbage, which come by time, have their part of a round and no more.
    messages: 1_500_000,
    aims: AIMS,
  },
]
