/** The official API's questions: topics, channels, nodes, and the counter. */
import { HttpError } from '../../http/error.ts'
import { json, type Reply } from '../../http/reply.ts'
import type { HttpRequest, Route } from '../../http/router.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import type { Admin } from '../admin.ts'
import { isOlder } from './semver.ts'
import { sumChannel, sumTopic, topicsOf } from './stats-json.ts'
import { ask, topicNotFound } from './upstream.ts'

export function viewRoutes(admin: Admin): Route[] {
  return [
    get('/api/topics', request => topics(admin, request)),
    get('/api/topics/:topic', request => topic(admin, request)),
    get('/api/topics/:topic/:channel', request => channel(admin, request)),
    get('/api/nodes', () => nodes(admin)),
    get('/api/nodes/:node', request => node(admin, request)),
    get('/api/counter', () => counter(admin)),
  ]
}

/** Questions on their way to nsqlookupd. */
const AT_ONCE = 32

function get(path: string, handle: Route['handle']): Route {
  return { method: 'GET', path, handle }
}

async function topics(admin: Admin, { query }: HttpRequest): Promise<Reply> {
  const { cluster } = admin
  const { value, message } = await ask(admin, 'topics', cluster.topics())
  if (query.get('inactive') !== 'true') return json({ topics: value, message })
  const inactive = cluster.lookupds.length === 0 ? [] : await inactiveTopics(admin, value)
  return json({ topics: Object.fromEntries(inactive), message })
}

/** Topics that no nsqd has, with their channels. */
async function inactiveTopics(admin: Admin, topics: readonly string[]): Promise<[string, string[]][]> {
  const { cluster } = admin
  // What a node has need not be looked up by itself.
  const { value: nodes } = await ask(admin, 'nodes', cluster.nodes())
  const held = nodes.flatMap(node => node.topics.filter(({ tombstoned }) => !tombstoned))
  const active = new Set(held.map(({ name }) => name))
  const rest = topics.filter(name => !active.has(name))
  const inactive: [string, string[]][] = []
  for (let i = 0; i < rest.length; i += AT_ONCE) {
    const some = rest.slice(i, i + AT_ONCE)
    const found = await Promise.all(some.map(name => ask(admin, name, cluster.holdersOf(name))))
    for (const [j, { value }] of found.entries()) {
      if (value.nodes.length === 0) inactive.push([some[j] ?? '', value.channels])
    }
  }
  return inactive
}

async function topic(admin: Admin, { params: { topic: name = '' } }: HttpRequest): Promise<Reply> {
  const { value, message } = await ask(admin, name, admin.cluster.stats({ topic: name }))
  await checkKnown(admin, name, value)
  const shares = value.flatMap(nsqd => topicsOf(nsqd, false)).sort(byHost)
  return json({ ...sumTopic(name, shares), message })
}

async function channel(admin: Admin, { params }: HttpRequest): Promise<Reply> {
  const { topic: topicName = '', channel: name = '' } = params
  const filter = { topic: topicName, channel: name, clients: true }
  const { value, message } = await ask(admin, topicName, admin.cluster.stats(filter))
  await checkKnown(admin, topicName, value)
  const shares = value
    .flatMap(nsqd => topicsOf(nsqd, true).flatMap(({ channels }) => channels ?? []))
    .filter(({ channel_name: found }) => found === name)
    .sort(byHost)
  // So it is in the official nsqadmin, and scripts may have got used to it.
  if (shares.length === 0) throw new HttpError(500, 'INTERNAL_ERROR')
  return json({ ...sumChannel(shares), message })
}

/** A topic without an nsqd may still be known to nsqlookupd. */
async function checkKnown(admin: Admin, topic: string, stats: readonly NsqdStats[]): Promise<void> {
  if (stats.length > 0) return
  const { value } = await ask(admin, topic, admin.cluster.holdersOf(topic))
  if (!value.isKnown) throw topicNotFound(admin)
}

async function nodes(admin: Admin): Promise<Reply> {
  const { value, message } = await ask(admin, 'nodes', admin.cluster.nodes())
  const found = value.filter(({ error }) => error === undefined)
  const nodes = found.map(each =>
    nodeJson(
      each,
      found.some(other => isOlder(each.version, other.version)),
    ),
  )
  return json({ nodes, message })
}

function nodeJson(node: ClusterNode, isOutOfDate: boolean): Record<string, unknown> {
  const [first] = node.remoteAddresses
  return {
    remote_addresses: node.remoteAddresses.length === 0 ? null : node.remoteAddresses,
    remote_address: first?.slice(first.indexOf('/') + 1) ?? '',
    hostname: node.hostname,
    broadcast_address: node.broadcastAddress,
    tcp_port: node.tcpPort,
    http_port: node.httpPort,
    version: node.version,
    topics: node.topics.map(({ name, tombstoned }) => ({ topic: name, tombstoned })),
    out_of_date: isOutOfDate,
    ...(node.topologyZone !== '' && { topology_zone: node.topologyZone }),
    ...(node.topologyRegion !== '' && { topology_region: node.topologyRegion }),
  }
}

async function node(admin: Admin, { params: { node: name = '' } }: HttpRequest): Promise<Reply> {
  const { value: all, message } = await ask(admin, 'nodes', admin.cluster.nodes())
  const found = all.find(each => each.node === name)
  if (found === undefined) throw new HttpError(404, 'NODE_NOT_FOUND')
  const { value } = await ask(admin, name, admin.cluster.statsOf(found))
  const topics = topicsOf(value, true)
  const clients = topics.flatMap(topic => (topic.channels ?? []).flatMap(each => each.clients ?? []))
  return json({
    node: name,
    topics,
    total_messages: topics.reduce((total, topic) => total + topic.message_count, 0),
    total_clients: clients.length,
    message,
  })
}

async function counter(admin: Admin): Promise<Reply> {
  const { value, message } = await ask(admin, 'counter', admin.cluster.stats())
  const stats = value.flatMap(nsqd =>
    nsqd.topics.flatMap(topic =>
      topic.channels.map(channel => [
        `${topic.name}:${channel.name}:${nsqd.node}`,
        {
          node: nsqd.node,
          topic_name: topic.name,
          channel_name: channel.name,
          message_count: channel.messages,
        },
      ]),
    ),
  )
  return json({ stats: Object.fromEntries(stats), message })
}

function byHost(a: { hostname: string; node: string }, b: { hostname: string; node: string }): number {
  return a.hostname === b.hostname ? (a.node < b.node ? -1 : 1) : a.hostname < b.hostname ? -1 : 1
}
