import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { PublishError } from '../../../src/client/errors.ts'
import { Producer } from '../../../src/client/producer/producer.ts'
import type { ProducerOptions } from '../../../src/client/producer/producer-options.ts'
import { pause, until } from '../../support/wait.ts'
import { failure, Producing } from './producing.ts'

const producing = new Producing()
afterEach(() => producing.close())

test('what one turn publishes is one MPUB a topic, acknowledged to each caller', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  await Promise.all([
    producer.publish('a', 'one'),
    producer.publish('b', Buffer.from('two')),
    producer.publish('a', ['three', new Uint8Array([0x34])]),
  ])
  assert.deepEqual(nsqd.published, [
    { command: 'MPUB', topic: 'a', bodies: ['one', 'three', '4'], delayMs: 0 },
    { command: 'PUB', topic: 'b', bodies: ['two'], delayMs: 0 },
  ])
  assert.equal(producer.pendingBytes, 0)
})

test('batches are cut by bytes and by count, and are sent without waiting for earlier answers', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({
    nsqd: nsqd.address,
    maxBatchBytes: 4 + 3 * (4 + 10),
    maxBatchMessages: 4,
  })
  await producer.connect()
  const long = Array.from({ length: 7 }, (_, i) => Buffer.from(`long-body-${i}`.slice(-10)))
  const short = Array.from({ length: 6 }, (_, i) => Buffer.from(`s${i}`))
  const all = producer.publishBatch('t', [...long, ...short])
  await until(() => nsqd.published.length === 4)
  assert.deepEqual(
    nsqd.published.map(({ bodies }) => bodies.length),
    [3, 3, 4, 3],
  )
  assert.deepEqual(
    nsqd.bodies,
    [...long, ...short].map(body => body.toString()),
  )
  nsqd.acknowledge(4)
  await all
})

test('a deferred message is a DPUB', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  await producer.publish('t', ['x', 'y'], { defer: 1500 })
  assert.deepEqual(nsqd.published, [
    { command: 'DPUB', topic: 't', bodies: ['x'], delayMs: 1500 },
    { command: 'DPUB', topic: 't', bodies: ['y'], delayMs: 1500 },
  ])
})

test('what nsqd would refuse fails before it is sent', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, maxMessageBytes: 3 })
  assert.equal((await failure(producer.publish('t', 'four'))).code, 'E_MESSAGE_TOO_BIG')
  // Bytes count, not characters.
  assert.equal((await failure(producer.publish('t', 'éé'))).code, 'E_MESSAGE_TOO_BIG')
  assert.equal((await failure(producer.publish('t', ''))).code, 'E_MESSAGE_EMPTY')
  assert.equal((await failure(producer.publish('no topic', 'x'))).code, 'E_BAD_TOPIC')
  assert.equal((await failure(producer.publish('t', 'x', { defer: 3_600_001 }))).code, 'E_DEFER')
  await producer.publish('t', [])
  assert.deepEqual(nsqd.published, [])
})

test('an error frame fails its own publish and no other', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = ({ topic }) =>
    topic === 'bad' ? { error: 'E_MPUB_FAILED MPUB failed disk full' } : 'ok'
  const producer = producing.producer({ nsqd: nsqd.address })
  const [bad, good] = await Promise.all([
    failure(producer.publish('bad', ['x', 'y'])),
    producer.publish('good', 'z'),
  ])
  assert.equal(good, undefined)
  assert.ok(bad instanceof PublishError)
  assert.equal(bad.code, 'E_MPUB_FAILED')
  assert.equal(bad.unacknowledged, 2)
})

test('a message that was not acknowledged goes again after the connection was lost', async () => {
  const nsqd = await producing.nsqd()
  let drops = 2
  nsqd.answerPublish = () => (drops-- > 0 ? 'drop' : 'ok')
  const producer = producing.producer({ nsqd: nsqd.address })
  await producer.connect()
  const first = producer.publish('t', ['1', '2'])
  await pause(0)
  await Promise.all([first, producer.publish('t', '3'), producer.publish('t', '4')])
  assert.deepEqual(nsqd.bodies, ['1', '2', '3', '4'])
})

test('but no more often than retries says', async () => {
  const nsqd = await producing.nsqd()
  let drops = 0
  nsqd.answerPublish = () => {
    drops++
    return 'drop'
  }
  const producer = producing.producer({ nsqd: nsqd.address, retries: 2 })
  const error = await failure(producer.publish('t', 'x'))
  assert.equal(error.code, 'E_DISCONNECTED')
  assert.ok(error instanceof PublishError && error.unacknowledged === 1)
  assert.equal(drops, 3)
})

test('publishes wait for an nsqd that is not there yet', async () => {
  const nsqd = await producing.nsqd()
  await nsqd.close()
  const producer = producing.producer({
    nsqd: nsqd.address,
    maxConnectAttempts: 1000,
  })
  const published = producer.publish('t', 'x')
  await until(() => producing.errors.length > 2)
  assert.equal(producing.errors[0]?.code, 'E_CONNECT')
  await nsqd.listen()
  await published
  assert.deepEqual(nsqd.bodies, ['x'])
})

