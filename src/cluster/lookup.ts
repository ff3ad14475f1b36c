/**
 * Questions asked of nsqlookupd's HTTP API. Every nsqlookupd named is asked at once and what they answer is merged:
 * each of them knows only the nsqds that registered with it.
 */
import { HttpRequestError, requestJson, type RequestOptions } from '../http/request.ts'
import { formatAddress } from '../util/address.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { array, bool, integer, object, ReplyShapeError, strings, text } from './shape.ts'

/** What the nsqlookupds that answered know together, and an error for each one that did not. */
export interface LookupResult<T> {
  value: T
  warnings: NsqError[]
}

/** The time an answer may take, until when it is wanted, and how to show who asks; see `RequestOptions`. */
export type LookupOptions = Pick<
  RequestOptions,
  'connectTimeoutMs' | 'requestTimeoutMs' | 'signal' | 'tls' | 'bearer'
>

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
  /** Its end of the connection to each nsqlookupd that knows it. */
  remoteAddresses: string[]
}

/** What `/lookup` says about a topic. */
export interface TopicInfo {
  channels: string[]
  /** The nsqds that have the topic, without the tombstoned and the inactive ones. */
  producers: NsqdInfo[]
}

/** An nsqd in `/nodes`. */
export interface NodeInfo extends NsqdInfo {
  /** `tombstoned`: an nsqlookupd keeps this nsqd out of its answers for the topic for now. */
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
): Promise<LookupResult<TopicInfo>> {
  const path = `/lookup?topic=${encodeURIComponent(topic)}`
  const { value, warnings } = await askAll(addresses, path, options, readTopic, NO_TOPIC)
  const channels = mergeNames(value.map(reply => reply.channels))
  return { value: { channels, producers: mergeNsqds(value.flatMap(reply => reply.producers)) }, warnings }
}

/**
 * Every nsqd that is registered, with its topics (`/nodes`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export async function listNodes(
  addresses: readonly string[],
  options: LookupOptions = {},
): Promise<LookupResult<NodeInfo[]>> {
  const { value, warnings } = await askAll(addresses, '/nodes', options, readNodes)
  const nodes = value.flat()
  const merged = mergeNsqds(nodes).map(nsqd => {
    const same = nodes.filter(node => node.tcpAddress === nsqd.tcpAddress)
    return { ...nsqd, topics: mergeTopics(same.flatMap(node => node.topics)) }
  })
  return { value: merged, warnings }
}

/**
 * The names of all topics, sorted (`/topics`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export async function listTopics(
  addresses: readonly string[],
  options: LookupOptions = {},
): Promise<LookupResult<string[]>> {
  const { value, warnings } = await askAll(addresses, '/topics', options, reply =>
    strings(object(reply, 'the reply')['topics'], 'topics'),
  )
  return { value: mergeNames(value), warnings }
}

/**
 * The names of a topic's channels, sorted (`/channels`).
 *
 * @throws NsqError `E_LOOKUP` when no nsqlookupd answered.
 */
export async function listChannels(
  addresses: readonly string[],
  topic: string,
  options: LookupOptions = {},
): Promise<LookupResult<string[]>> {
  const path = `/channels?topic=${encodeURIComponent(topic)}`
  const { value, warnings } = await askAll(addresses, path, options, reply =>
    strings(object(reply, 'the reply')['channels'], 'channels'),
  )
  return { value: mergeNames(value), warnings }
}

