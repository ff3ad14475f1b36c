import { HttpError } from '../http/error.ts'
import { json, type Reply } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import { Slots } from '../util/slots.ts'
import { channelArguments } from './http-admin.ts'
import type { ReplayReport, TimeRange } from './replay.ts'

/** The part of a daemon that gives channels messages again. */
export interface ReplayTarget {
  /** Throws HttpError 404 for an unknown topic or channel, 400 where there is nothing to replay. */
  replay(topicName: string, channelName: string, range: TimeRange, apply: boolean): Promise<ReplayReport>
  /** Resolves when a crash will not undo what has been done to this topic. */
  settle(topicName: string): Promise<void>
}

/** Each reads the index of a segment or two. Others wait. */
const MOST_AT_ONCE = 2

/** `GET`, `POST /channel/replay?topic=T&channel=C&since=MS[&until=MS]`: what would be delivered again; and to do it. */
export function replayRoutes(nsqd: ReplayTarget): Route[] {
  const slots = new Slots(MOST_AT_ONCE)
  const run = async (request: HttpRequest, apply: boolean): Promise<ReplayReport> => {
    const [topic, channel] = channelArguments(request)
    const range = timeRange(request.query)
    return slots.use(() => nsqd.replay(topic, channel, range, apply))
  }
  return [
    { method: 'GET', path: '/channel/replay', handle: async request => json(await run(request, false)) },
    {
      method: 'POST',
      path: '/channel/replay',
      async handle(request): Promise<Reply> {
        const report = await run(request, true)
        await nsqd.settle(request.query.get('topic') ?? '')
        return json(report)
      },
    },
  ]
}

function timeRange(query: URLSearchParams): TimeRange {
  const since = timeArgument(query, 'since')
  if (since === undefined) throw new HttpError(400, 'MISSING_ARG_SINCE')
  const until = timeArgument(query, 'until')
  if (until !== undefined && until <= since) throw new HttpError(400, 'INVALID_ARG_UNTIL')
  return { since, until }
}

function timeArgument(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  if (!/^\d{1,15}$/.test(text)) throw new HttpError(400, `INVALID_ARG_${name.toUpperCase()}`)
  return Number(text)
}
