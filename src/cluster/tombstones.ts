import { HttpRequestError } from '../http/request.ts'
import { type Answers, askAll } from './answers.ts'
import { type AskOptions, get, nodeOfPlain } from './ask.ts'
import { each, object, ReplyShapeError, text } from './shape.ts'

/** An nsqd that an nsqlookupd hides from those who look for a topic. */
export interface TombstoneInfo {
  topic: string
  /** `host:port` of its HTTP API. */
  node: string
  /** Milliseconds since 1970. */
  since: number
  /** When it is shown again. */
  until: number
  /** As it was given. */
  lookupd: string
}

export interface Tombstones {
  /** By topic, node and nsqlookupd. */
  list: TombstoneInfo[]
  /** nsqlookupds that cannot tell: the official ones. */
  unsupported: string[]
}

/** @throws NsqError `E_LOOKUP` when no nsqlookupd answered */
export async function tombstones(
  lookupds: readonly string[],
  options: AskOptions,
): Promise<Answers<Tombstones>> {
  const { value, warnings } = await askAll({ addresses: lookupds, daemon: 'nsqlookupd' }, async lookupd => {
    try {
      return await get(lookupd, '/tombstones', options, reply => read(reply, lookupd))
    } catch (error) {
      if (error instanceof HttpRequestError && error.status === 404) return undefined
      throw error
    }
  })
  return {
    value: {
      list: value.flatMap(answer => answer.value ?? []).sort((a, b) => (key(a) < key(b) ? -1 : 1)),
      unsupported: value.filter(answer => answer.value === undefined).map(({ address }) => address),
    },
    warnings,
  }
}

function read(reply: unknown, lookupd: string): TombstoneInfo[] {
  return each(object(reply, 'the reply')['tombstones'], 'tombstones', item => ({
    topic: text(item['topic'], 'topic'),
    node: nodeOfPlain(text(item['node'], 'node')),
    since: time(item['since'], 'since'),
    until: time(item['until'], 'until'),
    lookupd,
  }))
}

function time(value: unknown, where: string): number {
  const ms = Date.parse(text(value, where))
  if (Number.isNaN(ms)) throw new ReplyShapeError(`${where} is not a time`)
  return ms
}

function key({ topic, node, lookupd }: TombstoneInfo): string {
  return `${topic} ${node} ${lookupd}`
}
