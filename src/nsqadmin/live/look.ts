import type { ClusterNode } from '../../cluster/node.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import type { TopicTotals } from '../../cluster/totals.ts'
import type { Failed, Warning } from '../live-types.ts'

/** One look at the whole cluster. */
export interface Look {
  /** Counts looks. */
  number: number
  /** When, in ms since 1970. */
  time: number
  /** The same by `performance.now()`. */
  atMs: number
  nodes: readonly ClusterNode[]
  /** Without clients. */
  stats: readonly NsqdStats[]
  totals: ReadonlyMap<string, TopicTotals>
  /** Every topic that is there, also those that nsqlookupd alone knows. */
  topicNames: ReadonlySet<string>
  warnings: Warning[]
  /** Nobody answered: then there is nothing else. */
  failed: Omit<Failed, 'time'> | undefined
}
