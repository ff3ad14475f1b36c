/** What other clients of NSQ get wrong on the wire, one test for each. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, mock, test, type TestContext } from 'node:test'
import { Connection } from '../../src/client/connection/connection.ts'
import { type ConnectionOptions, resolveConnectionOptions } from '../../src/client/options.ts'
import { Consumer, type ConsumerOptions, type Message, type NsqError, Producer } from '../../src/index.ts'
import { fin, pub, req, rdy, sub, touch } from '../../src/protocol/command.ts'
import { errorFrame, HEARTBEAT_FRAME } from '../../src/protocol/frame.ts'
import { certificates } from '../support/certificates.ts'
import { until } from '../support/wait.ts'
import { Daemons, tcp } from './daemons.ts'
import { FakeLookupd } from './fake-lookupd.ts'
import { FakeNsqd } from './fake-nsqd.ts'
import { LAYERS, OFFERS } from './layers.ts'

const daemons = new Daemons()
const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  mock.restoreAll()
  for (const close of closers.splice(0).reverse()) await close()
  await daemons.close()
})

const QUICK = { reconnectDelayMs: 5, maxReconnectDelayMs: 20, lookupPollIntervalMs: 20 }

async function startNsqd(path?: string): Promise<FakeNsqd> {
  const nsqd = await FakeNsqd.start(path)
  closers.push(() => nsqd.close())
  nsqd.offers = OFFERS
  return nsqd
}

async function startLookupd(...nsqds: string[]): Promise<FakeLookupd> {
  const lookupd = await FakeLookupd.start(...nsqds)
  closers.push(() => lookupd.close())
  return lookupd
}

interface Seen {
  messages: Buffer[]
  refusals: NsqError[]
  ends: NsqError[]
}

async function connect(
  address: string,
  options: ConnectionOptions = {},
): Promise<{ connection: Connection; seen: Seen }> {
  const seen: Seen = { messages: [], refusals: [], ends: [] }
  const handler = {
    message: (bytes: Buffer, start: number, end: number) =>
      void seen.messages.push(bytes.subarray(start, end)),
    refused: (error: NsqError) => void seen.refusals.push(error),
    closed: (error: NsqError) => void seen.ends.push(error),
  }
  const signal = new AbortController().signal
  const connection = await Connection.open(address, resolveConnectionOptions(options), handler, {}, signal)
  closers.push(() => connection.end())
  return { connection, seen }
}

function consume(options: Partial<ConsumerOptions>): Message[] {
  const messages: Message[] = []
  const consumer = new Consumer({
    topic: 't',
    channel: 'c',
    maxInFlight: 10,
    ...QUICK,
    onMessage: (message: Message) => void messages.push(message),
    ...options,
  })
  closers.push(() => consumer.close(0))
  consumer.start().catch(() => {})
  return messages
}

function produce(options: ConstructorParameters<typeof Producer>[0]): Producer {
  const producer = new Producer({ ...QUICK, ...options })
  closers.push(() => producer.close(0))
  return producer
}

/** `data` as the message frame of an nsqd. */
function messageFrame(data: Buffer): Buffer {
  const frame = Buffer.alloc(8 + data.length)
  frame.writeUInt32BE(4 + data.length, 0)
  frame.writeUInt32BE(2, 4)
  data.copy(frame, 8)
  return frame
}

test("a frame's size leaves out its own 4 bytes; a frame in many chunks is never joined chunk by chunk", async () => {
  const nsqd = await startNsqd()
  const { connection, seen } = await connect(nsqd.address)
  const [session] = nsqd.open
  const asked = connection.request(sub('t', 'c'))
  await until(() => session?.commands.at(-1) === 'SUB t c')
  await asked
  const data = Buffer.alloc(16 * 1024 * 1024, 'abcdefgh')
  const bytes = Buffer.concat([messageFrame(data), messageFrame(data.subarray(0, 30)), HEARTBEAT_FRAME])
  const concat = mock.method(Buffer, 'concat')
  for (let at = 0; at < bytes.length; at += 65_536) session?.socket.write(bytes.subarray(at, at + 65_536))
  await until(() => session?.commands.at(-1) === 'NOP')
  assert.equal(seen.messages.length, 2)
  assert.ok(seen.messages[0]?.equals(data))
  assert.ok(seen.messages[1]?.equals(data.subarray(0, 30)))
  // No more than a header that fell between two chunks.
  const joined = concat.mock.calls.reduce((sum, call) => sum + (call.result?.length ?? 0), 0)
  assert.ok(joined < 1000, `${joined} bytes`)
})

test('timestamp is a bigint of nanoseconds, attempts unsigned, the id 16 ASCII bytes, the body stays bytes', async () => {
  const nsqd = await startNsqd()
  const messages = consume({ nsqd: nsqd.address, maxAttempts: 0 })
  await until(() => nsqd.open[0]?.ready === 10)
  const timestamp = 1_700_000_000_123_456_789n
  const body = Buffer.from([0, 0xff, 0x80, 0xc3, 0x28, 10])
  const data = Buffer.alloc(26 + body.length)
  data.writeBigInt64BE(timestamp, 0)
  data.writeUInt16BE(65_535, 8)
  data.write('0fedcba987654321', 10, 'latin1')
  body.copy(data, 26)
  nsqd.open[0]?.write(messageFrame(data))
  await until(() => messages.length === 1)
  const [message] = messages
  assert.equal(message?.timestamp, timestamp)
  assert.equal(message.attempts, 65_535)
  assert.equal(message.id, '0fedcba987654321')
  assert.deepEqual(message.body, body)
  message.finish()
  await until(() => nsqd.open[0]?.commands.includes('FIN 0fedcba987654321') === true)
})