/** Asks all at once. `missing` is the answer of one that does not know the topic. */
async function askAll<T>(
  addresses: readonly string[],
  path: string,
  options: LookupOptions,
  read: (reply: unknown) => T,
  missing?: T,
): Promise<LookupResult<T[]>> {
  const value: T[] = []
  const warnings: NsqError[] = []
  const ask = async (address: string): Promise<void> => {
    const url = `${/^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`}${path}`
    try {
      value.push(read(await requestJson('GET', url, options)))
    } catch (error) {
      if (missing !== undefined && error instanceof HttpRequestError && isTopicMissing(error)) {
        value.push(missing)
      } else {
        warnings.push(toWarning(url, error))
      }
    }
  }
  await Promise.all(addresses.map(ask))
  const [first] = warnings
  if (first !== undefined && value.length === 0) {
    const message = warnings.map(warning => warning.message).join('; ')
    throw new NsqError('E_LOOKUP', message, {
      cause: first,
      remedy: 'Check the HTTP addresses of nsqlookupd (port 4161 by default), and that it is running.',
    })
  }
  return { value, warnings }
}

/** nsqlookupd answers 404 TOPIC_NOT_FOUND; before 1.0 it was INVALID_ARG_TOPIC, status 500 in the envelope. */
function isTopicMissing(error: HttpRequestError): boolean {
  return error.reply === 'TOPIC_NOT_FOUND' || error.reply === 'INVALID_ARG_TOPIC'
}

function toWarning(url: string, error: unknown): NsqError {
  if (error instanceof ReplyShapeError) {
    return new NsqError('E_LOOKUP_REPLY', `${url} did not answer like nsqlookupd: ${error.message}`, {
      cause: error,
      remedy: 'Check that this is the HTTP address of an nsqlookupd.',
    })
  }
  return error instanceof NsqError ? error : new NsqError('E_LOOKUP', errorText(error), { cause: error })
}

const NO_TOPIC: TopicInfo = { channels: [], producers: [] }

function readTopic(reply: unknown): TopicInfo {
  const { channels, producers } = object(reply, 'the reply')
  return {
    channels: channels === undefined ? [] : strings(channels, 'channels'),
    producers: array(producers, 'producers').map(readNsqd),
  }
}

function readNodes(reply: unknown): NodeInfo[] {
  return array(object(reply, 'the reply')['producers'], 'producers').map((item, index) => {
    const node = object(item, `producers[${index}]`)
    const tombstones = node['tombstones'] === undefined ? [] : array(node['tombstones'], 'tombstones')
    // Two lists, side by side: tombstones[i] is about topics[i].
    const topics = strings(node['topics'] ?? [], 'topics').map((name, i) => ({
      name,
      tombstoned: bool(tombstones[i] ?? false, `tombstones[${i}]`),
    }))
    return { ...readNsqd(item, index), topics }
  })
}

function readNsqd(item: unknown, index: number): NsqdInfo {
  const at = `producers[${index}]`
  const nsqd = object(item, at)
  const broadcastAddress = text(nsqd['broadcast_address'] ?? nsqd['address'], `${at}.broadcast_address`)
  const tcpPort = integer(nsqd['tcp_port'], `${at}.tcp_port`)
  const httpPort = integer(nsqd['http_port'] ?? 0, `${at}.http_port`)
  const remoteAddress = text(nsqd['remote_address'] ?? '', `${at}.remote_address`)
  return {
    tcpAddress: formatAddress({ host: broadcastAddress, port: tcpPort }),
    httpAddress: formatAddress({ host: broadcastAddress, port: httpPort }),
    broadcastAddress,
    tcpPort,
    httpPort,
    hostname: text(nsqd['hostname'] ?? '', `${at}.hostname`),
    version: text(nsqd['version'] ?? '', `${at}.version`),
    topologyZone: text(nsqd['topology_zone'] ?? '', `${at}.topology_zone`),
    topologyRegion: text(nsqd['topology_region'] ?? '', `${at}.topology_region`),
    remoteAddresses: remoteAddress === '' ? [] : [remoteAddress],
  }
}

function mergeNames(lists: readonly string[][]): string[] {
  return [...new Set(lists.flat())].sort()
}

/** One for each TCP address, in order of address; the first reply about an nsqd describes it. */
function mergeNsqds(nsqds: readonly NsqdInfo[]): NsqdInfo[] {
  const merged = new Map<string, NsqdInfo>()
  for (const nsqd of nsqds) {
    const known = merged.get(nsqd.tcpAddress)
    const remoteAddresses = [...new Set([...(known?.remoteAddresses ?? []), ...nsqd.remoteAddresses])]
    merged.set(nsqd.tcpAddress, { ...(known ?? nsqd), remoteAddresses })
  }
  return [...merged.values()].sort((a, b) => (a.tcpAddress < b.tcpAddress ? -1 : 1))
}

function mergeTopics(topics: readonly NodeInfo['topics'][number][]): NodeInfo['topics'] {
  const names = mergeNames([topics.map(topic => topic.name)])
  return names.map(name => ({
    name,
    tombstoned: topics.some(topic => topic.name === name && topic.tombstoned),
  }))
}
