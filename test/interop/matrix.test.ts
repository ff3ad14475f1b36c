/**
 * Our client and nsqjs, each publishing to the other and to itself, over every kind of connection to our nsqd. With
 * bodies from one byte to the largest that nsqd takes, of which none may change.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, test } from 'node:test'
import { type ConnectionOptions, Consumer, Producer } from '../../src/index.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import type { NsqdOptions } from '../../src/nsqd/options.ts'
import type { Session } from '../../src/nsqd/session.ts'
import { tcp } from '../client/daemons.ts'
import { startAuth } from '../nsqd/fake-auth.ts'
import { seeded } from '../storage/random.ts'
import { certificates } from '../support/certificates.ts'
import { until } from '../support/wait.ts'
import { Interop, publish } from './nsqjs.ts'

const LARGEST = 1024 * 1024
/** Around what clients, snappy's chunks and sockets take in one piece. */
const SIZES = [1, 2, 255, 4096, 16_383, 65_535, 65_536, 65_537, 300_000, LARGEST]
const SMALL = 300

const { ca, server, client } = await certificates()

/** One kind of connection: how each client is told, and what nsqd then knows of it. */
interface Kind {
  name: string
  ours: ConnectionOptions
  nsqjs: object
  seen: { tls: boolean; snappy: boolean; deflate: boolean }
}

const plain = { tls: false, snappy: false, deflate: false }
// nsqjs wants PEM as a Buffer, and verifies the name `localhost` whatever it has connected to.
const theirTls = { tls: true, ca: Buffer.from(ca.cert) }
const ourTls = { tls: { ca: ca.cert } }

const KINDS: readonly Kind[] = [
  { name: 'plain', ours: {}, nsqjs: {}, seen: plain },
  { name: 'TLS', ours: ourTls, nsqjs: theirTls, seen: { ...plain, tls: true } },
  { name: 'snappy', ours: { snappy: true }, nsqjs: { snappy: true }, seen: { ...plain, snappy: true } },
  { name: 'deflate', ours: { deflate: true }, nsqjs: { deflate: true }, seen: { ...plain, deflate: true } },
  {
    name: 'TLS and deflate',
    ours: { ...ourTls, deflate: 9 },
    nsqjs: { ...theirTls, deflate: true, deflateLevel: 9 },
    seen: { tls: true, snappy: false, deflate: true },
  },
  {
    name: 'TLS and snappy',
    ours: { ...ourTls, snappy: true },
    nsqjs: { ...theirTls, snappy: true },
    seen: { tls: true, snappy: true, deflate: false },
  },
]

let interop: Interop
beforeEach(() => {
  interop = new Interop()
})
afterEach(() => interop.close())

type Who = 'ours' | 'nsqjs'

/** Connects a publisher, and returns what publishes: one message as one command, several as one, too. */
async function createPublisher(
  who: Who,
  nsqd: Nsqd,
  options: { ours: ConnectionOptions; nsqjs: object },
): Promise<(bodies: Buffer[]) => Promise<void>> {
  if (who === 'nsqjs') {
    const writer = await interop.writer(nsqd.tcpAddress, options.nsqjs)
    return bodies => publish(writer, bodies)
  }
  const producer = new Producer({ nsqd: tcp(nsqd), ...options.ours })
  interop.onClose(() => producer.close(0))
  await producer.connect()
  return bodies => producer.publish('t', bodies)
}

/** Takes messages of `t/c`, and finishes them. */
async function consume(
  who: Who,
  nsqd: Nsqd,
  options: { ours: ConnectionOptions; nsqjs: object },
  received: (body: Buffer) => void,
): Promise<void> {
  if (who === 'nsqjs') {
    interop.reader({ nsqdTCPAddresses: tcp(nsqd), ...options.nsqjs }, message => received(message.body))
    return
  }
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    nsqd: tcp(nsqd),
    maxInFlight: 100,
    ...options.ours,
    handler: message => received(message.body),
  })
  interop.onClose(() => consumer.close(0))
  await consumer.start()
}

async function secureNsqd(options: Partial<NsqdOptions> = {}): Promise<Nsqd> {
  const { daemons } = interop
  const files = {
    tlsCert: await daemons.file(server.cert),
    tlsKey: await daemons.file(server.key),
    tlsRootCaFile: await daemons.file(ca.cert),
  }
  return daemons.nsqd({ ...files, maxMsgSize: LARGEST, maxDeflateLevel: 9, ...options })
}

