/** Producers with several nsqds: which of them gets a message, and what becomes of it when one does not work. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { PublishError } from '../../../src/client/errors.ts'
import type { ProducerStrategy } from '../../../src/client/producer/router.ts'
import { pause, until } from '../../support/wait.ts'
import { FakeLookupd } from '../fake-lookupd.ts'
import type { FakeNsqd } from '../fake-nsqd.ts'
import { failure, Producing } from './producing.ts'

const ANY: readonly ProducerStrategy[] = ['failover', 'round-robin', 'least-pending']

const producing = new Producing()
afterEach(() => producing.close())

async function pair(): Promise<[FakeNsqd, FakeNsqd]> {
  return [await producing.nsqd(), await producing.nsqd()]
}

function addressesOf(nsqds: readonly FakeNsqd[]): string[] {
  return nsqds.map(nsqd => nsqd.address)
}

/** Waits until the producer is connected to each of them. */
async function allConnected(nsqds: readonly FakeNsqd[]): Promise<void> {
  await until(() => nsqds.every(nsqd => nsqd.open.length === 1))
  // Theirs is the first end to know.
  await pause(20)
}

test('failover keeps to the first nsqd that is there', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({ nsqd: addressesOf([a, b]) })
  await producer.publish('t', '1')
  await a.close()
  await producer.publish('t', '2')
  assert.deepEqual([a.bodies, b.bodies], [['1'], ['2']])
  await a.listen()
  for (let i = 3; a.bodies.length < 2; i++) await producer.publish('t', String(i))
  await producer.publish('t', 'last')
  assert.equal(a.bodies.at(-1), 'last')
})

test('round-robin takes turns, and leaves out the one that is gone', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy: 'round-robin' })
  await producer.connect()
  await allConnected([a, b])
  for (let i = 0; i < 6; i++) await producer.publish('t', String(i))
  assert.equal(a.bodies.length, 3)
  assert.equal(b.bodies.length, 3)
  await b.close()
  for (let i = 0; i < 4; i++) await producer.publish('t', 'later')
  assert.equal(a.bodies.length, 7)
  const [ofA = 0, ofB = 0] = addressesOf([a, b]).map(address => producer.acknowledgedBy.get(address))
  assert.deepEqual([ofA, ofB], [7, 3])
})

test('least-pending leaves a slow nsqd alone, and takes turns with those that are as quick', async () => {
  const nsqds = await producing.nsqds(3)
  const [slow, b, c] = nsqds
  assert.ok(slow !== undefined && b !== undefined && c !== undefined)
  const producer = producing.producer({ nsqd: addressesOf(nsqds), strategy: 'least-pending' })
  await producer.connect()
  await allConnected(nsqds)
  slow.answerPublish = () => 'silence'
  const published: Promise<void>[] = []
  for (let i = 0; slow.published.length === 0; i++) {
    published.push(producer.publish('t', String(i)))
    await pause(1)
  }
  b.published.length = 0
  c.published.length = 0
  for (let i = 0; i < 20; i++) await producer.publish('t', 'more')
  assert.equal(slow.published.length, 1)
  assert.ok(b.bodies.length >= 8 && c.bodies.length >= 8, `${b.bodies.length} and ${c.bodies.length}`)
  slow.acknowledge(1)
  await Promise.all(published)
})

test('least-pending counts bytes', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy: 'least-pending' })
  await producer.connect()
  await allConnected([a, b])
  a.answerPublish = () => 'silence'
  b.answerPublish = () => 'silence'
  const published: Promise<void>[] = []
  const publish = async (body: string): Promise<void> => {
    const before = a.published.length + b.published.length
    published.push(producer.publish('t', body))
    await until(() => a.published.length + b.published.length > before)
  }
  await publish('x'.repeat(1000))
  for (let i = 0; i < 5; i++) await publish('small')
  assert.equal(Math.min(a.published.length, b.published.length), 1)
  a.acknowledge(a.published.length)
  b.acknowledge(b.published.length)
  await Promise.all(published)
})

