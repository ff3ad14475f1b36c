/** The lines about nsqd, as data. */
import type { Aims } from './finding.ts'

export type Durability = 'none' | 'process' | 'power'

export interface PublishLoad {
  readonly kind: 'publish'
  readonly connections: number
  /** Commands on the way at once, on each connection. */
  readonly depth: number
  /** Messages in a command. */
  readonly batch: number
}

/** A backlog is published, which is not measured, and consumed through one connection a channel. */
export interface DrainLoad {
  readonly kind: 'drain'
  readonly channels: number
  /** Messages of the backlog; each channel gets them all. */
  readonly messages: number
}

/** Nothing: the memory of an nsqd that was just started. */
export interface IdleLoad {
  readonly kind: 'idle'
}

export interface Line {
  readonly name: string
  readonly what: string
  readonly load: PublishLoad | DrainLoad | IdleLoad
  readonly durability: Durability
  /** Bytes of messages kept in memory: our --mem-queue-bytes. */
  readonly memoryBytes: number
  /** `time`: what counts is not how many messages there are in a second, but how long each takes. */
  readonly unit?: 'rate' | 'time'
  readonly aims?: Aims
  /** The highest resident memory wanted, in bytes. */
  readonly memoryAim?: number
  /** Rounds, when fewer than usual do. */
  readonly rounds?: number
}

const MB = 1e6
const MiB = 1024 * 1024

export const BODY_LENGTH = 200
/** What a message of 200 bytes takes in memory and on disk. */
const RECORD_LENGTH = BODY_LENGTH + 34

interface Publishing extends Pick<Line, 'name' | 'what' | 'load' | 'unit'> {
  readonly aims: Partial<Record<Durability, Aims>>
}

const PUBLISHING: readonly Publishing[] = [
  {
    name: 'mpub',
    what: 'MPUB 200 × 200 B, 2 connections',
    load: { kind: 'publish', connections: 2, depth: 2, batch: 200 },
    unit: 'rate',
    aims: { process: { ours: 1e6, ofCeiling: 0.7 }, power: { ours: 6e5 } },
  },
  {
    name: 'pub-pipelined',
    what: 'PUB, 16 connections × 100 pipelined',
    load: { kind: 'publish', connections: 16, depth: 100, batch: 1 },
    unit: 'rate',
    aims: { process: { ours: 7e5 } },
  },
  {
    name: 'pub-64',
    what: 'PUB, 64 connections, one at a time',
    load: { kind: 'publish', connections: 64, depth: 1, batch: 1 },
    unit: 'rate',
    aims: { process: { ours: 1e5 } },
  },
  {
    name: 'pub-1',
    what: 'PUB, 1 connection, one at a time',
    load: { kind: 'publish', connections: 1, depth: 1, batch: 1 },
    unit: 'time',
    aims: { none: { ofCeiling: 1 / 1.3 }, process: { ofCeiling: 1 / 2 } },
  },
]

const DURABILITIES: readonly Durability[] = ['none', 'process', 'power']

export const LINES: readonly Line[] = [
  {
    name: 'idle',
    what: 'idle',
    load: { kind: 'idle' },
    durability: 'process',
    memoryBytes: 64 * MiB,
    memoryAim: 70 * MB,
  },
  ...PUBLISHING.flatMap(({ name, what, aims, ...rest }) =>
    DURABILITIES.map((durability): Line => ({
      ...rest,
      name: `${name}-${durability}`,
      what: `${what}, ${durability}`,
      durability,
      memoryBytes: 64 * MiB,
      aims: aims[durability] ?? {},
    })),
  ),
  {
    name: 'sub-1',
    what: 'subscribe and FIN, 1 channel',
    load: { kind: 'drain', channels: 1, messages: 1_500_000 },
    durability: 'process',
    memoryBytes: 1024 * MiB,
    aims: { ours: 1e6 },
  },
  {
    name: 'sub-10',
    what: 'subscribe and FIN, 10 channels',
    load: { kind: 'drain', channels: 10, messages: 300_000 },
    durability: 'process',
    memoryBytes: 1024 * MiB,
    aims: { ours: 2e6 },
  },
  {
    name: 'backlog-10x',
    what: 'backlog of 640 MiB, 64 MiB in memory',
    load: { kind: 'drain', channels: 1, messages: Math.ceil((640 * MiB) / RECORD_LENGTH) },
    durability: 'process',
    memoryBytes: 64 * MiB,
    memoryAim: 300 * MB,
    rounds: 3,
  },
  {
    name: 'backlog-5g',
    what: 'backlog of 5 GB, 64 MiB in memory',
    load: { kind: 'drain', channels: 1, messages: Math.ceil(5e9 / RECORD_LENGTH) },
    durability: 'process',
    memoryBytes: 64 * MiB,
    aims: { ours: 7e5 },
    memoryAim: 300 * MB,
    rounds: 1,
  },
]
