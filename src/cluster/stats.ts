/** Questions asked of nsqd's own HTTP API. */
import { HttpRequestError, requestJson, type RequestOptions } from '../http/request.ts'
import { NsqError } from '../util/errors.ts'
import { array, bool, integer, object, ReplyShapeError, text } from './shape.ts'

/** The time an answer may take, until when it is wanted, and whom to trust; see `RequestOptions`. */
export type NsqdOptions = Pick<RequestOptions, 'connectTimeoutMs' | 'requestTimeoutMs' | 'signal' | 'tls'>

/** What `/info` says. */
export interface NsqdPorts {
  tcpPort: number
  httpPort: number
}

/** A topic in `/stats`. */
export interface TopicStats {
  name: string
  /** Messages that are in none of its channels yet. */
  depth: number
  paused: boolean
  channels: ChannelStats[]
}

/** A channel in `/stats`. */
export interface ChannelStats {
  name: string
  /** Messages that wait to be delivered; those in flight and deferred ones are not among them. */
  depth: number
  inFlight: number
  deferred: number
  paused: boolean
}

/**
 * The ports that an nsqd says it has (`/info`). Codes of errors: those of `HttpRequestError`, and `E_NSQD_REPLY`.
 *
 * @param address - `host:port` of its HTTP API, or a URL
 * @throws NsqError
 */
export function nsqdPorts(address: string, options: NsqdOptions = {}): Promise<NsqdPorts> {
  return ask(address, '/info', options, reply => {
    const info = object(reply, 'the reply')
    return {
      tcpPort: integer(info['tcp_port'], 'tcp_port'),
      httpPort: integer(info['http_port'], 'http_port'),
    }
  })
}

/**
 * The numbers of a topic and one of its channels (`/stats`); undefined when this nsqd does not have the topic. Without the
 * channel there, `channels` is empty.
 *
 * @param address - `host:port` of its HTTP API, or a URL
 * @throws NsqError as `nsqdPorts`
 */
export async function topicStats(
  address: string,
  { topic, channel }: { topic: string; channel: string },
  options: NsqdOptions = {},
): Promise<TopicStats | undefined> {
  const query = new URLSearchParams({
    format: 'json',
    topic,
    channel,
    include_clients: 'false',
    include_mem: 'false',
  })
  const topics = await ask(address, `/stats?${query.toString()}`, options, reply =>
    array(object(reply, 'the reply')['topics'], 'topics').map(readTopic),
  )
  return topics.find(({ name }) => name === topic)
}

async function ask<T>(
  address: string,
  path: string,
  options: NsqdOptions,
  read: (reply: unknown) => T,
): Promise<T> {
  const url = `${/^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`}${path}`
  try {
    return read(await requestJson('GET', url, options))
  } catch (error) {
    if (error instanceof HttpRequestError || !(error instanceof ReplyShapeError)) throw error
    throw new NsqError('E_NSQD_REPLY', `${url} did not answer like nsqd: ${error.message}`, {
      cause: error,
      remedy: 'Check that this is the HTTP address of an nsqd.',
    })
  }
}

function readTopic(item: unknown, index: number): TopicStats {
  const at = `topics[${index}]`
  const topic = object(item, at)
  return {
    name: text(topic['topic_name'], `${at}.topic_name`),
    depth: integer(topic['depth'], `${at}.depth`),
    paused: bool(topic['paused'] ?? false, `${at}.paused`),
    channels: array(topic['channels'], `${at}.channels`).map((channel, i) =>
      readChannel(channel, `${at}.channels[${i}]`),
    ),
  }
}

function readChannel(item: unknown, at: string): ChannelStats {
  const channel = object(item, at)
  return {
    name: text(channel['channel_name'], `${at}.channel_name`),
    depth: integer(channel['depth'], `${at}.depth`),
    inFlight: integer(channel['in_flight_count'] ?? 0, `${at}.in_flight_count`),
    deferred: integer(channel['deferred_count'] ?? 0, `${at}.deferred_count`),
    paused: bool(channel['paused'] ?? false, `${at}.paused`),
  }
}
