import { HttpError } from '../../http/error.ts'
import { json, type Reply } from '../../http/reply.ts'
import type { HttpRequest, Route } from '../../http/router.ts'
import type { Logger } from '../../util/logger.ts'
import { Slots } from '../../util/slots.ts'
import type { Admin } from '../admin.ts'
import type { Peek, Tombstones } from '../live-types.ts'
import { integerArgument, nameArgument, optionalName } from './arguments.ts'
import { WallClock } from './clock.ts'
import { Counter } from './counter.ts'
import type { Look } from './look.ts'
import { Poller } from './poller.ts'
import { publish } from './publish.ts'
import { refusing } from './refusal.ts'
import { Streams } from './streams.ts'
import {
  channelView,
  counterView,
  nodesView,
  nodeView,
  topicsView,
  topicView,
  type View,
  type ViewSource,
} from './views.ts'
import { toWarning } from './warnings.ts'
import { Watches } from './watch/watches.ts'

/** Of views, at a time. */
const MAX_QUESTIONS = 16
const PEEK_COUNT = { fallback: 10, min: 1, max: 100 }
/** Bytes of each body that peek shows. */
const PEEK_BODY = 64 * 1024

/** What the page has beyond the official API: live numbers and their past, watch, peek, publish, and tombstones. */
export interface Live {
  readonly routes: Route[]
  /** For /metrics. */
  readonly status: LiveStatus
  /** Begins to look at the cluster. */
  start(): void
  /** Looks at the cluster no more, and ends watches. The streams end with the server. */
  close(): void
}

export interface LiveStatus {
  /** Open streams of /api/live. */
  readonly streams: number
  readonly watches: number
  /** Looks at the cluster so far. */
  readonly looks: number
  /** Since the last look at which a daemon answered; undefined before. */
  readonly ageMs: number | undefined
}

/** Paths are without --base-path. */
export function liveRoutes(admin: Admin): Live {
  const clock = new WallClock()
  const counter = new Counter()
  const streams = new Streams()
  let lastAnswerMs: number | undefined
  let before: Look | undefined
  const poller = new Poller({
    cluster: () => admin.cluster,
    intervalMs: admin.options.pollInterval,
    clock,
    looked(look) {
      counter.observe(look.stats)
      if (look.failed === undefined) lastAnswerMs = look.atMs
      logChange(admin.logger, before, look)
      before = look
      streams.looked(look)
    },
  })
  const watches = new Watches(admin.options, clock, poller)
  const source: ViewSource = {
    get cluster() {
      return poller.cluster
    },
    questions: new Slots(MAX_QUESTIONS),
    memory: poller.memory,
    counter,
  }
  return {
    routes: [
      route('GET', 'live', ({ query }) => streams.open(viewOf(source, query), poller)),
      route('GET', 'history', ({ query }) =>
        json(poller.memory.history(nameArgument(query, 'topic'), optionalName(query, 'channel'))),
      ),
      route('GET', 'watch', ({ query }) => watches.open(query)),
      route('GET', 'peek', request => peek(admin, request)),
      route('POST', 'publish', request => publish(request, admin)),
      route('GET', 'tombstones', () => tombstones(admin)),
    ],
    get status() {
      return {
        streams: streams.size,
        watches: watches.size,
        looks: poller.last?.number ?? 0,
        ageMs: lastAnswerMs === undefined ? undefined : performance.now() - lastAnswerMs,
      }
    },
    start: () => poller.start(),
    close() {
      poller.close()
      watches.close()
    },
  }
}

/** Each failure once, and its end. */
function logChange(logger: Logger, before: Look | undefined, { failed }: Look): void {
  if (failed !== undefined && before?.failed?.message !== failed.message) {
    logger.warn(`the cluster does not answer: ${failed.message}`)
  }
  if (failed === undefined && before?.failed !== undefined) logger.info('the cluster answers again')
}

function route(method: string, path: string, handle: Route['handle']): Route {
  return { method, path: `/api/${path}`, handle }
}

function viewOf(source: ViewSource, query: URLSearchParams): View {
  switch (query.get('view')) {
    case 'topics':
      return topicsView(source)
    case 'topic':
      return topicView(source, nameArgument(query, 'topic'))
    case 'channel':
      return channelView(source, nameArgument(query, 'topic'), nameArgument(query, 'channel'))
    case 'nodes':
      return nodesView(source)
    case 'node':
      return nodeView(source, nameArgument(query, 'node'))
    case 'counter':
      return counterView(source)
    default:
      throw new HttpError(400, 'INVALID_ARG_VIEW: view is topics, topic, channel, nodes, node or counter')
  }
}

async function peek(admin: Admin, { query }: HttpRequest): Promise<Reply> {
  const topic = nameArgument(query, 'topic')
  const channel = optionalName(query, 'channel')
  const { fallback, min, max } = PEEK_COUNT
  const count = integerArgument(query, 'n', fallback, min, max)
  const { value, warnings } = await refusing(admin.cluster.peek(topic, channel, count, PEEK_BODY))
  return json({ ...value, warnings: warnings.map(toWarning), message: '' } satisfies Peek)
}

async function tombstones(admin: Admin): Promise<Reply> {
  const { value, warnings } = await refusing(admin.cluster.tombstones())
  const { list, unsupported } = value
  return json({
    tombstones: list,
    unsupported,
    warnings: warnings.map(toWarning),
    message: '',
  } satisfies Tombstones)
}
