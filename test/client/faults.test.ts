/**
 * Thousands of messages through a network that cuts, splits, stalls and half-closes: none is lost, and every promise
 * settles. `FAULT_MESSAGES=100000 SEED=7 node --import tsx --test test/client/faults.test.ts` for more of it.
 */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import {
  type ConnectionOptions,
  Consumer,
  type ConsumerOptions,
  type Message,
  Producer,
  type ProducerOptions,
  PublishError,
} from '../../src/index.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import { formatAddress } from '../../src/util/address.ts'
import { type Random, seeded } from '../storage/random.ts'
import { certificates } from '../support/certificates.ts'
import { FaultProxy } from '../support/fault-proxy.ts'
import { pause, until } from '../support/wait.ts'
import { Daemons } from './daemons.ts'

const MESSAGES = Number(process.env['FAULT_MESSAGES'] ?? 1000)
const LARGEST_BODY = 100_000
const LARGEST_BURST = 100
/** Messages whose publishing is under way at once. */
const AT_ONCE = 500
const NSQDS = 2

/** How a program takes messages: starts to, and says what came. */
type Taker = (options: ConsumerOptions, received: (message: Message) => void) => Consumer

interface Case {
  name: string
  connection?: ConnectionOptions
  producer?: Partial<ProducerOptions>
  take?: Taker
}

const withHandler: Taker = (options, received) => {
  let count = 0
  return new Consumer({
    ...options,
    concurrency: 20,
    handler: async message => {
      if (++count % 7 === 0) await pause(1)
      if (count % 31 === 0) throw new Error('fails now and then')
      received(message)
    },
  })
}

const withCallback: Taker = (options, received) =>
  new Consumer({
    ...options,
    onMessage: message => {
      received(message)
      message.finish()
    },
  })

const withLoop: Taker = (options, received) => {
  const consumer = new Consumer(options)
  void (async () => {
    for await (const message of consumer) {
      received(message)
      message.finish()
    }
  })()
  return consumer
}

const { ca, server } = await certificates()
const tls = { ca: ca.cert }

const CASES: readonly Case[] = [
  { name: 'plain, failover, a handler that fails now and then' },
  { name: 'plain, round-robin, onMessage', producer: { strategy: 'round-robin' }, take: withCallback },
  { name: 'plain, to all, for await', producer: { strategy: 'all' }, take: withLoop },
  { name: 'plain, few retries: some publishes fail', producer: { retries: 0, maxConnectAttempts: 5 } },
  { name: 'TLS', connection: { tls }, producer: { strategy: 'least-pending' }, take: withCallback },
  { name: 'snappy', connection: { snappy: true } },
  { name: 'deflate', connection: { deflate: 1 }, take: withCallback },
  { name: 'TLS and deflate', connection: { tls, deflate: true }, producer: { strategy: 'round-robin' } },
  { name: 'TLS and snappy', connection: { tls, snappy: true }, take: withLoop },
]

describe('nothing acknowledged is lost, everything settles', { concurrency: true }, () => {
  for (const each of CASES) test(each.name, t => run(t, each))
})

