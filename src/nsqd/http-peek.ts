import { HttpError } from '../http/error.ts'
import { json } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import { Slots } from '../util/slots.ts'
import type { PeekedMessage, PeekLimits } from './peek.ts'

/** The part of a daemon that shows messages and changes nothing. */
export interface PeekTarget {
  /** Throws HttpError 404 for an unknown topic or channel; an empty channel is the topic itself. */
  peek(topicName: string, channelName: string, limits: PeekLimits): Promise<PeekedMessage[]>
}

const MOST_MESSAGES = 1000
const MOST_BODY = 8 * 1024 * 1024
/** Each may read tens of megabytes. Others wait. */
const MOST_AT_ONCE = 2

/**
 * `GET /peek?topic=T[&channel=C][&n=10][&max_body=65536]`: the next messages of a channel, or those that are in no channel
 * yet. Nothing is changed by it.
 */
export function peekRoute(nsqd: PeekTarget): Route {
  const slots = new Slots(MOST_AT_ONCE)
  return {
    method: 'GET',
    path: '/peek',
    async handle({ query }) {
      const topic = query.get('topic')
      if (topic === null) throw new HttpError(400, 'MISSING_ARG_TOPIC')
      const limits = {
        count: numberArgument(query, 'n', 10, 1, MOST_MESSAGES),
        maxBody: numberArgument(query, 'max_body', 64 * 1024, 0, MOST_BODY),
      }
      const channel = query.get('channel') ?? ''
      return json({ messages: await slots.use(() => nsqd.peek(topic, channel, limits)) })
    },
  }
}

function numberArgument(
  query: URLSearchParams,
  name: string,
  fallback: number,
  least: number,
  most: number,
): number {
  const text = query.get(name)
  if (text === null) return fallback
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new HttpError(400, `INVALID_ARG_${name.toUpperCase()}`)
  }
  return value
}
