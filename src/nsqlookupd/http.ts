import { isValidChannelName, isValidTopicName } from '../protocol/names.ts'
import { HttpError } from '../http/error.ts'
import { metricsRoute } from '../http/metrics.ts'
import { empty, json, text } from '../http/reply.ts'
import type { Route } from '../http/router.ts'
import type { Complaints } from '../util/complaints.ts'
import type { Logger } from '../util/logger.ts'
import { version } from '../util/version.ts'
import { writeLookupdMetrics } from './metrics.ts'
import { nodeName, type Producer, type Registration, type Registry } from './registry.ts'

/** The HTTP API of nsqlookupd 1.3.0, and ours: `GET /tombstones` and `/metrics`. */
export function lookupdRoutes(registry: Registry, logger: Logger, complaints: Complaints): Route[] {
  return [
    { method: 'GET', path: '/ping', handle: () => text('OK') },
    { method: 'GET', path: '/info', handle: () => json({ version }) },
    { method: 'GET', path: '/topics', handle: () => json({ topics: registry.topics() }) },
    {
      method: 'GET',
      path: '/channels',
      handle: ({ query }) => json({ channels: registry.channels(required(query, 'topic')) }),
    },
    {
      method: 'GET',
      path: '/lookup',
      handle({ query }) {
        const topic = required(query, 'topic')
        if (!registry.hasTopic(topic)) throw new HttpError(404, 'TOPIC_NOT_FOUND')
        const producers = registry.producersOf(topic).map(producerJson)
        return json({ channels: registry.channels(topic), producers })
      },
    },
    {
      method: 'GET',
      path: '/nodes',
      handle: () => json({ producers: registry.nodes().map(nodeJson) }),
    },
    {
      method: 'POST',
      path: '/topic/create',
      handle({ query }) {
        const topic = topicArgument(query)
        logger.info(`DB: adding topic(${topic})`)
        registry.createTopic(topic)
        return empty()
      },
    },
    {
      method: 'POST',
      path: '/topic/delete',
      handle({ query }) {
        const topic = required(query, 'topic')
        logger.info(`DB: removing topic(${topic})`)
        registry.deleteTopic(topic)
        return empty()
      },
    },
    {
      method: 'POST',
      path: '/channel/create',
      handle({ query }) {
        const [topic, channel] = [topicArgument(query), channelArgument(query)]
        logger.info(`DB: adding channel(${channel}) in topic(${topic})`)
        registry.createChannel(topic, channel)
        return empty()
      },
    },
    {
      method: 'POST',
      path: '/channel/delete',
      handle({ query }) {
        const [topic, channel] = [topicArgument(query), channelArgument(query)]
        if (!registry.deleteChannel(topic, channel)) throw new HttpError(404, 'CHANNEL_NOT_FOUND')
        logger.info(`DB: removed channel(${channel}) from topic(${topic})`)
        return empty()
      },
    },
    {
      method: 'POST',
      path: '/topic/tombstone',
      handle({ query }) {
        const [topic, node] = [required(query, 'topic'), required(query, 'node')]
        const set = registry.tombstone(topic, node)
        for (const { until } of set) {
          logger.info(`DB: topic(${topic}) of node(${node}) is hidden until ${new Date(until).toISOString()}`)
        }
        const missing = `DB: no producer node(${node}) of topic(${topic}) to tombstone`
        if (set.length === 0) complaints.warn('tombstones', missing)
        return empty()
      },
    },
    // Not in the official nsqlookupd, where a tombstoned producer has just vanished.
    { method: 'GET', path: '/tombstones', handle: () => json({ tombstones: tombstonesJson(registry) }) },
    metricsRoute(writer => writeLookupdMetrics(writer, registry)),
    { method: 'GET', path: '/debug', handle: () => json(debugJson(registry)) },
  ]
}

function required(query: URLSearchParams, name: string): string {
  const value = query.get(name)
  if (value === null) throw new HttpError(400, `MISSING_ARG_${name.toUpperCase()}`)
  return value
}

function topicArgument(query: URLSearchParams): string {
  const topic = required(query, 'topic')
  if (!isValidTopicName(topic)) throw new HttpError(400, 'INVALID_ARG_TOPIC')
  return topic
}

function channelArgument(query: URLSearchParams): string {
  const channel = required(query, 'channel')
  if (!isValidChannelName(channel)) throw new HttpError(400, 'INVALID_ARG_CHANNEL')
  return channel
}

function producerJson(producer: Producer): Record<string, unknown> {
  return {
    remote_address: producer.id,
    hostname: producer.hostname,
    broadcast_address: producer.broadcastAddress,
    tcp_port: producer.tcpPort,
    http_port: producer.httpPort,
    version: producer.version,
    topology_zone: producer.topologyZone,
    topology_region: producer.topologyRegion,
  }
}

function nodeJson({ producer, topics }: ReturnType<Registry['nodes']>[number]): Record<string, unknown> {
  return {
    ...producerJson(producer),
    tombstones: topics.map(({ tombstoned }) => tombstoned),
    topics: topics.map(({ topic }) => topic),
  }
}

function tombstonesJson(registry: Registry): unknown[] {
  return registry.tombstones().map(({ topic, producer, since, until }) => ({
    topic,
    node: nodeName(producer),
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
  }))
}

/** Registrations by `category:topic:channel`, each with its producers. */
function debugJson(registry: Registry): Record<string, unknown[]> {
  const byKey: Record<string, unknown[]> = {}
  for (const registration of registry.registrations()) {
    const key = `${registration.category}:${registration.topic}:${registration.channel}`
    ;(byKey[key] ??= []).push(registrationJson(registration))
  }
  return byKey
}

function registrationJson({ producer, tombstoned, tombstonedAt }: Registration): Record<string, unknown> {
  return {
    id: producer.id,
    hostname: producer.hostname,
    broadcast_address: producer.broadcastAddress,
    tcp_port: producer.tcpPort,
    http_port: producer.httpPort,
    version: producer.version,
    topology_zone: producer.topologyZone,
    topology_region: producer.topologyRegion,
    last_update: nanoseconds(producer.lastUpdate),
    tombstoned,
    tombstoned_at: nanoseconds(tombstonedAt),
  }
}

/** The official daemon shows times here in nanoseconds; JSON numbers keep them to about 200 ns. */
function nanoseconds(ms: number): number {
  return Math.round(ms) * 1e6
}
