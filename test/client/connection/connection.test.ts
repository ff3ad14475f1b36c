import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { Connection, type ConnectionHandler } from '../../../src/client/connection/connection.ts'
import { resolveConnectionOptions } from '../../../src/client/options.ts'
import { pub, rdy } from '../../../src/protocol/command.ts'
import { errorFrame, responseFrame } from '../../../src/protocol/frame.ts'
import { MESSAGE_ID_AT } from '../../../src/protocol/message.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { FakeNsqd } from '../fake-nsqd.ts'
import { until } from '../../support/wait.ts'

const fakes: FakeNsqd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

async function startNsqd(): Promise<FakeNsqd> {
  const fake = await FakeNsqd.start()
  fakes.push(fake)
  return fake
}

class Handler implements ConnectionHandler {
  readonly messages: string[] = []
  readonly refusals: NsqError[] = []
  readonly ends: NsqError[] = []
  message(bytes: Buffer, start: number, end: number): void {
    this.messages.push(bytes.toString('utf8', start + 26, end))
  }
  refused(error: NsqError): void {
    this.refusals.push(error)
  }
  closed(error: NsqError): void {
    this.ends.push(error)
  }
}

function open(nsqd: FakeNsqd, handler = new Handler(), options = {}): Promise<Connection> {
  return Connection.open(
    nsqd.address,
    resolveConnectionOptions({ connectTimeoutMs: 1000, ...options }),
    handler,
    {},
    new AbortController().signal,
  )
}

test('IDENTIFY is negotiated; an nsqd that only says OK gets the official limits', async () => {
  const nsqd = await startNsqd()
  nsqd.maxReady = 7
  assert.equal((await open(nsqd)).identity.max_rdy_count, 7)
  nsqd.identifyReply = 'OK'
  assert.equal((await open(nsqd)).identity.max_rdy_count, 2500)
})

for (const [what, reply, code] of [
  ['refuses it', errorFrame('E_BAD_BODY IDENTIFY heartbeat interval (1) is invalid'), 'E_BAD_BODY'],
  ['answers no JSON', responseFrame('hello'), 'E_PROTOCOL'],
  ['answers JSON that is no object', responseFrame('3'), 'E_PROTOCOL'],
  ['sends garbage', Buffer.from('HTTP/1.1 400 Bad Request\r\n'), 'E_PROTOCOL'],
  ['says nothing', Buffer.alloc(0), 'E_READ_TIMEOUT'],
] as const) {
  test(`an nsqd that at IDENTIFY ${what} is no connection`, async () => {
    const nsqd = await startNsqd()
    nsqd.identifyReply = reply
    await assert.rejects(open(nsqd), { code })
    await until(() => nsqd.open.length === 0)
  })
}

test('answers are given in order, whatever comes between them', async () => {
  const nsqd = await startNsqd()
  const handler = new Handler()
  const connection = await open(nsqd, handler)
  nsqd.answerPublish = ({ topic }) => (topic === 'bad' ? { error: 'E_BAD_TOPIC PUB topic' } : 'ok')
  nsqd.open[0]?.heartbeat()
  const answers = ['a', 'bad', 'c'].map(topic =>
    connection.request(pub(topic, 'x')).catch((error: NsqError) => error.code),
  )
  assert.deepEqual(await Promise.all(answers), ['OK', 'E_BAD_TOPIC', 'OK'])
  nsqd.open[0]?.socket.write(errorFrame('E_TOUCH_FAILED TOUCH 0123456789abcdef failed ID not in flight'))
  await until(() => handler.refusals.length === 1)
  assert.equal(connection.isOpen, true)
})

test('what is pending when the connection is lost is told, after the connection is', async () => {
  const nsqd = await startNsqd()
  nsqd.answerPublish = () => 'silence'
  const handler = new Handler()
  const connection = await open(nsqd, handler)
  const order: string[] = []
  for (const name of ['first', 'second']) {
    connection.ask(pub('t', name), {
      ok: () => order.push('ok'),
      refused: () => order.push('refused'),
      lost: error => order.push(`${name} ${error.code} after ${handler.ends.length}`),
    })
  }
  await until(() => nsqd.published.length === 2)
  nsqd.open[0]?.socket.destroy()
  await until(() => order.length === 2)
  assert.deepEqual(order, ['first E_DISCONNECTED after 1', 'second E_DISCONNECTED after 1'])
  await assert.rejects(connection.request(pub('t', 'x')), { code: 'E_DISCONNECTED' })
  connection.send(rdy(1))
  await connection.end()
  assert.equal(handler.ends.length, 1)
})

for (const [what, bytes, code] of [
  ['an answer to nothing', responseFrame('OK'), 'E_PROTOCOL'],
  ['a frame of an unknown type', Buffer.from('0000000400000009', 'hex'), 'E_PROTOCOL'],
  ['a message that is too short', Buffer.from('0000000800000002aabbccdd', 'hex'), 'E_PROTOCOL'],
  ['a frame over the limit', Buffer.from('0001000100000002', 'hex'), 'E_PROTOCOL'],
  ['an error about no question', errorFrame('E_INVALID RDY count 9 out of range 0-8'), 'E_INVALID'],
] as const) {
  test(`${what} ends the connection with a typed error`, async () => {
    const nsqd = await startNsqd()
    const handler = new Handler()
    await open(nsqd, handler, { maxFrameBytes: 65_536 })
    nsqd.open[0]?.socket.write(bytes)
    await until(() => handler.ends.length === 1)
    assert.equal(handler.ends[0]?.code, code)
    assert.ok(handler.ends[0].message.includes(nsqd.address))
    await until(() => nsqd.open.length === 0)
  })
}

test('what was sent before end is read by nsqd', async () => {
  const nsqd = await startNsqd()
  const connection = await open(nsqd)
  connection.send(rdy(3))
  await connection.end()
  assert.deepEqual(nsqd.sessions[0]?.readies, [3])
})

test('what was answered when nsqd ends the connection is read by it', async () => {
  const nsqd = await startNsqd()
  const handler = new Handler()
  const connection = await open(nsqd, handler)
  let finish: (() => void) | undefined
  handler.message = (bytes, start) => (finish = () => connection.finish(bytes, start + MESSAGE_ID_AT))
  connection.send(rdy(1))
  nsqd.queue('a')
  await until(() => finish !== undefined)
  const [session] = nsqd.sessions
  assert.ok(session)
  // Its end is read before the turn is over in which this is said.
  session.socket.end()
  finish?.()
  await until(() => !session.isOpen)
  assert.deepEqual(nsqd.finished, ['a'])
  assert.deepEqual(
    handler.ends.map(({ code }) => code),
    ['E_DISCONNECTED'],
  )
})

test('a connection that is no longer wanted ends during IDENTIFY', async () => {
  const nsqd = await startNsqd()
  nsqd.identifyReply = Buffer.alloc(0)
  const stop = new AbortController()
  const options = resolveConnectionOptions({ connectTimeoutMs: 3_600_000 })
  const opened = Connection.open(nsqd.address, options, new Handler(), {}, stop.signal)
  await until(() => nsqd.open[0]?.commands[0] === 'IDENTIFY')
  stop.abort()
  await assert.rejects(opened, { code: 'E_CLOSED' })
  await until(() => nsqd.open.length === 0)
})

test('an address where nothing listens is E_CONNECT, naming it', async () => {
  const nsqd = await startNsqd()
  await nsqd.close()
  await assert.rejects(open(nsqd), { code: 'E_CONNECT', message: new RegExp(nsqd.address) })
})
