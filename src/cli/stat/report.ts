import type { ClusterNode } from '../../cluster/node.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import type { NsqError } from '../../util/errors.ts'

/** What a row of the table counts. */
export interface Numbers {
  /** Messages that wait. */
  readonly depth: number
  /** Those of them that are on disk only. */
  readonly disk: number
  readonly inFlight: number
  readonly deferred: number
  /** A second, between this look and the last; undefined when that is not known. */
  readonly in: number | undefined
  /** Messages that left for good, a second. */
  readonly out: number | undefined
  readonly requeued: number
  readonly timedOut: number
  readonly connections: number
  /** Since the daemons' start, as are the following. */
  readonly messages: number
  /** Not taken in by the topic, as too many wait. */
  readonly refused: number
  /** Dropped as too many, or too old. */
  readonly dropped: number
  readonly expired: number
}

/** A channel over all nsqds, or a topic with what is in none of its channels. */
export interface Row extends Numbers {
  readonly topic: string
  /** Undefined in the row of a topic. */
  readonly channel: string | undefined
  /** Whether it is paused on some nsqd. */
  readonly paused: boolean
  /** Whether messages wait in the channel for a consumer, who does not come, on some nsqd. */
  readonly orphaned: boolean
  readonly growing: boolean
  /** Depths in the looks of late, oldest first. */
  readonly trend: readonly number[]
  /** From publish to FIN, the worst nsqd's, by quantile upwards; empty unless nsqd measures it. */
  readonly latency: readonly Percentile[]
}

export interface Percentile {
  /** 0.99 */
  readonly quantile: number
  readonly ms: number
}

export interface TopicReport extends Row {
  readonly channels: readonly Row[]
}

/** What one look at the cluster has shown. Topics and channels are in the order of their names. */
export interface Report {
  readonly at: Date
  /** Since the last look that was answered; undefined in the first. */
  readonly elapsedMs: number | undefined
  readonly topics: readonly TopicReport[]
  /** All nsqds; `error` is set for one that did not answer. */
  readonly nodes: readonly ClusterNode[]
  /** What those said that answered. */
  readonly stats: readonly NsqdStats[]
  /** For each daemon that did not, nsqlookupds too. */
  readonly warnings: readonly NsqError[]
}
