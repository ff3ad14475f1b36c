import { hostname } from 'node:os'
import { HttpError } from '../http/error.ts'
import { json, type Reply, text } from '../http/reply.ts'
import { metricsRoute } from '../http/metrics.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import { version } from '../util/version.ts'
import { type ConfigSource, getConfig, putConfig } from './config-endpoint.ts'
import { type AdminTarget, adminRoutes } from './http-admin.ts'
import { type DrainTarget, drainRoutes } from './http-drain.ts'
import { peekRoute, type PeekTarget } from './http-peek.ts'
import { publishRoutes, type PublishTarget } from './http-publish.ts'
import { replayRoutes, type ReplayTarget } from './http-replay.ts'
import { watchGc } from './memory.ts'
import { type MetricsSource, writeNsqdMetrics } from './metrics.ts'
import type { NsqdOptions } from './options.ts'
import { Refusal } from './refusal.ts'
import { collectStats } from './stats.ts'
import { statsText } from './stats-text.ts'

/** The daemon, as its HTTP API needs it. */
export interface HttpTarget
  extends AdminTarget, ConfigSource, DrainTarget, PublishTarget, MetricsSource, PeekTarget, ReplayTarget {
  readonly options: NsqdOptions
  readonly topics: AdminTarget['topics'] & MetricsSource['topics']
  /** The ports listened on; 0 for none. */
  readonly tcpPort: number
  readonly httpPort: number
}

/** The official HTTP API of nsqd, without Go's `/debug`, and ours: `/peek`, `/channel/replay`, `/drain` and `/metrics`. */
export function nsqdRoutes(nsqd: HttpTarget): Route[] {
  watchGc()
  return [
    { method: 'GET', path: '/ping', handle: () => ping(nsqd) },
    { method: 'GET', path: '/info', handle: () => info(nsqd) },
    { method: 'GET', path: '/stats', handle: request => stats(nsqd, request) },
    peekRoute(nsqd),
    metricsRoute(writer => writeNsqdMetrics(writer, nsqd)),
    ...publishRoutes(nsqd).map(withRefusals),
    ...adminRoutes(nsqd).map(withRefusals),
    ...drainRoutes(nsqd),
    ...replayRoutes(nsqd),
    { method: 'GET', path: '/config/:name', handle: ({ params }) => getConfig(nsqd, params['name'] ?? '') },
    {
      method: 'PUT',
      path: '/config/:name',
      handle: async request => {
        const body = await request.readBody(nsqd.options.maxMsgSize, 'INVALID_VALUE')
        return putConfig(nsqd, request.params['name'] ?? '', body)
      },
    },
  ]
}

/** Answers what nsqd refuses as it says: the code for programs, and the reason for people. */
function withRefusals(route: Route): Route {
  return {
    ...route,
    async handle(request): Promise<Reply> {
      try {
        return await route.handle(request)
      } catch (error) {
        if (error instanceof Refusal)
          return json({ message: error.answer, reason: error.message }, error.status)
        throw error
      }
    },
  }
}

function ping({ health }: HttpTarget): Reply {
  if (health !== 'OK') throw new HttpError(500, health)
  return text(health)
}

function info({ options, tcpPort, httpPort, startTime }: HttpTarget): Reply {
  return json({
    version,
    broadcast_address: options.broadcastAddress,
    hostname: hostname(),
    http_port: options.broadcastHttpPort ?? httpPort,
    tcp_port: options.broadcastTcpPort ?? tcpPort,
    start_time: Math.floor(startTime.getTime() / 1000),
    // Durations are nanoseconds here, as in Go.
    max_heartbeat_interval: Math.round(options.maxHeartbeatInterval * 1e6),
    max_output_buffer_size: options.maxOutputBufferSize,
    max_output_buffer_timeout: Math.round(options.maxOutputBufferTimeout * 1e6),
    max_deflate_level: options.maxDeflateLevel,
    topology_zone: options.topologyZone,
    topology_region: options.topologyRegion,
  })
}

function stats(nsqd: HttpTarget, { query }: HttpRequest): Reply {
  const collected = collectStats(nsqd, {
    topic: query.get('topic') ?? '',
    channel: query.get('channel') ?? '',
    includeClients: isNotOff(query.get('include_clients')),
    includeMemory: isNotOff(query.get('include_mem')),
  })
  return query.get('format') === 'json' ? json(collected) : text(statsText(collected, nsqd.startTime))
}

/** Anything but these two words means yes, as in the official nsqd. */
function isNotOff(given: string | null): boolean {
  return given !== 'false' && given !== '0'
}