test('and fail when the attempts are used up; a later publish tries again', async () => {
  const nsqd = await producing.nsqd()
  await nsqd.close()
  const producer = producing.producer({ nsqd: nsqd.address, maxConnectAttempts: 2 })
  assert.equal((await failure(producer.connect())).code, 'E_CONNECT')
  const error = await failure(producer.publish('t', ['x', 'y']))
  assert.equal(error.code, 'E_CONNECT')
  assert.ok(error instanceof PublishError && error.unacknowledged === 2)
  await nsqd.listen()
  await producer.publish('t', 'z')
  assert.deepEqual(nsqd.bodies, ['z'])
})

test('one that gets its turn because those before it have failed is tried as well', async () => {
  const nsqd = await producing.nsqd()
  await nsqd.close()
  const producer = producing.producer({ nsqd: nsqd.address, maxConnectAttempts: 2, maxPendingBytes: 1 })
  const first = failure(producer.publish('t', 'x'))
  const second = failure(producer.publish('t', 'y', { defer: 1 }))
  assert.equal((await first).code, 'E_CONNECT')
  assert.equal((await second).code, 'E_CONNECT')
  assert.equal(producing.errors.length, 4)
})

test('a publish that is not acknowledged in time fails, and its room is free again', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: nsqd.address, publishTimeoutMs: 50 })
  const error = await failure(producer.publish('t', 'x'))
  assert.equal(error.code, 'E_PUBLISH_TIMEOUT')
  await nsqd.close()
  await until(() => producer.pendingBytes === 0)
})

test('the same without any connection', async () => {
  const nsqd = await producing.nsqd()
  await nsqd.close()
  const producer = producing.producer({ nsqd: nsqd.address, publishTimeoutMs: 50, maxConnectAttempts: 1000 })
  const errors = await Promise.all([failure(producer.publish('t', 'x')), failure(producer.publish('u', 'y'))])
  assert.deepEqual(
    errors.map(error => error.code),
    ['E_PUBLISH_TIMEOUT', 'E_PUBLISH_TIMEOUT'],
  )
  assert.equal(producer.pendingBytes, 0)
})

test('over maxPendingBytes publishes wait, and room() says when there is some', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: nsqd.address, maxPendingBytes: 1000 })
  const published = [1, 2, 3].map(n => producer.publish('t', String(n).repeat(900)))
  let hasRoom = false
  void producer.room().then(() => (hasRoom = true))
  await until(() => nsqd.published.length === 1)
  await pause(20)
  assert.equal(nsqd.published.length, 1)
  assert.equal(nsqd.published[0]?.bodies.length, 1)
  assert.equal(hasRoom, false)
  nsqd.answerPublish = () => 'ok'
  nsqd.acknowledge(1)
  await Promise.all(published)
  await producer.room()
  assert.equal(nsqd.bodies.length, 3)
})

test('close flushes what is published, and refuses more', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  const published = producer.publish('t', ['x', 'y'])
  const closed = producer.close()
  assert.equal((await failure(producer.publish('t', 'z'))).code, 'E_CLOSED')
  await Promise.all([published, closed])
  assert.deepEqual(nsqd.bodies, ['x', 'y'])
  await until(() => nsqd.open.length === 0)
})

test('close does not wait for ever: what is left fails', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: nsqd.address, maxPendingBytes: 10 })
  const errors = Promise.all([
    failure(producer.publish('t', 'x'.repeat(20))),
    failure(producer.publish('t', 'y')),
  ])
  await until(() => nsqd.published.length === 1)
  await producer.close(20)
  assert.deepEqual(
    (await errors).map(error => error.code),
    ['E_CLOSED', 'E_CLOSED'],
  )
})

test('a half-open connection is given up, and its messages go over a new one', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({
    nsqd: nsqd.address,
    heartbeatIntervalMs: 1000,
  })
  const published = producer.publish('t', 'x')
  await until(() => nsqd.published.length === 1)
  nsqd.answerPublish = () => 'ok'
  await published
  assert.equal(producing.errors[0]?.code, 'E_READ_TIMEOUT')
  assert.deepEqual(nsqd.bodies, ['x', 'x'])
})

test('heartbeats are answered, and keep a quiet connection', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, clientId: 'me' })
  await producer.connect()
  const [session] = nsqd.open
  session?.heartbeat()
  await until(() => session?.commands.includes('NOP') === true)
  assert.equal(session?.identity?.client_id, 'me')
  assert.equal(session.identity.feature_negotiation, true)
})

test('options are checked, and the error names the option and its range', () => {
  const wrong: [ProducerOptions, RegExp][] = [
    [{}, /nsqd or lookupd/],
    [{ nsqd: 'localhost:x' }, /nsqd: "localhost:x" is not an address/],
    [{ nsqd: 'localhost', maxBatchBytes: 0 }, /maxBatchBytes must be an integer from 1 to/],
    [{ nsqd: 'localhost', retries: 1.5 }, /retries must be an integer from 0 to 1000, not 1.5/],
    [{ nsqd: 'localhost', heartbeatIntervalMs: 10 }, /heartbeatIntervalMs .* from 1000/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => new Producer(options), { code: 'E_OPTION', message })
  }
})
