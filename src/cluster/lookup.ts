/**
 * Questions asked of nsqlookupd's HTTP API. Every nsqlookupd named is asked at once and what they answer is merged:
 * each of them knows only the nsqds that registered with it.
 */
import { HttpRequestError } from '../http/request.ts'
import { formatAddress } from '../util/address.ts'
import { type Answer, type Answers, askAll } from './answers.ts'
import { type AskOptions, get } from './ask.ts'
import { array, bool, each, integer, object, strings, text } from './shape.ts'

/** The time an answer may take, until when it is wanted, and how to show who asks; see `RequestOptions`. */
export type LookupOptions = AskOptions

/** An nsqd as it registered itself with nsqlookupd. */
export interface NsqdInfo {
  /** Where clients reach it: `broadcastAddress:tcpPort`, with brackets around an IPv6 address. Unique in a result. */
  tcpAddress: string
  /** The same for its HTTP API. */
  httpAddress: string
  broadcastAddress: string
  tcpPort: number
  httpPort: number
  hostname: string
  version: string
  topologyZone: string
  topologyRegion: string
  /** Each connection it has to an nsqlookupd; several to one of them are a mistake, or leftovers. */
  registrations: NsqdRegistration[]
}

/** A connection of an nsqd to an nsqlookupd. */
export interface NsqdRegistration {
  /** The nsqlookupd, as it was asked. */
  lookupd: string
  /** The nsqd's end, `ip:port`; empty when nsqlookupd does not say. */
  remoteAddress: string
}

/** What `/lookup` says about a topic. */
export interface TopicInfo {
  /** Whether any nsqlookupd knows the topic. One that is known may have no nsqd at present. */
  isKnown: boolean
  channels: string[]
  /** The nsqds that have the topic, without the tombstoned and the inactive ones. */
  producers: NsqdInfo[]
}

/** An nsqd in `/nodes`. */
export interface NodeInfo extends NsqdInfo {
  /** `tombstoned`: an nsqlookupd keeps this nsqd out of its answers for the topic for now. Sorted by name. */
  topics: { name: string; tombstoned: boolean }[]
}

/**
 * The channels and nsqds of a topic (`/lookup`). A topic that no nsqlookupd knows has none of either.
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export async function lookupTopic(
  addresses: readonly string[],
  topic: string,
  options: LookupOptions = {},
): Promise<Answers<TopicInfo>> {
  const path = `/lookup?topic=${encodeURIComponent(topic)}`
  const { value, warnings } = await askLookupds(addresses, path, options, readTopic, NO_TOPIC)
  const producers = value.map(({ address, value }) => ({ address, value: value.producers }))
  const merged: TopicInfo = {
    isKnown: value.some(reply => reply.value.isKnown),
    channels: mergeNames(value.map(reply => reply.value.channels)),
    producers: mergeNsqds(producers),
  }
  return { value: merged, warnings }
}

/**
 * Every nsqd that is registered, with its topics (`/nodes`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export async function listNodes(
  addresses: readonly string[],
  options: LookupOptions = {},
): Promise<Answers<NodeInfo[]>> {
  const { value, warnings } = await askLookupds(addresses, '/nodes', options, readNodes)
  const topics = mergeTopics(value.flatMap(reply => reply.value))
  const nodes = mergeNsqds(value).map(nsqd => ({ ...nsqd, topics: topics.get(nsqd.tcpAddress) ?? [] }))
  return { value: nodes, warnings }
}

/**
 * The names of all topics, sorted (`/topics`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export function listTopics(
  addresses: readonly string[],
  options: LookupOptions = {},
): Promise<Answers<string[]>> {
  return listNames(addresses, '/topics', 'topics', options)
}

/**
 * The names of a topic's channels, sorted (`/channels`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export function listChannels(
  addresses: readonly string[],
  topic: string,
  options: LookupOptions = {},
): Promise<Answers<string[]>> {
  return listNames(addresses, `/channels?topic=${encodeURIComponent(topic)}`, 'channels', options)
}

async function listNames(
  addresses: readonly string[],
  path: string,
  key: string,
  options: LookupOptions,
): Promise<Answers<string[]>> {
  const { value, warnings } = await askLookupds(addresses, path, options, reply =>
    strings(object(reply, 'the reply')[key], key),
  )
  return { value: mergeNames(value.map(answer => answer.value)), warnings }
}

/** Asks all at once. `missing` is the answer of one that does not know the topic. */
function askLookupds<T>(
  addresses: readonly string[],
  path: string,
  options: LookupOptions,
  read: (reply: unknown) => T,
  missing?: T,
): Promise<Answers<Answer<T>[]>> {
  return askAll({ addresses, daemon: 'nsqlookupd' }, async address => {
    try {
      return await get(address, path, options, read)
    } catch (error) {
      if (missing !== undefined && error instanceof HttpRequestError && isTopicMissing(error)) return missing
      throw error
    }
  })
}

