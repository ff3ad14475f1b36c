import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { listChannels, listNodes, listTopics, lookupTopic } from '../../../src/cluster/lookup.ts'
import { nsqdAbout, nsqdPorts, nsqdStats } from '../../../src/cluster/stats.ts'
import { tombstones } from '../../../src/cluster/tombstones.ts'
import { AuthServers } from '../../../src/nsqd/auth.ts'
import { NsqError } from '../../../src/util/errors.ts'
import type { Target } from '../target.ts'
import { IDENTITY } from './lookup.ts'

const PRODUCER = { ...IDENTITY, remote_address: '127.0.0.1:1', topics: ['t'], tombstones: [false] }

const LATENCY = { count: 3, percentiles: [{ quantile: 0.99, value: 1000 }] }

const STATS = {
  version: '1.3.0',
  health: 'OK',
  start_time: 1_700_000_000,
  topics: [
    {
      topic_name: 't',
      depth: 0,
      message_count: 3,
      paused: false,
      e2e_processing_latency: LATENCY,
      channels: [
        {
          channel_name: 'c',
          depth: 1,
          in_flight_count: 0,
          clients: [{ client_id: 'x', remote_address: 'a:1' }],
        },
      ],
    },
  ],
  producers: null,
}

const BODIES: readonly unknown[] = [
  { channels: ['c'], producers: [PRODUCER] },
  { producers: [PRODUCER, { ...PRODUCER, broadcast_address: '::1' }] },
  { topics: ['t', 'u'] },
  { version: '1.3.0', tcp_port: 4150, http_port: 4151, broadcast_address: 'b', hostname: 'h', start_time: 1 },
  STATS,
  { status_code: 200, status_txt: 'OK', data: { topics: ['t'] } },
  { message: 'TOPIC_NOT_FOUND' },
  {
    tombstones: [
      { topic: 't', node: 'b:4151', since: '2026-01-02T15:04:05Z', until: '2026-01-02T15:05:05Z' },
    ],
  },
  {
    ttl: 60,
    identity: 'i',
    authorizations: [{ topic: '^t$', channels: ['.*'], permissions: ['publish', 'subscribe'] }],
  },
]

function reply(body: string, head = 'HTTP/1.1 200 OK\r\nContent-Type: application/json'): Buffer {
  return Buffer.from(`${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
}

/** What daemons answer to our questions over HTTP: heads and bodies, through a real connection. */
export async function answers(): Promise<Target> {
  let next = Buffer.alloc(0)
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.end(next))
  })
  const address = await listening(server)
  const timing = { connectTimeoutMs: 2000, requestTimeoutMs: 2000 }
  const auth = new AuthServers({
    addresses: [address],
    method: 'get',
    connectTimeout: 2000,
    requestTimeout: 2000,
    tls: { verify: true, minVersion: 'TLSv1.2' },
  })
  const query = { remoteIp: '127.0.0.1', tls: false, commonName: '', secret: 's' }
  const questions: readonly (() => Promise<unknown>)[] = [
    () => lookupTopic([address], 't', timing),
    () => listNodes([address], timing),
    () => listTopics([address], timing),
    () => listChannels([address], 't', timing),
    () => nsqdPorts(address, timing),
    () => nsqdAbout(address, timing),
    () => nsqdStats(address, { clients: true }, timing),
    () => tombstones([address], timing),
    () => auth.ask(query),
  ]
  return {
    name: 'http-answers',
    corpus: [
      ...BODIES.map(body => reply(JSON.stringify(body))),
      reply('{"message":"TOPIC_NOT_FOUND"}', 'HTTP/1.1 404 Not Found\r\nX: y'),
      Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n'),
      Buffer.from('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
      Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    ],
    tokens: [
      '\r\n',
      'HTTP/1.1 ',
      'Content-Length: ',
      'null',
      '[]',
      '{}',
      '""',
      ':',
      ',',
      '"topics":',
      '(a{1000}){1000}',
      '[[[[',
      '(?:',
      '\\\\Q',
    ],
    maxInput: 4096,
    async run(input, random) {
      next = Buffer.from(input)
      try {
        await random.pick(questions)()
      } catch (error) {
        if (error instanceof NsqError) return 'rejected'
        throw error
      }
      return 'accepted'
    },
    async close() {
      auth.close()
      server.close()
      await once(server, 'close')
    },
  }
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return `127.0.0.1:${address.port}`
}
