import { HttpRequestError } from '../http/request.ts'
import { NsqError } from '../util/errors.ts'
import { type Answers, askAll } from './answers.ts'
import { type AskOptions, get } from './ask.ts'
import type { Cluster } from './cluster.ts'
import { each, integer, object, ReplyShapeError, text } from './shape.ts'

/** A message that was looked at and is still where it was. */
export interface PeekedMessage {
  id: string
  /** Where it is: see `ClusterNode`. */
  node: string
  /** When it was published: nanoseconds since 1970, as text: too large for a number. */
  timestamp: string
  attempts: number
  /** Bytes of the whole body. */
  size: number
  /** Of the body as much as was asked for. */
  body: string
  encoding: 'utf8' | 'base64'
  state: 'waiting' | 'inFlight' | 'deferred'
  /** When a deferred message is due, or one in flight times out, in milliseconds since 1970; null for one that waits. */
  until: number | null
}

export interface Peeked {
  /** Those that wait, taken in turns from the nsqds and in the order of each; then those in flight, then deferred ones. */
  messages: PeekedMessage[]
  /** nsqds that cannot show any: the official ones. */
  unsupported: string[]
}

export interface PeekQuery {
  topic: string
  channel: string | undefined
  count: number
  maxBody: number
}

type Outcome = PeekedMessage[] | 'unsupported' | 'missing'

/** Asks every nsqd that has the topic; see `Cluster.peek`. */
export async function peek(
  cluster: Cluster,
  query: PeekQuery,
  options: AskOptions,
): Promise<Answers<Peeked>> {
  const { topic, channel, count, maxBody } = query
  const { value: holders, warnings } = await cluster.holdersOf(topic, options.signal ?? undefined)
  if (!holders.isKnown) throw new NsqError('E_TOPIC_NOT_FOUND', `there is no topic ${topic}`)
  const path = `/peek?${new URLSearchParams({
    topic,
    ...(channel === undefined ? {} : { channel }),
    n: String(count),
    max_body: String(maxBody),
  }).toString()}`
  const nodes = holders.nodes.map(({ node }) => node)
  const answers = await askAll({ addresses: nodes, daemon: 'nsqd' }, async (node): Promise<Outcome> => {
    try {
      return await get(cluster.addressOf(node), path, options, reply => read(reply, node))
    } catch (error) {
      if (!(error instanceof HttpRequestError) || error.status !== 404) throw error
      // Of an official nsqd it is the path that is not found.
      return error.reply === 'TOPIC_NOT_FOUND' || error.reply === 'CHANNEL_NOT_FOUND'
        ? 'missing'
        : 'unsupported'
    }
  })
  const outcomes = answers.value
  if (channel !== undefined && !holders.channels.includes(channel) && outcomes.every(isMissing)) {
    throw new NsqError('E_CHANNEL_NOT_FOUND', `the topic ${topic} has no channel ${channel}`)
  }
  const lists = outcomes.flatMap(({ value }) => (typeof value === 'string' ? [] : [value]))
  const unsupported = outcomes.filter(({ value }) => value === 'unsupported').map(({ address }) => address)
  return {
    value: { messages: merge(lists).slice(0, count), unsupported },
    warnings: [...warnings, ...answers.warnings],
  }
}

function isMissing({ value }: { value: Outcome }): boolean {
  return value === 'missing'
}

function merge(lists: readonly PeekedMessage[][]): PeekedMessage[] {
  const waiting = lists.map(list => list.filter(({ state }) => state === 'waiting'))
  const longest = Math.max(0, ...waiting.map(({ length }) => length))
  const inTurns = Array.from({ length: longest }, (_, i) => waiting.flatMap(list => list[i] ?? [])).flat()
  const due = (state: PeekedMessage['state']): PeekedMessage[] =>
    lists
      .flat()
      .filter(message => message.state === state)
      .sort((a, b) => (a.until ?? 0) - (b.until ?? 0))
  return [...inTurns, ...due('inFlight'), ...due('deferred')]
}

function read(reply: unknown, node: string): PeekedMessage[] {
  return each(object(reply, 'the reply')['messages'], 'messages', item => ({
    id: text(item['id'], 'id'),
    node,
    timestamp: text(item['timestamp'], 'timestamp'),
    attempts: integer(item['attempts'], 'attempts'),
    size: integer(item['size'], 'size'),
    body: text(item['body'], 'body'),
    encoding: oneOf(item['encoding'], ['utf8', 'base64'] as const, 'encoding'),
    state: oneOf(item['state'], ['waiting', 'inFlight', 'deferred'] as const, 'state'),
    until: item['until'] === null ? null : integer(item['until'], 'until'),
  }))
}

function oneOf<T extends string>(value: unknown, words: readonly T[], where: string): T {
  const found = words.find(word => word === value)
  if (found === undefined) throw new ReplyShapeError(`${where} is not one of ${words.join(', ')}`)
  return found
}