for (const strategy of ANY) {
  test(`${strategy}: what an nsqd had not acknowledged when it died goes to another`, async () => {
    const [a, b] = await pair()
    const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy })
    await producer.connect()
    await allConnected([a, b])
    a.answerPublish = () => 'silence'
    const published: Promise<void>[] = []
    for (let i = 0; a.published.length === 0; i++) {
      published.push(producer.publish('t', String(i)))
      await pause(1)
    }
    await a.close()
    await Promise.all(published)
    assert.deepEqual(new Set(b.bodies), new Set(Array.from(published, (_, i) => String(i))))
  })

  test(`${strategy}: what a full disk refuses goes to another, and the full one is left out for a while`, async () => {
    const nsqds = await pair()
    const [full, other] = nsqds
    full.answerPublish = ({ command }) => ({ fatal: `E_${command}_FAILED ${command} failed no space left` })
    const producer = producing.producer({
      nsqd: addressesOf(nsqds),
      strategy,
      // Once it is found out, it stays out for the rest of the test.
      maxReconnectDelayMs: 60_000,
      reconnectDelayMs: 60_000,
    })
    await producer.connect()
    await allConnected(nsqds)
    for (let i = 0; i < 10; i++) {
      await producer.publish('t', String(i))
      await producer.publish('t', [`${i} a`, `${i} b`])
      await producer.publish('t', `${i} later`, { defer: 1 })
    }
    assert.equal(other.bodies.length, 40)
    assert.equal(full.published.length, 1)
    assert.equal(producing.codes.filter(code => code.endsWith('PUB_FAILED')).length, 1)
  })

  test(`${strategy}: when all refuse it, it fails, and they are asked again`, async () => {
    const nsqds = await producing.nsqds(3)
    for (const nsqd of nsqds) nsqd.answerPublish = () => ({ error: 'E_PUB_FAILED PUB failed no space left' })
    const producer = producing.producer({ nsqd: addressesOf(nsqds), strategy })
    await producer.connect()
    await allConnected(nsqds)
    const error = await failure(producer.publish('t', 'x'))
    assert.equal(error.code, 'E_PUB_FAILED')
    assert.ok(error instanceof PublishError && error.unacknowledged === 1)
    assert.deepEqual(
      nsqds.map(nsqd => nsqd.published.length),
      [1, 1, 1],
    )
    for (const nsqd of nsqds) nsqd.answerPublish = () => 'ok'
    await producer.publish('t', 'y')
  })

  test(`${strategy}: what a draining nsqd refuses waits for one that is expected back`, async () => {
    const [leaving, back] = await pair()
    leaving.answerPublish = () => ({ fatal: 'E_PUB_FAILED nsqd is draining' })
    await back.close()
    const producer = producing.producer({ nsqd: addressesOf([leaving, back]), strategy })
    const published = [producer.publish('t', '1'), producer.publish('t', '2')]
    await until(() => leaving.published.length > 0)
    await back.listen()
    await Promise.all(published)
    assert.deepEqual(new Set(back.bodies), new Set(['1', '2']))
  })

  test(`${strategy}: but not for one that has been given up, nor when all are draining, nor for a full one`, async () => {
    const [a, b] = await pair()
    a.answerPublish = b.answerPublish = () => ({ fatal: 'E_PUB_FAILED nsqd is draining' })
    const options = { nsqd: addressesOf([a, b]), strategy, maxConnectAttempts: 3 }
    const producer = producing.producer(options)
    assert.equal((await failure(producer.publish('t', 'all'))).code, 'E_PUB_FAILED')
    await b.close()
    assert.equal((await failure(producing.producer(options).publish('t', 'given up'))).code, 'E_PUB_FAILED')
    a.answerPublish = () => ({ fatal: 'E_PUB_FAILED PUB failed no space left' })
    const other = producing.producer({ ...options, maxConnectAttempts: 1_000_000 })
    assert.equal((await failure(other.publish('t', 'full'))).code, 'E_PUB_FAILED')
  })

  test(`${strategy}: an nsqd that was sick gets messages again when it is well`, async () => {
    const [a, b] = await pair()
    a.answerPublish = () => ({ error: 'E_PUB_FAILED PUB failed no space left' })
    const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy })
    await producer.connect()
    await allConnected([a, b])
    for (let i = 0; a.published.length < 3; i++) await producer.publish('t', String(i))
    a.answerPublish = () => 'ok'
    const refused = a.published.length
    for (let i = 0; a.published.length < refused + 3; i++) await producer.publish('t', String(i))
  })

  test(`${strategy}: an nsqd that does not answer in time is left out until it does`, async () => {
    const [a, b] = await pair()
    a.answerPublish = () => 'silence'
    const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy, publishTimeoutMs: 100 })
    await producer.connect()
    await allConnected([a, b])
    const outcomes: Promise<unknown>[] = []
    for (let i = 0; a.published.length === 0; i++) {
      outcomes.push(producer.publish('t', String(i)))
      await pause(1)
    }
    const results = await Promise.allSettled(outcomes)
    assert.ok(results.some(({ status }) => status === 'rejected'))
    const { length } = a.published
    for (let i = 0; i < 10; i++) await producer.publish('t', String(i))
    assert.equal(a.published.length, length)
    a.answerPublish = () => 'ok'
    a.acknowledge(length)
    for (let i = 0; a.published.length < length + 3; i++) await producer.publish('t', String(i))
  })
}