/** nsqlookupd answers 404 TOPIC_NOT_FOUND; before 1.0 it was INVALID_ARG_TOPIC, status 500 in the envelope. */
function isTopicMissing(error: HttpRequestError): boolean {
  return error.reply === 'TOPIC_NOT_FOUND' || error.reply === 'INVALID_ARG_TOPIC'
}

/** An nsqd in a reply, before it is merged with what others say about it. */
type Registered = Omit<NsqdInfo, 'registrations'> & { remoteAddress: string }

type RegisteredNode = Registered & Pick<NodeInfo, 'topics'>

interface TopicReply {
  isKnown: boolean
  channels: string[]
  producers: Registered[]
}

const NO_TOPIC: TopicReply = { isKnown: false, channels: [], producers: [] }

function readTopic(reply: unknown): TopicReply {
  const { channels, producers } = object(reply, 'the reply')
  return {
    isKnown: true,
    channels: channels === undefined ? [] : strings(channels, 'channels'),
    producers: each(producers, 'producers', readNsqd),
  }
}

function readNodes(reply: unknown): RegisteredNode[] {
  return each(object(reply, 'the reply')['producers'], 'producers', node => {
    const tombstones = node['tombstones'] === undefined ? [] : array(node['tombstones'], 'tombstones')
    // Two lists, side by side: tombstones[i] is about topics[i].
    const topics = strings(node['topics'] ?? [], 'topics').map((name, i) => ({
      name,
      tombstoned: bool(tombstones[i] ?? false, `tombstones[${i}]`),
    }))
    return { ...readNsqd(node), topics }
  })
}

function readNsqd(nsqd: Partial<Record<string, unknown>>): Registered {
  const broadcastAddress = text(nsqd['broadcast_address'] ?? nsqd['address'], 'broadcast_address')
  const tcpPort = integer(nsqd['tcp_port'], 'tcp_port')
  const httpPort = integer(nsqd['http_port'] ?? 0, 'http_port')
  return {
    tcpAddress: formatAddress({ host: broadcastAddress, port: tcpPort }),
    httpAddress: formatAddress({ host: broadcastAddress, port: httpPort }),
    broadcastAddress,
    tcpPort,
    httpPort,
    hostname: text(nsqd['hostname'] ?? '', 'hostname'),
    version: text(nsqd['version'] ?? '', 'version'),
    topologyZone: text(nsqd['topology_zone'] ?? '', 'topology_zone'),
    topologyRegion: text(nsqd['topology_region'] ?? '', 'topology_region'),
    remoteAddress: text(nsqd['remote_address'] ?? '', 'remote_address'),
  }
}

function mergeNames(lists: readonly string[][]): string[] {
  return [...new Set(lists.flat())].sort()
}

/** One for each TCP address, in order of address; the first reply about an nsqd describes it. */
function mergeNsqds(answers: readonly Answer<Registered[]>[]): NsqdInfo[] {
  const merged = new Map<string, NsqdInfo>()
  for (const { address: lookupd, value } of answers) {
    for (const { remoteAddress, ...info } of value) {
      const known = merged.get(info.tcpAddress) ?? { ...info, registrations: [] }
      known.registrations.push({ lookupd, remoteAddress })
      merged.set(info.tcpAddress, known)
    }
  }
  return [...merged.values()].sort((a, b) => (a.tcpAddress < b.tcpAddress ? -1 : 1))
}

/** The topics of each nsqd by its TCP address; tombstoned where any nsqlookupd says so. */
function mergeTopics(nodes: readonly RegisteredNode[]): Map<string, NodeInfo['topics']> {
  const merged = new Map<string, Map<string, boolean>>()
  for (const { tcpAddress, topics } of nodes) {
    const known = merged.get(tcpAddress) ?? new Map<string, boolean>()
    merged.set(tcpAddress, known)
    for (const { name, tombstoned } of topics) known.set(name, tombstoned || known.get(name) === true)
  }
  return new Map(
    [...merged].map(([tcpAddress, topics]) => [
      tcpAddress,
      [...topics].map(([name, tombstoned]) => ({ name, tombstoned })).sort(byName),
    ]),
  )
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1
}
