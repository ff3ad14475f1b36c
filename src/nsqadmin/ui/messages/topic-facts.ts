/** What the panels must know of a topic, of the official API. */
import { formatAddress } from '../../../util/address.ts'
import { call } from '../api.ts'

// What of the replies is used here.
interface TopicReply {
  channels: { channel_name: string }[] | null
}

interface NodesReply {
  nodes: { broadcast_address: string; http_port: number; topics: { topic: string }[] | null }[] | null
}

export async function fetchChannels(topic: string, signal: AbortSignal): Promise<string[]> {
  const path = `api/topics/${encodeURIComponent(topic)}`
  const { channels } = await call<TopicReply>('GET', path, undefined, signal)
  return (channels ?? []).map(channel => channel.channel_name).sort()
}

/** An nsqd, as nsqadmin names it. */
export interface Place {
  node: string
  hasTopic: boolean
}

/** All nsqds, those that have the topic first. */
export async function fetchPlaces(topic: string, signal: AbortSignal): Promise<Place[]> {
  const { nodes } = await call<NodesReply>('GET', 'api/nodes', undefined, signal)
  const places = (nodes ?? []).map(node => ({
    node: formatAddress({ host: node.broadcast_address, port: node.http_port }),
    hasTopic: node.topics?.some(each => each.topic === topic) === true,
  }))
  return places.sort((a, b) => Number(b.hasTopic) - Number(a.hasTopic) || (a.node < b.node ? -1 : 1))
}
