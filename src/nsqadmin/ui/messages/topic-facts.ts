/** What the panels must know of a topic before they touch it. */
import { ApiError } from '../api-error.ts'
import { call } from '../api.ts'

export interface TopicFacts {
  /** Whether any daemon knows it. */
  exists: boolean
  /** Messages that are in no channel yet: the first channel that is made gets them. */
  undistributed: number
  channels: string[]
  /** The nsqds that have it. */
  nodes: string[]
}

// Of the official API: what of it is used here.
interface TopicReply {
  depth: number
  nodes: { node: string }[] | null
  channels: { channel_name: string }[] | null
}

interface NodesReply {
  nodes: { broadcast_address: string; http_port: number }[] | null
}

export async function fetchTopicFacts(topic: string, signal?: AbortSignal): Promise<TopicFacts> {
  try {
    const path = `api/topics/${encodeURIComponent(topic)}`
    const { depth, nodes, channels } = await call<TopicReply>('GET', path, undefined, signal)
    return {
      exists: true,
      undistributed: depth,
      channels: (channels ?? []).map(channel => channel.channel_name).sort(),
      nodes: (nodes ?? []).map(({ node }) => node).sort(),
    }
  } catch (error) {
    // The official answer is 502, with that of nsqlookupd inside.
    if (error instanceof ApiError && (error.status === 404 || /TOPIC_NOT_FOUND/.test(error.message))) {
      return { exists: false, undistributed: 0, channels: [], nodes: [] }
    }
    throw error
  }
}

/** All nsqds, as nsqadmin names them. */
export async function fetchNodes(signal?: AbortSignal): Promise<string[]> {
  const { nodes } = await call<NodesReply>('GET', 'api/nodes', undefined, signal)
  return (nodes ?? []).map(node => nodeName(node.broadcast_address, node.http_port)).sort()
}

function nodeName(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