test('E_FIN_FAILED, E_REQ_FAILED and E_TOUCH_FAILED are not fatal', async () => {
  const nsqd = await startNsqd()
  const { connection, seen } = await connect(nsqd.address)
  const id = '0123456789abcdef'
  connection.finish(Buffer.from(id), 0)
  connection.send(fin(id))
  connection.send(req(id, 0))
  connection.send(touch(id))
  nsqd.open[0]?.write(errorFrame(`E_TOUCH_FAILED TOUCH ${id} failed ID not in flight`))
  await until(() => seen.refusals.length === 4)
  assert.deepEqual(seen.refusals.map(error => error.code).toSorted(), [
    'E_FIN_FAILED',
    'E_FIN_FAILED',
    'E_REQ_FAILED',
    'E_TOUCH_FAILED',
  ])
  assert.ok(seen.refusals.every(error => error.remedy?.includes('messageTimeoutMs')))
  assert.equal(await connection.request(pub('t', 'x')), 'OK')
})

for (const { name, options } of LAYERS) {
  test(`heartbeats are answered with NOP: ${name}`, async () => {
    const nsqd = await startNsqd()
    const { connection } = await connect(nsqd.address, options)
    for (let i = 0; i < 3; i++) nsqd.open[0]?.heartbeat()
    await until(() => nsqd.open[0]?.commands.filter(command => command === 'NOP').length === 3)
    assert.equal(connection.isOpen, true)
  })

  test(`everything pending settles on disconnect: ${name}`, async () => {
    const nsqd = await startNsqd()
    const { connection, seen } = await connect(nsqd.address, options)
    nsqd.answerPublish = () => 'silence'
    const asked = [1, 2, 3].map(i => connection.request(pub('t', `${i}`)))
    await until(() => nsqd.published.length === 3)
    nsqd.open[0]?.socket.destroy()
    for (const outcome of await Promise.allSettled(asked)) {
      assert.ok(outcome.status === 'rejected')
      assert.equal(outcome.reason.code, 'E_DISCONNECTED')
    }
    assert.equal(seen.ends.length, 1)
    await assert.rejects(connection.request(pub('t', 'x')), { code: 'E_DISCONNECTED' })
  })

  test(`closing: what was sent before is read, and the connection is closed in order: ${name}`, async () => {
    const nsqd = await startNsqd()
    const { connection } = await connect(nsqd.address, options)
    const [session] = nsqd.open
    await connection.request(sub('t', 'c'))
    await connection.stopMessages()
    for (let i = 0; i < 2000; i++) connection.send(pub('t', 'x'.repeat(100)))
    connection.send(rdy(7))
    await connection.end()
    // It may still have to decode it.
    await until(() => session?.readies.at(-1) === 7)
    assert.equal(nsqd.published.length, 2000)
    await until(() => session?.isOpen === false)
  })
}

test('IPv6 addresses are dialled', async t => {
  const nsqd = await onIPv6(t)
  if (nsqd === undefined) return
  assert.match(nsqd, /^\[::1\]:\d+$/)
  await produce({ nsqd }).publish('t', 'x')
  const messages = consume({ nsqd })
  await until(() => messages.length === 1)
  assert.equal(messages[0]?.nsqd, nsqd)
})

async function onIPv6(t: TestContext): Promise<string | undefined> {
  try {
    return tcp(await daemons.nsqd({ tcpAddress: '[::1]:0' }))
  } catch {
    t.skip('no IPv6 here')
    return undefined
  }
}

test('an nsqd may be behind a unix socket, with any layers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-'))
  closers.push(() => rm(folder, { recursive: true }))
  const nsqd = await startNsqd(join(folder, 'nsqd.sock'))
  for (const { options } of LAYERS) {
    nsqd.queue('in')
    const messages = consume({ ...options, nsqd: nsqd.address })
    await produce({ ...options, nsqd: nsqd.address }).publish('t', 'out')
    await until(() => messages.length === 1)
    assert.equal(messages[0]?.nsqd, nsqd.address)
    messages[0].finish()
    await closers.pop()?.()
    await closers.pop()?.()
  }
  assert.deepEqual(
    nsqd.bodies,
    LAYERS.map(() => 'out'),
  )
})

test("nsqlookupds see the secret as a bearer token, in go-nsq's way, unless told otherwise", async () => {
  const nsqd = await startNsqd()
  nsqd.secret = 'hunter2'
  const lookupd = await startLookupd(nsqd.address)
  const shared = { lookupd: lookupd.address, authSecret: 'hunter2' }
  consume(shared)
  await produce(shared).connect()
  await until(() => lookupd.authorizations.length >= 2)
  assert.deepEqual([...new Set(lookupd.authorizations)], ['Bearer hunter2'])
  const silent = await startLookupd(nsqd.address)
  const quiet = { ...shared, lookupd: silent.address, lookupdAuthorization: false }
  consume(quiet)
  await produce(quiet).connect()
  await until(() => silent.authorizations.length >= 2)
  assert.deepEqual([...new Set(silent.authorizations)], [undefined])
})

test('nsqlookupds over https are trusted as nsqds are', async () => {
  const { ca, server } = await certificates()
  const nsqd = await startNsqd()
  const lookupd = await FakeLookupd.startSecure(server, nsqd.address)
  closers.push(() => lookupd.close())
  const url = `https://${lookupd.address}`
  const messages = consume({ lookupd: url, tls: { ca: ca.cert } })
  nsqd.queue('x')
  await until(() => messages.length === 1)
  const errors: NsqError[] = []
  await assert.rejects(produce({ lookupd: url, onError: error => errors.push(error) }).connect(), {
    code: 'E_LOOKUP',
  })
  assert.match(errors[0]?.message ?? '', /certificate/)
})