async function run(t: TestContext, { connection, producer, take = withHandler }: Case): Promise<void> {
  const random = seeded(text => t.diagnostic(text))
  const daemons = new Daemons()
  const nsqds: Nsqd[] = []
  const proxies: FaultProxy[] = []
  const clients: (Producer | Consumer)[] = []
  t.after(async () => {
    await Promise.all(clients.map(client => client.close(0)))
    await Promise.all(proxies.map(proxy => proxy.close()))
    await daemons.close()
  })
  const offers = { tlsCert: await daemons.file(server.cert), tlsKey: await daemons.file(server.key) }
  for (let i = 0; i < NSQDS; i++) {
    const each = await daemons.nsqd(offers)
    nsqds.push(each)
    const proxy = new FaultProxy(each.tcpAddress, { random, meanBytes: 80_000, hangs: 1 })
    proxies.push(await proxy.start())
  }
  const common: ConnectionOptions & { nsqd: string[] } = {
    ...connection,
    nsqd: proxies.map(proxy => formatAddress(proxy.address)),
    heartbeatIntervalMs: 1000,
    connectTimeoutMs: 2000,
    reconnectDelayMs: 2,
    maxReconnectDelayMs: 50,
  }
  const sender = new Producer({ ...common, retries: 1000, maxConnectAttempts: 1_000_000, ...producer })
  clients.push(sender)

  const bodies = createBodies(random)
  const missing = new Set<number>()
  const seen = new Set<number>()
  const received = (message: Message): void => {
    const number = message.body.readUInt32BE()
    assert.ok(bodies[number]?.equals(message.body), `message ${number} is not what was published`)
    seen.add(number)
    missing.delete(number)
  }
  const wrong: unknown[] = []
  const consumer = take(
    {
      ...common,
      topic: 't',
      channel: 'c',
      maxInFlight: 200,
      maxAttempts: 0,
      requeueDelayMs: 0,
      maxBackoffMs: 0,
    },
    message => {
      try {
        received(message)
      } catch (error) {
        wrong.push(error)
      }
    },
  )
  clients.push(consumer)
  void consumer.start()

  const publishing = new Publishing(sender, index => {
    if (!seen.has(index)) missing.add(index)
  })
  await publishing.publish(bodies, random)
  const { acknowledged, failures } = publishing
  for (const proxy of proxies) proxy.calm()
  // On a busy machine all of them may take long; each must not.
  while (missing.size > 0 && wrong.length === 0) {
    const before = missing.size
    await until(
      () => missing.size < before || wrong.length > 0,
      () => `${missing.size} are missing`,
    )
  }
  assert.deepEqual(wrong, [])
  assert.ok(failures.every(error => error instanceof PublishError))
  assert.equal(acknowledged + failures.length, MESSAGES)
  assert.equal(sender.pendingBytes, 0)
  // Nothing stays behind, either.
  const left = (): number =>
    nsqds
      .flatMap(nsqd => [...nsqd.topics.values()].flatMap(topic => [...topic.channels.values()]))
      .reduce(
        (sum, { depth, inFlightCount, deferredCount }) => sum + depth + inFlightCount + deferredCount,
        0,
      )
  await until(
    () => left() === 0,
    () => `${left()} are left in nsqd`,
  )
  t.diagnostic(`${acknowledged} acknowledged, ${JSON.stringify(proxies.map(({ counts }) => counts))}`)
}

/** Publishes in bursts of all sizes, some as one call, some as many. */
class Publishing {
  acknowledged = 0
  readonly failures: unknown[] = []
  #underWay = 0
  readonly #producer: Producer
  readonly #onAcknowledged: (index: number) => void

  constructor(producer: Producer, onAcknowledged: (index: number) => void) {
    this.#producer = producer
    this.#onAcknowledged = onAcknowledged
  }

  /** Resolves when every promise has settled. */
  async publish(bodies: readonly Buffer[], random: Random): Promise<void> {
    const settled: Promise<void>[] = []
    for (let from = 0; from < bodies.length;) {
      const burst = bodies.slice(from, from + random.int(1, LARGEST_BURST))
      if (random.chance(0.5)) settled.push(this.#publish(from, burst))
      else for (const [i, body] of burst.entries()) settled.push(this.#publish(from + i, [body]))
      from += burst.length
      await pause(random.int(0, 3))
      while (this.#underWay > AT_ONCE) await pause(1)
    }
    await Promise.all(settled)
  }

  async #publish(from: number, bodies: readonly Buffer[]): Promise<void> {
    this.#underWay += bodies.length
    try {
      await this.#producer.publish('t', bodies)
      this.acknowledged += bodies.length
      for (let i = 0; i < bodies.length; i++) this.#onAcknowledged(from + i)
    } catch (error) {
      for (let i = 0; i < bodies.length; i++) this.failures.push(error)
    }
    this.#underWay -= bodies.length
  }
}

/** Mostly small, some of many reads; each begins with its number. The rest is nothing that could be compressed. */
function createBodies(random: Random): Buffer[] {
  const noise = random.bytes(LARGEST_BODY)
  return Array.from({ length: MESSAGES }, (_, i) => {
    const length = random.chance(0.01) ? random.int(10_000, LARGEST_BODY) : random.int(4, 400)
    const from = random.int(0, noise.length - length)
    const body = Buffer.from(noise.subarray(from, from + length))
    body.writeUInt32BE(i)
    return body
  })
}
