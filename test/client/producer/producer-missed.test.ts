/** With the strategy `all`: what an nsqd has missed is counted. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { until } from '../../support/wait.ts'
import { FakeLookupd } from '../fake-lookupd.ts'
import { failure, Producing } from './producing.ts'

const producing = new Producing()
afterEach(() => producing.close())

test('what an nsqd that is gone does not get is counted, and no more once it is back', async () => {
  const [a, b] = [await producing.nsqd(), await producing.nsqd()]
  const producer = producing.producer({ nsqd: [a.address, b.address], strategy: 'all' })
  await producer.connect()
  await producer.publish('t', ['1', '2'])
  assert.deepEqual([...producer.missed], [])
  await b.close()
  await until(() => producing.codes.includes('E_DISCONNECTED'))
  await producer.publish('t', ['3', '4'])
  await Promise.all([producer.publish('t', '5'), producer.publish('u', '6')])
  assert.deepEqual([...producer.missed], [[b.address, 4]])

  await b.listen()
  let missed = 4
  for (const { length } = b.bodies; b.bodies.length === length; missed++) await producer.publish('t', 'x')
  assert.deepEqual([...producer.missed], [[b.address, missed - 1]])
  assert.equal(a.bodies.length - b.bodies.length, missed - 1)
})

test('what it had not acknowledged when it died is counted', async () => {
  const [a, b] = [await producing.nsqd(), await producing.nsqd()]
  b.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: [a.address, b.address], strategy: 'all' })
  await producer.connect()
  const published = producer.publish('t', ['x', 'y'])
  await until(() => b.published.length === 1)
  await b.close()
  await published
  assert.deepEqual([...producer.missed], [[b.address, 2]])
})

test('what it could not take is counted, but not what has failed altogether', async () => {
  const [a, b] = [await producing.nsqd(), await producing.nsqd()]
  const producer = producing.producer({ nsqd: [a.address, b.address], strategy: 'all' })
  await producer.connect()
  b.answerPublish = () => ({ error: 'E_PUB_FAILED PUB failed no space left' })
  await producer.publish('t', 'x')
  assert.deepEqual([...producer.missed], [[b.address, 1]])
  a.answerPublish = b.answerPublish
  await failure(producer.publish('t', 'y'))
  a.answerPublish = () => ({ error: 'E_BAD_MESSAGE PUB message too big' })
  await failure(producer.publish('t', 'z'))
  assert.deepEqual([...producer.missed], [[b.address, 1]])
})

test('with other strategies nothing is missed', async () => {
  const [a, b] = [await producing.nsqd(), await producing.nsqd()]
  const producer = producing.producer({ nsqd: [a.address, b.address], strategy: 'round-robin' })
  await producer.connect()
  await a.close()
  await producer.publish('t', ['1', '2'])
  assert.deepEqual([...producer.missed], [])
})

test('an nsqd that came later, or that nsqlookupd hides for the topic, has missed nothing', async () => {
  const [a, b] = [await producing.nsqd(), await producing.nsqd()]
  const lookupd = producing.closing(await FakeLookupd.start(a.address))
  const producer = producing.producer({ lookupd: lookupd.address, strategy: 'all', lookupPollIntervalMs: 10 })
  a.answerPublish = () => 'silence'
  const published = producer.publish('t', 'x')
  await until(() => a.published.length === 1)
  lookupd.nsqds.push(b.address)
  await until(() => b.open.length === 1)
  a.acknowledge(1)
  await published
  a.answerPublish = () => 'ok'
  const producers = [a, b].map(nsqd => ({
    broadcast_address: '127.0.0.1',
    tcp_port: nsqd.port,
    http_port: 1,
    hostname: 'h',
    version: '1.3.0',
    topics: ['t'],
    tombstones: [nsqd === b],
  }))
  lookupd.reply = () => ({ status: 200, body: JSON.stringify({ producers }) })
  for (let count = -1; b.bodies.length > count;) {
    count = b.bodies.length
    const { length } = lookupd.asked
    await until(() => lookupd.asked.length > length + 1)
    await producer.publish('t', 'y')
  }
  assert.deepEqual([...producer.missed], [])
})
