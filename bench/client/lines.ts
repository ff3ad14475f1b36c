/** What our client is measured in, as data. Each line has contestants of its own, which take turns on one nsqd. */
import type { Aims } from '../finding.ts'

interface Setting {
  /** As the table shows it. */
  readonly name: string
  /** `bare`: the same bytes between bare node:net processes; no client, and no nsqd. */
  readonly client: 'ours' | 'nsqjs' | 'bare'
  readonly tls?: boolean
  readonly snappy?: boolean
  /** The level. */
  readonly deflate?: number
}

export interface PublishSetting extends Setting {
  readonly kind: 'publish'
  /** Publishes under way at once. */
  readonly atOnce: number
  /** Messages in each. */
  readonly batch: number
  /**
   * Publish to a topic that nsqd writes to its disk. Unless given the topic is an ephemeral one: it is the clients that
   * are to be measured.
   */
  readonly onDisk?: boolean
}

export interface ConsumeSetting extends Setting {
  readonly kind: 'consume'
  readonly maxInFlight: number
  readonly take: 'handler' | 'onMessage' | 'for await'
  /** Messages of the backlog. */
  readonly messages: number
}

export interface ClientLine {
  readonly name: string
  readonly what: string
  readonly contestants: readonly (PublishSetting | ConsumeSetting)[]
  /** `nsqjs`: the best of nsqjs' settings is what ours are compared with. `first`: the first contestant is. */
  readonly against: 'nsqjs' | 'first'
  readonly aims?: Aims
}

/** About as many as a round of the same length takes. */
const OUR_BACKLOG = 600_000
const NSQJS_BACKLOG = 150_000
const LAYERED_BACKLOG = 300_000

const ONE_BY_ONE = { kind: 'publish', batch: 1 } as const
const IN_ARRAYS = { kind: 'publish', atOnce: 4 } as const

const LAYERS = [
  { name: 'plain' },
  { name: 'snappy', snappy: true },
  { name: 'deflate, level 1', deflate: 1 },
  { name: 'deflate, level 6', deflate: 6 },
  { name: 'TLS', tls: true },
  { name: 'TLS and snappy', tls: true, snappy: true },
  { name: 'TLS and deflate, level 6', tls: true, deflate: 6 },
]

export const CLIENT_LINES: readonly ClientLine[] = [
  {
    name: 'client-publish',
    what: 'publish, one message a call',
    against: 'nsqjs',
    aims: { ofPeer: 5 },
    contestants: [
      ...[100, 1000].flatMap(atOnce =>
        (['nsqjs', 'ours'] as const).map(client => ({
          ...ONE_BY_ONE,
          client,
          atOnce,
          name: `${client}, ${atOnce} calls at once`,
        })),
      ),
      ...[100, 1000].map(atOnce => ({
        ...ONE_BY_ONE,
        client: 'bare' as const,
        atOnce,
        name: `ceiling, MPUBs of ${atOnce}`,
      })),
    ],
  },
  {
    name: 'client-batch',
    what: 'publish, arrays of messages, 4 calls at once',
    against: 'nsqjs',
    aims: { ofPeer: 5 },
    contestants: [
      ...[100, 300, 1000].flatMap(batch =>
        (['nsqjs', 'ours'] as const).map(client => ({
          ...IN_ARRAYS,
          client,
          batch,
          name: `${client}, arrays of ${batch}`,
        })),
      ),
      ...[100, 300, 1000].map(batch => ({
        ...IN_ARRAYS,
        client: 'bare' as const,
        batch,
        name: `ceiling, MPUBs of ${batch}`,
      })),
    ],
  },
  {
    name: 'client-disk',
    what: 'publish to a topic on disk, arrays of messages, 4 calls at once',
    against: 'nsqjs',
    contestants: (['nsqjs', 'ours'] as const).map(client => ({
      ...IN_ARRAYS,
      client,
      batch: 1000,
      onDisk: true,
      name: `${client}, arrays of 1000`,
    })),
  },
  {
    name: 'client-consume',
    what: 'consume and finish',
    against: 'nsqjs',
    aims: { ofPeer: 3 },
    contestants: [
      ...[200, 2500].map(maxInFlight => ({
        kind: 'consume' as const,
        client: 'nsqjs' as const,
        maxInFlight,
        take: 'onMessage' as const,
        messages: NSQJS_BACKLOG,
        name: `nsqjs Reader, maxInFlight ${maxInFlight}`,
      })),
      ...(['handler', 'onMessage', 'for await'] as const).map(take => ({
        kind: 'consume' as const,
        client: 'ours' as const,
        maxInFlight: 2500,
        take,
        messages: OUR_BACKLOG,
        name: `ours, ${take}, maxInFlight 2500`,
      })),
      {
        kind: 'consume',
        client: 'bare',
        maxInFlight: 2500,
        take: 'onMessage',
        messages: OUR_BACKLOG,
        name: 'ceiling, 2500 in flight',
      },
    ],
  },
  {
    name: 'client-layers-publish',
    what: 'publish, one message a call, 1000 calls at once',
    against: 'first',
    contestants: LAYERS.map(layer => ({ ...ONE_BY_ONE, client: 'ours', atOnce: 1000, ...layer })),
  },
  {
    name: 'client-layers-consume',
    what: 'consume and finish with a handler, maxInFlight 2500',
    against: 'first',
    contestants: LAYERS.map(layer => ({
      kind: 'consume',
      client: 'ours',
      maxInFlight: 2500,
      take: 'handler',
      messages: LAYERED_BACKLOG,
      ...layer,
    })),
  },
]
