/** A connection that breaks, in each way it can: the error is typed, what was in hand settles, and there is a new one. */
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Consumer, type Message, type NsqError, Producer } from '../../../src/index.ts'
import { responseFrame } from '../../../src/protocol/frame.ts'
import { until } from '../../support/wait.ts'
import { FakeNsqd, type FakeSession } from '../fake-nsqd.ts'
import { LAYERS, OFFERS } from '../layers.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function startNsqd(): Promise<FakeNsqd> {
  const nsqd = await FakeNsqd.start()
  closers.push(() => nsqd.close())
  nsqd.offers = OFFERS
  return nsqd
}

const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20, maxFrameBytes: 65_536 }

type Layers = (typeof LAYERS)[number]

/** How a connection breaks, and the code of the error that tells of it. */
interface Fault {
  what: string
  strike: (session: FakeSession) => void
  code: (layers: Layers) => string
}

const GARBAGE = Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n'.repeat(20))

const FAULTS: readonly Fault[] = [
  {
    what: 'garbage on the wire',
    strike: session => session.socket.write(GARBAGE),
    code: layers => layers.garbage,
  },
  {
    what: 'garbage through all layers',
    strike: session => session.write(GARBAGE),
    code: () => 'E_PROTOCOL',
  },
  {
    what: 'a frame of an unknown type',
    strike: session => session.write(Buffer.from('0000000400000009', 'hex')),
    code: () => 'E_PROTOCOL',
  },
  {
    what: 'a frame over the limit',
    strike: session => session.write(Buffer.from('0001000100000002', 'hex')),
    code: () => 'E_PROTOCOL',
  },
  {
    what: 'an end',
    strike: session => session.socket.end(),
    code: () => 'E_DISCONNECTED',
  },
  {
    what: 'a reset',
    strike: session => session.socket.resetAndDestroy(),
    code: () => 'E_DISCONNECTED',
  },
]

const HALF_OPEN: Fault = {
  what: 'half open: not even heartbeats come',
  strike: () => {},
  code: () => 'E_READ_TIMEOUT',
}

/** What is published and not acknowledged goes over a new connection. */
async function producerRecovers(layers: Layers, { strike, code }: Fault): Promise<void> {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const producer = new Producer({
    ...QUICK,
    ...layers.options,
    nsqd: nsqd.address,
    heartbeatIntervalMs: 1000,
    onError: error => errors.push(error),
  })
  closers.push(() => producer.close(0))
  nsqd.answerPublish = () => 'silence'
  const published = producer.publish('t', ['a', 'b'])
  await until(() => nsqd.bodies.length === 2)
  nsqd.answerPublish = () => 'ok'
  const [session] = nsqd.open
  assert.ok(session !== undefined)
  strike(session)
  await published
  assert.deepEqual(nsqd.bodies, ['a', 'b', 'a', 'b'])
  assert.deepEqual(
    errors.map(error => error.code),
    [code(layers)],
    errors.map(error => error.message).join(),
  )
  assert.ok(errors[0]?.message.includes(nsqd.address))
  await until(() => nsqd.open.length === 1)
}

/** What was in hand is dead, and comes again over a new connection. */
async function consumerRecovers(layers: Layers, { strike, code }: Fault): Promise<void> {
  const nsqd = await startNsqd()
  const errors: NsqError[] = []
  const messages: Message[] = []
  const consumer = new Consumer({
    ...QUICK,
    ...layers.options,
    topic: 't',
    channel: 'c',
    nsqd: nsqd.address,
    maxInFlight: 5,
    heartbeatIntervalMs: 1000,
    onMessage: message => void messages.push(message),
    onError: error => errors.push(error),
  })
  closers.push(() => consumer.close(0))
  await consumer.start()
  nsqd.queue('a', 'b')
  await until(() => messages.length === 2)
  const [session] = nsqd.open
  assert.ok(session !== undefined)
  strike(session)
  await until(() => messages.length === 4)
  assert.deepEqual(
    errors.map(error => error.code),
    [code(layers)],
    errors.map(error => error.message).join(),
  )
  // An answer to what was lost does nothing; nsqd has it again anyhow.
  assert.deepEqual(
    messages.map(message => message.finish()),
    [false, false, true, true],
  )
  assert.equal(messages[0]?.isLive, false)
  assert.equal(messages[0].requeue(), false)
  assert.equal(messages[2]?.finish(), false)
  await until(() => nsqd.finished.length === 2)
  assert.deepEqual(nsqd.finished.toSorted(), ['a', 'b'])
  assert.equal(consumer.inFlight, 0)
}

for (const layers of LAYERS) {
  for (const fault of FAULTS) {
    test(`${layers.name}, ${fault.what}: a producer`, () => producerRecovers(layers, fault))
    test(`${layers.name}, ${fault.what}: a consumer`, () => consumerRecovers(layers, fault))
  }
}

// Each takes the seconds until a read deadline: all at once.
test(`${HALF_OPEN.what}, with any layers`, async () => {
  await Promise.all(
    LAYERS.flatMap(layers => [producerRecovers(layers, HALF_OPEN), consumerRecovers(layers, HALF_OPEN)]),
  )
})

test('a message that nobody has asked for ends the connection, and is not handed out', async () => {
  const nsqd = await startNsqd()
  const message = Buffer.from(`0000001f00000002${'00'.repeat(10)}${'30'.repeat(16)}78`, 'hex')
  nsqd.identifyReply = Buffer.concat([responseFrame('{}'), message])
  const errors: NsqError[] = []
  const messages: Message[] = []
  const consumer = new Consumer({
    ...QUICK,
    topic: 't',
    channel: 'c',
    nsqd: nsqd.address,
    onMessage: got => messages.push(got),
    onError: error => errors.push(error),
  })
  closers.push(() => consumer.close(0))
  await assert.rejects(consumer.start(), { code: 'E_PROTOCOL' })
  nsqd.identifyReply = undefined
  await until(() => consumer.connections.length === 1)
  assert.equal(consumer.inFlight, 0)
  assert.deepEqual(messages, [])
})
