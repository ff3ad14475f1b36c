import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Consumer } from '../../src/client/consumer/consumer.ts'
import type { ConsumerOptions } from '../../src/client/consumer/consumer-options.ts'
import { Producer } from '../../src/client/producer/producer.ts'
import type { NsqError } from '../../src/util/errors.ts'
import { FakeLookupd } from './fake-lookupd.ts'
import { FakeNsqd } from './fake-nsqd.ts'
import { pause, until } from '../support/wait.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startNsqd(): Promise<FakeNsqd> {
  const fake = await FakeNsqd.start()
  closers.push(() => fake.close())
  return fake
}

async function startLookupd(...nsqds: FakeNsqd[]): Promise<FakeLookupd> {
  const fake = await FakeLookupd.start(...nsqds.map(nsqd => nsqd.address))
  closers.push(() => fake.close())
  return fake
}

const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20, lookupPollIntervalMs: 20 }

function createConsumer(options: Partial<ConsumerOptions>): Consumer {
  const consumer = new Consumer({ topic: 't', channel: 'c', onMessage: () => {}, ...QUICK, ...options })
  closers.push(() => consumer.close(0))
  return consumer
}

test('all nsqlookupds are asked, and what they know is merged', async () => {
  const [a, b, c] = [await startNsqd(), await startNsqd(), await startNsqd()]
  const lookupds = [await startLookupd(a, b), await startLookupd(b, c)]
  const consumer = createConsumer({ lookupd: lookupds.map(lookupd => lookupd.address), maxInFlight: 3 })
  await consumer.start()
  await until(() => consumer.connections.length === 3)
  assert.deepEqual(consumer.connections.toSorted(), [a.address, b.address, c.address].toSorted())
  assert.equal(b.sessions.length, 1)
  assert.equal(lookupds[0]?.asked[0], '/lookup?topic=t')
})

test('an nsqd that comes later is found', async () => {
  const nsqd = await startNsqd()
  const lookupd = await startLookupd()
  const consumer = createConsumer({ lookupd: lookupd.address })
  await consumer.start()
  assert.deepEqual(consumer.connections, [])
  lookupd.nsqds = [nsqd.address]
  await until(() => consumer.connections.length === 1)
})

test('a nsqlookupd that is down is told to onError, and does no harm while another answers', async () => {
  const nsqd = await startNsqd()
  const [up, down] = [await startLookupd(nsqd), await startLookupd()]
  await down.close()
  const errors: NsqError[] = []
  const consumer = createConsumer({ lookupd: [down.address, up.address], onError: e => errors.push(e) })
  await consumer.start()
  await until(() => consumer.connections.length === 1)
  assert.ok(errors[0]?.message.includes(down.address))
})

test('close does not wait for an nsqlookupd that does not answer, nor leaves a request behind', async () => {
  const lookupd = await startLookupd()
  lookupd.isSilent = true
  const options = { lookupd: lookupd.address, lookupTimeoutMs: 3_600_000 }
  const consumer = createConsumer(options)
  const producer = new Producer({ ...options, ...QUICK })
  const outcomes = [consumer.start(), producer.connect()].map(outcome =>
    assert.rejects(outcome, { code: 'E_CLOSED' }),
  )
  await until(() => lookupd.open === 2)
  await Promise.all([consumer.close(), producer.close()])
  await until(() => lookupd.open === 0)
  await Promise.all(outcomes)
})

test('when none answers, start rejects', async () => {
  const lookupd = await startLookupd()
  await lookupd.close()
  await assert.rejects(createConsumer({ lookupd: lookupd.address }).start(), { code: 'E_LOOKUP' })
})

test('an nsqd that is lost is tried again only while an nsqlookupd names it', async () => {
  const nsqd = await startNsqd()
  const lookupd = await startLookupd(nsqd)
  const consumer = createConsumer({ lookupd: lookupd.address })
  await consumer.start()
  await until(() => consumer.connections.length === 1)

  nsqd.open[0]?.socket.destroy()
  await until(() => nsqd.sessions.length === 2 && consumer.connections.length === 1)

  // No longer named, it is kept as long as its connection holds.
  lookupd.nsqds = []
  const asked = lookupd.asked.length
  await until(() => lookupd.asked.length > asked + 2)
  assert.equal(consumer.connections.length, 1)
  nsqd.open[0]?.socket.destroy()
  await pause(100)
  assert.equal(nsqd.sessions.length, 2)
  assert.deepEqual(consumer.connections, [])

  lookupd.nsqds = [nsqd.address]
  await until(() => consumer.connections.length === 1)
})

test('nobody is let go while an nsqlookupd does not answer', async () => {
  const nsqd = await startNsqd()
  const [one, other] = [await startLookupd(nsqd), await startLookupd()]
  const consumer = createConsumer({ lookupd: [one.address, other.address] })
  await consumer.start()
  await until(() => consumer.connections.length === 1)
  one.reply = () => ({ status: 500, body: '{"message":"INTERNAL_ERROR"}' })
  const asked = one.asked.length
  await until(() => one.asked.length > asked + 1)
  nsqd.open[0]?.socket.destroy()
  await until(() => nsqd.sessions.length === 2)
})

test('a producer finds every nsqd through /nodes', async () => {
  const [a, b] = [await startNsqd(), await startNsqd()]
  const lookupd = await startLookupd(a)
  const producer = new Producer({ lookupd: lookupd.address, strategy: 'all', ...QUICK })
  closers.push(() => producer.close(0))
  await producer.publish('t', '1')
  lookupd.nsqds.push(b.address)
  await until(() => b.open.length === 1)
  await producer.publish('t', '2')
  assert.deepEqual([a.bodies, b.bodies], [['1', '2'], ['2']])
  lookupd.nsqds = [b.address]
  await a.close()
  await until(() => lookupd.asked.length > 5)
  await producer.publish('t', '3')
  assert.deepEqual(b.bodies, ['2', '3'])
})

test('without any nsqd a producer says so, and its publishes wait', async () => {
  const nsqd = await startNsqd()
  const lookupd = await startLookupd()
  const producer = new Producer({ lookupd: lookupd.address, ...QUICK })
  closers.push(() => producer.close(0))
  await assert.rejects(producer.connect(), { code: 'E_NO_NSQD' })
  const published = producer.publish('t', '1')
  lookupd.nsqds = [nsqd.address]
  await published
  assert.deepEqual(nsqd.bodies, ['1'])
})