test('an nsqd that answers nothing but heartbeats is given up: others need the memory', async () => {
  const [a, b] = await pair()
  a.answerPublish = () => 'silence'
  const producer = producing.producer({
    nsqd: addressesOf([a, b]),
    publishTimeoutMs: 300,
    heartbeatIntervalMs: 1000,
    maxPendingBytes: 1000,
  })
  await producer.connect()
  await allConnected([a, b])
  const beat = setInterval(() => a.open[0]?.heartbeat(), 200)
  let failed = 0
  // The first fills the memory; what comes after it waits for room, and fails like it, until that is free again.
  while (b.bodies.length === 0) await producer.publish('t', 'x'.repeat(2000)).catch(() => failed++)
  clearInterval(beat)
  assert.ok(failed > 1)
  assert.equal(b.bodies.length, 1)
  assert.ok(producing.codes.includes('E_READ_TIMEOUT'))
})

test('an nsqd that does not take a message fails it, and what was sent behind it goes again', async () => {
  const nsqd = await producing.nsqd()
  nsqd.answerPublish = ({ topic }) =>
    topic === 'bad' ? { fatal: 'E_BAD_MESSAGE PUB message too big 99 > 10' } : 'ok'
  // Of these none survives a lost connection that is its own fault.
  const producer = producing.producer({ nsqd: nsqd.address, retries: 0 })
  await producer.connect()
  const outcomes: Promise<unknown>[] = []
  for (let i = 0; i < 20; i++) {
    const topic = i % 3 === 0 ? 'bad' : `good${i}`
    outcomes.push(
      producer.publish(topic, String(i)).then(
        () => 'ok',
        (error: unknown) => (error instanceof PublishError ? error.code : error),
      ),
    )
    if (i % 4 === 0) await pause(0)
  }
  assert.deepEqual(
    await Promise.all(outcomes),
    Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 'E_BAD_MESSAGE' : 'ok')),
  )
})

test('all publishes to each nsqd that is there, and fails when there is none', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({
    nsqd: addressesOf([a, b]),
    strategy: 'all',
    maxConnectAttempts: 3,
  })
  await producer.connect()
  await producer.publish('t', ['1', '2'])
  await b.close()
  await producer.publish('t', ['3', '4'])
  assert.deepEqual(
    [a.bodies, b.bodies],
    [
      ['1', '2', '3', '4'],
      ['1', '2'],
    ],
  )
  assert.ok(producing.errors.some(error => error.message.includes(b.address)))
  await assert.rejects(producer.connect(), { code: 'E_CONNECT' })

  await b.listen()
  for (let i = 5; b.bodies.length < 3; i++) await producer.publish('t', String(i))
  assert.equal(b.bodies.at(-1), a.bodies.at(-1))

  await Promise.all([a.close(), b.close()])
  const error = await failure(producer.publish('t', ['x', 'y']))
  assert.equal(error.code, 'E_CONNECT')
  assert.ok(error instanceof PublishError && error.unacknowledged === 2)
})

test('all: a message waits for every nsqd that is there', async () => {
  const [a, b] = await pair()
  b.answerPublish = () => 'silence'
  const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy: 'all' })
  let isAcknowledged = false
  const published = producer.publish('t', 'x').then(() => (isAcknowledged = true))
  await until(() => a.published.length === 1 && b.published.length === 1)
  await pause(20)
  assert.equal(isAcknowledged, false)
  b.acknowledge(1)
  await published
})

test('all: what the one that died had not acknowledged is acknowledged by the other', async () => {
  const [a, b] = await pair()
  b.answerPublish = () => 'silence'
  const producer = producing.producer({
    nsqd: addressesOf([a, b]),
    strategy: 'all',
    maxConnectAttempts: 1000,
  })
  const published = producer.publish('t', 'x')
  await until(() => b.published.length === 1)
  await b.close()
  await published
  assert.deepEqual(a.bodies, ['x'])
})

