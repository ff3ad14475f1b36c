import type { TestContext } from 'node:test'
import { Cluster, type ClusterOptions } from '../../src/cluster/cluster.ts'
import { parseAddress } from '../../src/util/address.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import type { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { Daemons, http, tcp } from '../client/daemons.ts'
import { FakeLookupd } from '../client/fake-lookupd.ts'
import { pause } from '../support/wait.ts'

/** Our own daemons, the nsqds registered with all nsqlookupds; gone with the test. */
export async function daemons(
  t: Pick<TestContext, 'after'>,
  counts: { nsqds?: number; lookupds?: number },
): Promise<{ nsqds: Nsqd[]; lookupds: Nsqlookupd[]; cluster: Cluster; all: Daemons }> {
  const all = new Daemons()
  t.after(() => all.close())
  const lookupds = await times(counts.lookupds ?? 0, () => all.nsqlookupd())
  const lookupdTcpAddress = lookupds.map(tcp)
  const nsqds = await times(counts.nsqds ?? 0, () =>
    all.nsqd({ lookupdTcpAddress, broadcastAddress: '127.0.0.1' }),
  )
  const cluster = clusterOf({ lookupds: lookupds.map(http), nsqds: nsqds.map(http) })
  if (lookupds.length > 0) {
    await eventually(async () => {
      const { value } = await cluster.nodes()
      return value.filter(node => node.lookupds.length === lookupds.length).length === nsqds.length
    })
  }
  return { nsqds, lookupds, cluster, all }
}

export function clusterOf(options: Partial<ClusterOptions>): Cluster {
  return new Cluster({ lookupds: [], nsqds: [], ...options })
}

async function times<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = []
  while (made.length < count) made.push(await make())
  return made
}

/** Waits until nsqlookupd, or whoever has to be told, knows. */
export async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited for too long: ${isSo.toString()}`)
    await pause(5)
  }
}

/** What a fake answers, by path: JSON, or text as it is, with a status unless it is 200. */
export type Replies = Record<string, unknown>

/** A refusal, to be put among the replies. */
export class Refusal {
  readonly status: number
  readonly message: string

  constructor(status: number, message: string) {
    this.status = status
    this.message = message
  }
}

/** A daemon that answers these paths, whatever the query, and all others as an official one does. */
export async function fake(t: Pick<TestContext, 'after'>, replies: Replies): Promise<FakeLookupd> {
  const daemon = await FakeLookupd.start()
  t.after(() => daemon.close())
  daemon.reply = path => {
    const reply = replies[path.replace(/\?.*/, '')] ?? new Refusal(404, 'NOT_FOUND')
    if (reply instanceof Refusal)
      return { status: reply.status, body: JSON.stringify({ message: reply.message }) }
    return { status: 200, body: typeof reply === 'string' ? reply : JSON.stringify(reply) }
  }
  return daemon
}

/** How nsqlookupd names the nsqd whose HTTP API is there. */
export function producer(address: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  const { host, port } = parseAddress(address)
  return {
    remote_address: '10.0.0.9:1234',
    hostname: 'host',
    broadcast_address: host,
    tcp_port: port === 1 ? 2 : port - 1,
    http_port: port,
    version: '1.3.0',
    ...more,
  }
}

/** A topic in /stats of an official nsqd. */
export function topicReply(
  name: string,
  channels: Record<string, unknown>[] = [],
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const latency = { count: 0, percentiles: null }
  return {
    topic_name: name,
    channels: channels.map(channel => ({
      depth: 0,
      backend_depth: 0,
      in_flight_count: 0,
      deferred_count: 0,
      message_count: 0,
      requeue_count: 0,
      timeout_count: 0,
      client_count: 0,
      clients: null,
      paused: false,
      e2e_processing_latency: latency,
      ...channel,
    })),
    depth: 0,
    backend_depth: 0,
    message_count: 0,
    message_bytes: 0,
    paused: false,
    e2e_processing_latency: latency,
    ...more,
  }
}

/** The replies of an official nsqd with these topics. */
export function nsqdReplies(topics: Record<string, unknown>[] | null, more: Replies = {}): Replies {
  return {
    '/info': {
      version: '1.3.0',
      hostname: 'host',
      broadcast_address: 'inside',
      tcp_port: 4150,
      http_port: 4151,
    },
    '/stats': { version: '1.3.0', health: 'OK', start_time: 1_700_000_000, topics, producers: null },
    ...more,
  }
}

/** The same in the envelope of daemons before 1.0. */
export function enveloped(data: unknown): unknown {
  return { status_code: 200, status_txt: 'OK', data }
}