function subscribers(nsqd: Nsqd): Session[] {
  return [...nsqd.sessions].filter(session => session.channel !== undefined)
}

/** Waits until every message has come, once, and was finished. */
async function expect(nsqd: Nsqd, bodies: readonly Buffer[], received: readonly Buffer[]): Promise<void> {
  await until(
    () => received.length >= bodies.length,
    () => `${received.length} of ${bodies.length} came`,
  )
  assert.deepEqual(received.map(digest).toSorted(), bodies.map(digest).toSorted())
  const channel = nsqd.topics.get('t')?.channels.get('c')
  assert.ok(channel)
  await until(() => channel.depth === 0 && channel.inFlightCount === 0)
}

function digest(body: Buffer): string {
  return `${body.length} ${createHash('md5').update(body).digest('hex')}`
}

for (const kind of KINDS) {
  for (const [publisher, consumer] of [
    ['ours', 'nsqjs'],
    ['nsqjs', 'ours'],
    ['ours', 'ours'],
    ['nsqjs', 'nsqjs'],
  ] as const) {
    test(`${kind.name}: published with ${publisher}, consumed with ${consumer}`, async t => {
      const random = seeded(text => t.diagnostic(text))
      // Nothing in the one half can be compressed, and all of the other.
      const noise = random.bytes(LARGEST)
      const large = SIZES.map((size, i) =>
        i % 2 === 0 ? noise.subarray(LARGEST - size) : Buffer.alloc(size, i),
      )
      large.push(Buffer.from(noise))
      const small = Array.from({ length: SMALL }, (_, i) => noise.subarray(i, 2 * i + 1))
      const nsqd = await secureNsqd()
      const received: Buffer[] = []
      // A copy: what a socket has read may be used again.
      await consume(consumer, nsqd, kind, body => received.push(Buffer.from(body)))
      const send = await createPublisher(publisher, nsqd, kind)
      await Promise.all([...large.map(body => send([body])), send(small), send(large.slice(0, 8))])
      await expect(nsqd, [...large, ...small, ...large.slice(0, 8)], received)
      for (const { tls, snappy, deflate } of nsqd.sessions) {
        assert.deepEqual({ tls: tls !== undefined, snappy, deflate }, kind.seen)
      }
    })
  }
}

test('TLS with client certificates, which nsqd demands and verifies', async () => {
  const nsqd = await secureNsqd({ tlsClientAuthPolicy: 'require-verify' })
  const options = {
    ours: { tls: { ca: ca.cert, cert: client.cert, key: client.key } },
    nsqjs: { ...theirTls, cert: Buffer.from(client.cert), key: Buffer.from(client.key) },
  }
  const received: Buffer[] = []
  for (const who of ['ours', 'nsqjs'] as const) {
    await consume(who, nsqd, options, body => received.push(Buffer.from(body)))
  }
  const bodies: Buffer[] = []
  for (const who of ['ours', 'nsqjs'] as const) {
    const send = await createPublisher(who, nsqd, options)
    bodies.push(Buffer.from(who))
    await send([Buffer.from(who)])
  }
  await expect(nsqd, bodies, received)
  assert.equal(nsqd.sessions.size, 4)
  for (const { tls } of nsqd.sessions) assert.equal(tls?.commonName, 'worker')
})

test('AUTH, with what each client shows', async t => {
  const auth = await startAuth(t)
  const nsqd = await interop.daemons.nsqd({ authHttpAddress: [auth.address] })
  const options = { ours: { authSecret: 'our secret' }, nsqjs: { authSecret: 'their secret' } }
  const received: Buffer[] = []
  for (const who of ['ours', 'nsqjs'] as const) {
    await consume(who, nsqd, options, body => received.push(Buffer.from(body)))
  }
  await until(() => subscribers(nsqd).length === 2)
  const bodies: Buffer[] = []
  for (const who of ['ours', 'nsqjs'] as const) {
    const send = await createPublisher(who, nsqd, options)
    bodies.push(Buffer.from(who))
    await send([Buffer.from(who)])
  }
  await expect(nsqd, bodies, received)
  const secrets = auth.asked.map(({ query }) => String(query['secret']))
  assert.equal(secrets.length, 4)
  assert.deepEqual(new Set(secrets), new Set(['our secret', 'their secret']))
})