test('all: an nsqd whose connection was only cut gets its copy', async () => {
  const [a, b] = await pair()
  let drops = 1
  b.answerPublish = () => (drops-- > 0 ? 'drop' : 'ok')
  const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy: 'all' })
  await producer.publish('t', 'x')
  assert.deepEqual([a.bodies, b.bodies], [['x'], ['x']])
})

test('all: what none could take goes to the first that comes back', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({
    nsqd: addressesOf([a, b]),
    strategy: 'all',
    maxConnectAttempts: 1000,
  })
  await producer.connect()
  await b.close()
  await until(() => producing.codes.includes('E_CONNECT'))
  a.answerPublish = () => 'silence'
  // This only a has got.
  const first = producer.publish('t', '1')
  await until(() => a.published.length === 1)
  await a.close()
  const second = producer.publish('t', '2')
  await until(() => producing.errors.filter(error => error.message.includes(a.address)).length > 2)
  await b.listen()
  await Promise.all([first, second])
  assert.deepEqual(b.bodies.toSorted(), ['1', '2'])
})

test('all: an nsqd that is full is left out, one that refuses the message fails it', async () => {
  const [a, b] = await pair()
  const producer = producing.producer({ nsqd: addressesOf([a, b]), strategy: 'all' })
  b.answerPublish = () => ({ error: 'E_PUB_FAILED PUB failed no space left' })
  await producer.publish('t', 'x')
  assert.ok(producing.codes.includes('E_PUB_FAILED'))
  b.answerPublish = () => ({ error: 'E_BAD_MESSAGE PUB message too big' })
  const { length } = b.published
  let error: unknown
  while (b.published.length === length)
    error = await producer.publish('t', 'x').catch((reason: unknown) => reason)
  assert.ok(error instanceof PublishError && error.code === 'E_BAD_MESSAGE')
})

test('a topic is not published to an nsqd that nsqlookupd hides for it, while there is another', async () => {
  const [a, b] = await pair()
  const lookupd = producing.closing(await FakeLookupd.start())
  const nodes = (...tombstoned: FakeNsqd[]): void => {
    const producers = [a, b].map(nsqd => ({
      broadcast_address: '127.0.0.1',
      tcp_port: nsqd.port,
      http_port: 1,
      hostname: 'h',
      version: '1.3.0',
      topics: ['t', 'u'],
      tombstones: [tombstoned.includes(nsqd), false],
    }))
    lookupd.reply = () => ({ status: 200, body: JSON.stringify({ producers }) })
  }
  const polled = async (): Promise<void> => {
    const { length } = lookupd.asked
    await until(() => lookupd.asked.length > length + 1)
  }
  nodes(a)
  const producer = producing.producer({
    lookupd: lookupd.address,
    strategy: 'round-robin',
    lookupPollIntervalMs: 10,
  })
  await producer.connect()
  await allConnected([a, b])
  for (let i = 0; i < 6; i++) await producer.publish('t', 't')
  for (let i = 0; i < 6; i++) await producer.publish('u', 'u')
  assert.deepEqual(a.bodies, ['u', 'u', 'u'])
  assert.equal(b.bodies.length, 9)
  // With nowhere else to go it is better there than lost: the tombstone goes in time.
  nodes(a, b)
  await polled()
  for (let i = 0; i < 4; i++) await producer.publish('t', 'hidden')
  assert.equal(a.bodies.length, 5)
  nodes()
  await polled()
  for (let i = 0; i < 4; i++) await producer.publish('t', 'back')
  assert.equal(a.bodies.length, 7)
})

test('an nsqd may be named by the path of its unix socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-'))
  try {
    const nsqd = await producing.nsqd(join(folder, 'nsqd.sock'))
    const producer = producing.producer({ nsqd: nsqd.path })
    await producer.publish('t', 'x')
    assert.deepEqual(nsqd.bodies, ['x'])
    await nsqd.close()
    const published = producer.publish('t', 'y')
    await nsqd.listen()
    await published
    assert.deepEqual(nsqd.bodies, ['x', 'y'])
  } finally {
    await producing.close()
    await rm(folder, { recursive: true, force: true })
  }
})
