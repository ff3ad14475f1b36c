import { HttpRequestError, requestJson } from '../http/request.ts'
import { type Answers, askAll } from './answers.ts'
import { type AskOptions, baseUrl } from './ask.ts'
import type { Cluster } from './cluster.ts'
import { integer, object, ReplyShapeError } from './shape.ts'

/** From `since` on and before `until`, in milliseconds since 1970; until now unless given. */
export interface ReplayRange {
  readonly since: number
  readonly until?: number | undefined
}

/** What an nsqd puts before a channel again, or would. */
export interface ReplayedAt {
  /** Where it is: see `ClusterNode`. */
  node: string
  /** Messages of the range that are still there. */
  messages: number
  /** Of these messages, in the log: each has 34 bytes before its body. */
  bytes: number
  /** How many of them the channel has not finished anyway. */
  waiting: number
  /** When the oldest message was published that is still there; null when there is none. */
  oldest: number | null
}

export interface Replayed {
  /** Sorted by node. */
  nsqds: ReplayedAt[]
  /** nsqds that cannot: the official ones, which keep nothing that they have delivered. */
  unsupported: string[]
  /** nsqds that have the topic, and not the channel. */
  missing: string[]
}

export interface ReplayQuery extends ReplayRange {
  readonly topic: string
  readonly channel: string
  /** Only asks what it would come to. */
  readonly isDry: boolean
  /** Those to ask, as in `nodes()`. */
  readonly nodes: readonly string[]
}

type Outcome = ReplayedAt | 'unsupported' | 'missing'

/** See `Cluster.replay`. */
export async function replay(
  cluster: Cluster,
  { topic, channel, since, until, isDry, nodes }: ReplayQuery,
  options: AskOptions,
): Promise<Answers<Replayed>> {
  const path = `/channel/replay?${new URLSearchParams({
    topic,
    channel,
    since: String(since),
    ...(until === undefined ? {} : { until: String(until) }),
  }).toString()}`
  const { value, warnings } = await askAll(
    { addresses: [...nodes].sort(), daemon: 'nsqd' },
    async (node): Promise<Outcome> => {
      const url = `${baseUrl(cluster.addressOf(node))}${path}`
      try {
        return read(await requestJson(isDry ? 'GET' : 'POST', url, options), node)
      } catch (error) {
        if (error instanceof ReplyShapeError) error.where = url
        if (!(error instanceof HttpRequestError) || error.status !== 404) throw error
        // Of an official nsqd it is the path that is not found.
        return /^(TOPIC|CHANNEL)_NOT_FOUND$/.test(error.reply ?? '') ? 'missing' : 'unsupported'
      }
    },
  )
  const named = (outcome: Outcome): string[] =>
    value.filter(answer => answer.value === outcome).map(({ address }) => address)
  return {
    value: {
      nsqds: value.flatMap(answer => (typeof answer.value === 'string' ? [] : [answer.value])),
      unsupported: named('unsupported'),
      missing: named('missing'),
    },
    warnings,
  }
}

function read(reply: unknown, node: string): ReplayedAt {
  const { messages, bytes, waiting, oldest } = object(reply, 'the reply')
  return {
    node,
    messages: integer(messages, 'messages'),
    bytes: integer(bytes, 'bytes'),
    waiting: integer(waiting, 'waiting'),
    oldest: oldest === null ? null : integer(oldest, 'oldest'),
  }
}
