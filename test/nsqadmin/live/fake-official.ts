import type { TestContext } from 'node:test'
import { serve } from '../../support/serve.ts'

/** What an official nsqd or nsqlookupd answers, by path; what is not there is 404 NOT_FOUND, as peek and tombstones. */
export type Answers = Record<string, unknown>

/** A daemon that knows a few calls. Returns its address. */
export async function startOfficial(
  t: TestContext,
  answersOf: (address: string) => Answers,
): Promise<string> {
  let address = ''
  address = await serve(t, (request, response) => {
    const [path = ''] = (request.url ?? '').split('?')
    const answer = answersOf(address)[path]
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    if (answer === undefined) response.writeHead(404)
    response.end(JSON.stringify(answer ?? { message: 'NOT_FOUND' }))
  })
  return address
}

const latency = { count: 0, percentiles: null }

/** An nsqd 1.3.0 that has the topic `orders`, with the channel `mail`. */
export function officialNsqd(t: TestContext): Promise<string> {
  const channel = {
    channel_name: 'mail',
    depth: 3,
    backend_depth: 1,
    in_flight_count: 1,
    deferred_count: 0,
    message_count: 10,
    requeue_count: 2,
    timeout_count: 1,
    client_count: 0,
    clients: [],
    paused: false,
    e2e_processing_latency: { count: 5, percentiles: [{ quantile: 0.99, value: 2_500_000 }] },
  }
  const topic = {
    topic_name: 'orders',
    channels: [channel],
    depth: 4,
    backend_depth: 0,
    message_count: 14,
    message_bytes: 140,
    paused: false,
    e2e_processing_latency: latency,
  }
  return startOfficial(t, address => ({
    '/info': {
      version: '1.3.0',
      broadcast_address: '127.0.0.1',
      hostname: 'h',
      http_port: Number(address.split(':')[1]),
      tcp_port: 1,
      start_time: 1_700_000_000,
    },
    '/stats': { version: '1.3.0', health: 'OK', start_time: 1_700_000_000, topics: [topic], producers: [] },
  }))
}

/** An nsqlookupd 1.3.0 that knows these nsqds, by the addresses of their HTTP APIs. */
export function officialLookupd(t: TestContext, nsqds: readonly string[]): Promise<string> {
  const producers = nsqds.map(address => ({
    remote_address: '127.0.0.1:1',
    hostname: 'h',
    broadcast_address: '127.0.0.1',
    tcp_port: 1,
    http_port: Number(address.split(':')[1]),
    version: '1.3.0',
  }))
  return startOfficial(t, () => ({
    '/nodes': { producers: producers.map(each => ({ ...each, tombstones: [false], topics: ['orders'] })) },
    '/topics': { topics: ['orders'] },
    '/channels': { channels: ['mail'] },
    '/lookup': { channels: ['mail'], producers },
  }))
}
