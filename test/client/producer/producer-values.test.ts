/** What a producer takes: codecs, and how much at a time. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { json, text, type Encoder } from '../../../src/client/codec.ts'
import { PublishError } from '../../../src/client/errors.ts'
import { pause, until } from '../../support/wait.ts'
import { failure, Producing } from './producing.ts'

const producing = new Producing()
afterEach(() => producing.close())

test('a codec makes messages of values, its type is what may be published', async () => {
  const nsqd = await producing.nsqd()
  const orders = producing.producer({ nsqd: nsqd.address, codec: json })
  await orders.publish('t', { id: 1 })
  await orders.publish('t', [{ id: 2 }, 'three', null])
  // An array that is one message.
  await orders.publish('t', [[4, 5]])
  const lines = producing.producer({ nsqd: nsqd.address, codec: text })
  await lines.publish('t', ['é', 'b'])
  const hex: Encoder<number> = { encode: value => Buffer.from(value.toString(16)) }
  await producing.producer({ nsqd: nsqd.address, codec: hex }).publish('t', 255)
  assert.deepEqual(nsqd.bodies, ['{"id":1}', '{"id":2}', '"three"', 'null', '[4,5]', 'é', 'b', 'ff'])
})

test('what does not encode is E_ENCODE, and nothing of the call is sent', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, codec: json })
  const [error] = await Promise.all([
    failure(producer.publish('t', [1, 2n, 3])),
    failure(producer.publish('t', undefined)),
    producer.publish('t', 4),
  ])
  assert.equal(error.code, 'E_ENCODE')
  assert.ok(error.cause instanceof TypeError && !(error instanceof PublishError))
  assert.deepEqual(nsqd.bodies, ['4'])
})

test('publishBatch takes Buffers only', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  for (const bodies of ['text', undefined, [1], ['text'], [Buffer.from('x'), new Uint8Array(1)]]) {
    // @ts-expect-error as a program without types might
    assert.equal((await failure(producer.publishBatch('t', bodies))).code, 'E_ENCODE')
  }
  assert.deepEqual(nsqd.bodies, [])
})

test('await using closes', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  await producer.publish('t', 'a')
  await producer[Symbol.asyncDispose]()
  await until(() => nsqd.open.length === 0)
  assert.equal((await failure(producer.publish('t', 'b'))).code, 'E_CLOSED')
})

test('without a codec only bytes and strings are messages', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer<unknown>({ nsqd: nsqd.address })
  for (const value of [7, null, { a: 1 }, [['nested']]]) {
    const error = await failure(producer.publish('t', value))
    assert.equal(error.code, 'E_ENCODE')
    assert.match(error.remedy ?? '', /codec/)
  }
  const whole = new Uint8Array([0x5b, 0x61, 0x62, 0x5d])
  await producer.publish('t', whole.subarray(1, 3))
  assert.deepEqual(nsqd.bodies, ['ab'])
})

test('sizes are those of the encoded message, in bytes', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, codec: json, maxMessageBytes: 2000 })
  // Short strings, and those that are encoded at once.
  for (const length of [1, 600, 999]) {
    await producer.publish('t', 'é'.repeat(length))
    assert.equal(Buffer.byteLength(nsqd.bodies.at(-1) ?? ''), 2 * length + 2)
  }
  const error = await failure(producer.publish('t', ['fine', 'é'.repeat(1000)]))
  assert.equal(error.code, 'E_MESSAGE_TOO_BIG')
  assert.match(error.message, /2002 bytes/)
  assert.equal(nsqd.bodies.length, 3)
})

test('batches of strings are cut where those of their bytes are', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, maxBatchBytes: 4 + 3 * (4 + 10) })
  await Promise.all(Array.from({ length: 7 }, (_, i) => producer.publish('t', `éééé ${i}`)))
  assert.deepEqual(
    nsqd.published.map(({ bodies }) => bodies.length),
    [3, 3, 1],
  )
})

test('calls with one message share the fate of their batch, and each is told of its own message', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => ({ error: 'E_BAD_MESSAGE MPUB no' })
  const producer = producing.producer({ nsqd: nsqd.address })
  const errors = await Promise.all([
    failure(producer.publish('t', 'a')),
    failure(producer.publish('t', ['b', 'c'])),
    failure(producer.publish('t', 'd')),
  ])
  assert.deepEqual(
    errors.map(error => error instanceof PublishError && error.unacknowledged),
    [1, 2, 1],
  )
  assert.equal(nsqd.published.length, 1)
})

test('whenFull error: what does not fit is E_FULL at once, and later it fits', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: nsqd.address, maxPendingBytes: 5000, whenFull: 'error' })
  const taken: Promise<void>[] = []
  const errors: unknown[] = []
  for (let i = 0; i < 100; i++) {
    const published = producer.publish('t', String(i).padEnd(500, '.'))
    taken.push(published.catch((error: unknown) => void errors.push(error)))
  }
  await until(() => nsqd.bodies.length > 0)
  assert.equal(nsqd.bodies.length + errors.length, 100)
  assert.ok(nsqd.bodies.length >= 8 && nsqd.bodies.length <= 10, `${nsqd.bodies.length} fit`)
  assert.equal((await failure(producer.publish('t', ['x', 'y']))).code, 'E_FULL')
  assert.equal((await failure(producer.publish('t', 'x', { defer: 1 }))).code, 'E_FULL')
  assert.equal((await failure(producer.publishBatch('t', [Buffer.from('x')]))).code, 'E_FULL')
  nsqd.answerPublish = () => 'ok'
  nsqd.acknowledge(1)
  await producer.room()
  await producer.publish('t', 'fits')
  await Promise.all(taken)
})

test('a program that awaits room holds no more than maxPendingBytes and one publish', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address, maxPendingBytes: 100_000 })
  const published: Promise<void>[] = []
  let most = 0
  for (let i = 0; i < 5000; i++) {
    await producer.room()
    published.push(
      producer.publish('t', i % 100 === 0 ? Buffer.alloc(20_000) : 'x'.repeat(i % 500) + String(i)),
    )
    most = Math.max(most, producer.pendingBytes)
  }
  await Promise.all(published)
  assert.ok(most < 100_000 + 20_000 + 2000, `${most} bytes`)
  assert.equal(producer.pendingBytes, 0)
  assert.equal(nsqd.bodies.length, 5000)
})

test('what is counted is about what is held', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = () => 'silence'
  const MB = 1024 * 1024
  const producer = producing.producer({ nsqd: nsqd.address, maxPendingBytes: 24 * MB, whenFull: 'error' })
  await producer.connect()
  const before = process.memoryUsage().rss
  const refused: unknown[] = []
  for (let i = 0; refused.length === 0; i++) {
    const size = [10, 300, 3000, 100][i % 4] ?? 0
    for (let k = 0; k < 1 + (i % 7); k++) {
      producer
        .publish(`topic${i % 3}`, String(k).padEnd(size, '.'))
        .catch((error: unknown) => refused.push(error))
    }
    // The fake keeps what it gets, and would be measured with it.
    nsqd.published.length = 0
    await new Promise(resolve => setImmediate(resolve))
  }
  const held = process.memoryUsage().rss - before
  assert.ok(producer.pendingBytes >= 24 * MB)
  assert.ok(held < 4 * producer.pendingBytes, `${Math.round(held / MB)} MB are held`)
})

test('what settles does not wait for the memory of what does not', async () => {
  const [slow, quick] = await producing.nsqds(2)
  assert.ok(slow !== undefined && quick !== undefined)
  slow.answerPublish = () => 'silence'
  const producer = producing.producer({
    nsqd: [slow.address, quick.address],
    strategy: 'least-pending',
    maxPendingBytes: 10_000,
  })
  await producer.connect()
  const stuck: Promise<void>[] = []
  for (let i = 0; slow.published.length === 0; i++) {
    stuck.push(producer.publish('t', String(i)))
    await pause(1)
  }
  for (let i = 0; i < 2000; i++) await producer.publish('t', String(i))
  assert.ok(producer.pendingBytes < 2000, `${producer.pendingBytes} bytes`)
  // On a busy machine more than one may have gone there.
  slow.answerPublish = () => 'ok'
  slow.acknowledge(slow.published.length)
  await Promise.all(stuck)
})

test('a codec may publish', async () => {
  const nsqd = await producing.nsqd()
  const inner: Promise<void>[] = []
  const codec: Encoder<string> = {
    encode(value) {
      if (value.length < 3) inner.push(producer.publish('t', `${value}+`))
      return value
    },
  }
  const producer = producing.producer({ nsqd: nsqd.address, codec })
  await producer.publish('t', ['a', 'b'])
  await Promise.all(inner)
  assert.deepEqual(nsqd.bodies.toSorted(), ['a', 'a+', 'a++', 'b', 'b+', 'b++'])
})

test('options of what is published are checked', () => {
  // Programs without types pass anything.
  const wrong: [object, RegExp][] = [
    [{ codec: {} }, /codec must have a function encode/],
    [{ codec: null }, /codec must have a function encode/],
    [{ whenFull: 'drop' }, /whenFull must be one of wait, error, not "drop"/],
    [
      { strategy: 'random' },
      /strategy must be one of failover, round-robin, least-pending, all, not "random"/,
    ],
    [{ maxPendingBytes: 0 }, /maxPendingBytes must be an integer from 1/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => producing.producer({ nsqd: 'localhost', ...options }), { code: 'E_OPTION', message })
  }
})

test('close checks its timeout, and closes nothing when it is wrong', async () => {
  const nsqd = await producing.nsqd()
  const producer = producing.producer({ nsqd: nsqd.address })
  assert.equal((await failure(producer.close(-1))).code, 'E_OPTION')
  assert.equal((await failure(producer.close(Number.POSITIVE_INFINITY))).code, 'E_OPTION')
  await producer.publish('t', 'x')
  const closed = producer.close()
  assert.equal(producer.close(5), closed)
  await closed
  assert.equal((await failure(producer.connect())).code, 'E_CLOSED')
})
