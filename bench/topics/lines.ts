/** The lines about many topics, as data. */
import type { Aims } from '../finding.ts'

export interface TopicsLine {
  readonly name: string
  readonly what: string
  readonly topics: number
  readonly channels: number
  readonly connections: number
  /** Commands on the way at once, on each connection. */
  readonly depth: number
  /** Messages in a command. */
  readonly batch: number
  /** Messages of a round, which every channel gets. */
  readonly messages: number
  readonly aims: Aims
}

/** Messages in flight on each connection. */
export const READY = 2500
export const CHANNELS = 3

/** The peer is the same nsqd with one topic. */
const AIMS: Aims = { ofPeer: 0.5 }

export const TOPICS_LINES: readonly TopicsLine[] = [
  {
    name: 'topics-mpub',
    what: 'MPUB 200 × 200 B, 3 channels consumed, 1,000 topics; peer: 1 topic',
    topics: 1000,
    channels: CHANNELS,
    connections: 2,
    depth: 2,
    batch: 200,
    messages: 800_000,
    aims: AIMS,
  },
  {
    name: 'topics-pub',
    what: 'PUB, 16 connections × 100 pipelined, 3 channels consumed, 1,000 topics; peer: 1 topic',
    topics: 1000,
    channels: CHANNELS,
    connections: 16,
    depth: 100,
    batch: 1,
    messages: 100_000,
    aims: AIMS,
  },
]
