import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Consumer, type ConsumerOptions, Producer, type ProducerOptions } from '../../src/index.ts'
import { Daemons, http, tcp } from './daemons.ts'
import { until } from '../support/wait.ts'

const daemons = new Daemons()
const clients: (Producer | Consumer)[] = []
afterEach(async () => {
  await Promise.all(clients.splice(0).map(client => client.close(0)))
  await daemons.close()
})

const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 50, lookupPollIntervalMs: 50 }

function createProducer(options: ProducerOptions): Producer {
  const producer = new Producer({ ...QUICK, ...options })
  clients.push(producer)
  return producer
}

function createConsumer(options: Partial<ConsumerOptions>): Consumer {
  const consumer = new Consumer({ topic: 't', channel: 'c', ...QUICK, ...options })
  clients.push(consumer)
  return consumer
}

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i))
}

test('what is published comes out, once', async () => {
  const nsqd = await daemons.nsqd()
  const producer = createProducer({ nsqd: tcp(nsqd) })
  const bodies = numbers(5000)
  const seen: string[] = []
  const consumer = createConsumer({
    nsqd: tcp(nsqd),
    maxInFlight: 500,
    onMessage: message => {
      seen.push(message.body.toString())
      message.finish()
    },
  })
  await consumer.start()
  await Promise.all(bodies.map(body => producer.publish('t', body)))
  await until(() => seen.length >= bodies.length)
  await consumer.close()
  assert.deepEqual(seen, bodies)
  assert.equal(nsqd.topics.get('t')?.channels.get('c')?.depth, 0)
})

test('messages of every size up to the limit arrive as they were', async () => {
  const nsqd = await daemons.nsqd()
  const producer = createProducer({ nsqd: tcp(nsqd) })
  const sizes = [1, 2, 63, 4096, 65_536, 65_537, 500_000, 1024 * 1024]
  const sent = sizes.map((size, i) => Buffer.alloc(size, i + 1))
  const received: Buffer[] = []
  const consumer = createConsumer({
    nsqd: tcp(nsqd),
    maxInFlight: 3,
    handler: ({ body }) => received.push(body),
  })
  await consumer.start()
  await producer.publish('t', sent)
  await until(() => received.length === sent.length)
  for (const [i, body] of received.entries()) assert.ok(sent[i]?.equals(body), `message ${i}`)
})

test('deferred and requeued messages come later, attempts are counted', async () => {
  const nsqd = await daemons.nsqd()
  const producer = createProducer({ nsqd: tcp(nsqd) })
  const seen: { body: string; attempts: number; at: number }[] = []
  const consumer = createConsumer({
    nsqd: tcp(nsqd),
    maxInFlight: 10,
    handler: message => {
      const body = message.body.toString()
      seen.push({ body, attempts: message.attempts, at: performance.now() })
      if (message.attempts === 1) message.requeue(30, { backoff: false })
    },
  })
  await consumer.start()
  const start = performance.now()
  await producer.publish('t', 'deferred', { defer: 150 })
  await producer.publish('t', 'now')
  await until(() => seen.length === 4)
  for (const [body, defer] of [
    ['now', 0],
    ['deferred', 150],
  ] as const) {
    const [first, second, ...more] = seen.filter(one => one.body === body)
    assert.ok(first && second && more.length === 0, body)
    assert.deepEqual([first.attempts, second.attempts], [1, 2])
    // Less a millisecond, as the two clocks of a timer are not the same.
    assert.ok(first.at - start >= defer - 1, `${body} came after ${first.at - start} ms`)
    assert.ok(second.at - first.at >= 29, `${body} came again after ${second.at - first.at} ms`)
  }
})

test('producer and consumer come through a restart of nsqd, and nothing acknowledged is lost', async () => {
  const dataPath = await daemons.directory()
  const first = await daemons.nsqd({ dataPath })
  const address = tcp(first)
  const producer = createProducer({ nsqd: address, maxConnectAttempts: 1000, retries: 100 })
  const seen = new Set<string>()
  const consumer = createConsumer({
    nsqd: address,
    maxInFlight: 50,
    onMessage: message => {
      seen.add(message.body.toString())
      message.finish()
    },
  })
  await consumer.start()
  const published: Promise<void>[] = []
  for (let batch = 0; batch < 60; batch++) {
    published.push(producer.publish('t', numbers(50, batch * 50)))
    if (batch === 30) {
      await first.close()
      await daemons.nsqd({ dataPath, tcpAddress: address })
    }
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(published)
  await until(() => seen.size === 3000)
})

test('closing gives back at once what was not answered', async () => {
  const nsqd = await daemons.nsqd()
  const producer = createProducer({ nsqd: tcp(nsqd) })
  await producer.publish('t', numbers(10))
  const first = createConsumer({ nsqd: tcp(nsqd), maxInFlight: 10 })
  const taken: string[] = []
  for await (const message of first) {
    taken.push(message.body.toString())
    message.finish()
    if (taken.length === 4) break
  }
  const second = createConsumer({
    nsqd: tcp(nsqd),
    maxInFlight: 10,
    handler: message => taken.push(message.body.toString()),
  })
  await second.start()
  await until(() => taken.length === 10)
  assert.deepEqual(taken.toSorted(), numbers(10))
})

test('nsqds are found through nsqlookupd, also those that come later', async () => {
  const nsqlookupd = await daemons.nsqlookupd()
  const registered = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  const nsqds = [await daemons.nsqd(registered)]
  const seen: string[] = []
  const consumer = createConsumer({
    lookupd: http(nsqlookupd),
    maxInFlight: 10,
    handler: message => seen.push(`${message.nsqd} ${message.body.toString()}`),
  })
  await consumer.start()
  await until(() => nsqlookupd.registry.nodes().length === 1)
  const producer = createProducer({ lookupd: http(nsqlookupd), strategy: 'all' })
  await producer.publish('t', '1')
  await until(() => seen.length === 1)
  nsqds.push(await daemons.nsqd(registered))
  const [a, b] = nsqds.map(tcp)
  await until(() => nsqds[1]?.sessions.size === 1)
  await producer.publish('t', '2')
  await until(() => seen.length === 3)
  assert.deepEqual(seen.toSorted(), [`${a} 1`, `${a} 2`, `${b} 2`].toSorted())
})
