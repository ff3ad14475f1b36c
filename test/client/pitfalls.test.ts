/** What consumers of other libraries get wrong about RDY, backoff, closing and nsqlookupd, seen from nsqd's side. */
import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Discovery } from '../../src/client/discovery.ts'
import type { Message } from '../../src/index.ts'
import { CLOSE_WAIT_FRAME } from '../../src/protocol/frame.ts'
import { pause, until } from '../support/wait.ts'
import { Consuming } from './consumer/consuming.ts'
import { Daemons, http, tcp } from './daemons.ts'
import { FakeLookupd } from './fake-lookupd.ts'
import type { FakeNsqd } from './fake-nsqd.ts'

const consuming = new Consuming()
const daemons = new Daemons()
afterEach(async () => {
  mock.timers.reset()
  await consuming.close()
  await daemons.close()
})

async function startLookupd(...nsqds: FakeNsqd[]): Promise<FakeLookupd> {
  const lookupd = await FakeLookupd.start(...nsqds.map(({ address }) => address))
  return consuming.closing(lookupd)
}

function ready(nsqd: FakeNsqd): number {
  return nsqd.open[0]?.ready ?? 0
}

/** The sums of all RDY counts, whenever one of the nsqds got another. */
function sums(nsqds: FakeNsqd[]): number[] {
  const seen: number[] = []
  for (const nsqd of nsqds) {
    const pump = nsqd.pump.bind(nsqd)
    nsqd.pump = () => {
      seen.push(nsqds.reduce((sum, one) => sum + ready(one), 0))
      pump()
    }
  }
  return seen
}

/** Has the consumer connect to the first alone, and to the second later. */
async function twoNsqds(): Promise<[FakeNsqd, FakeNsqd]> {
  const [first, second] = [await consuming.nsqd(), await consuming.nsqd()]
  await second.close()
  return [first, second]
}

test('maxInFlight is one budget for all connections, and what is already in flight counts against it', async () => {
  const [first, second] = await twoNsqds()
  const held: Message[] = []
  const consumer = consuming.consumer({
    nsqd: [first.address, second.address],
    maxInFlight: 4,
    onMessage: message => held.push(message),
  })
  first.queue('1', '2', '3', '4', '5')
  await consumer.start()
  await until(() => held.length === 4)
  await second.listen()
  second.queue('a', 'b', 'c')
  await until(() => consumer.connections.length === 2)
  // Longer than a message that was sent before may be on its way.
  await pause(400)
  assert.deepEqual([first.inFlight, second.inFlight], [4, 0])
  for (const message of held.splice(0, 2)) message.finish()
  await until(() => second.inFlight === 2)
  assert.equal(first.inFlight, 2)
})

test("the other connections' RDY is lowered before a new one's is raised", async () => {
  const [first, second] = await twoNsqds()
  const all = sums([first, second])
  const consumer = consuming.consumer({
    nsqd: [first.address, second.address],
    maxInFlight: 10,
    onMessage: message => message.finish(),
  })
  await consumer.start()
  await until(() => ready(first) === 10)
  await second.listen()
  await until(() => ready(first) === 5 && ready(second) === 5)
  assert.ok(Math.max(...all) <= 10, all.join())
})

test('with more connections than maxInFlight RDY rotates on a timer, even while they stay busy', async () => {
  const nsqds = [await consuming.nsqd(), await consuming.nsqd(), await consuming.nsqd()]
  for (const nsqd of nsqds) nsqd.queue(...Array.from({ length: 50 }, String))
  const consumer = consuming.consumer({
    nsqd: nsqds.map(({ address }) => address),
    maxInFlight: 1,
    rotateMs: 500,
    handler: async message => {
      await pause(2)
      nsqds.find(({ address }) => address === message.nsqd)?.queue('more')
    },
  })
  await consumer.start()
  await until(() => nsqds.every(({ finished }) => finished.length > 5))
  assert.ok(nsqds.every(({ depth }) => depth > 0))
})

test('nsqd does not count RDY down: it is not sent again for every message', async () => {
  const nsqd = await consuming.nsqd()
  const consumer = consuming.consumer({ nsqd: nsqd.address, maxInFlight: 7, handler() {} })
  nsqd.queue(...Array.from({ length: 100 }, String))
  await consumer.start()
  await until(() => nsqd.finished.length === 100)
  assert.deepEqual(nsqd.open[0]?.readies, [7])
})

test('RDY above max_rdy_count is fatal: it is never sent', async () => {
  const [small, large] = [await consuming.nsqd(), await consuming.nsqd()]
  small.maxReady = 10
  const consumer = consuming.consumer({
    nsqd: [large.address, small.address],
    maxInFlight: 500,
    onMessage() {},
  })
  await consumer.start()
  // What the small one may not have is the large one's.
  await until(() => ready(small) === 10 && ready(large) === 490)
})

test('backoff is one step a window: all connections to RDY 0, a FIN meanwhile raises nothing, then one at RDY 1', async () => {
  const nsqds = [await consuming.nsqd(), await consuming.nsqd()]
  const [a, b] = nsqds
  assert.ok(a && b)
  a.redelivers = false
  const held: Message[] = []
  const consumer = consuming.consumer({
    nsqd: nsqds.map(({ address }) => address),
    maxInFlight: 8,
    maxBackoffMs: 120_000,
    backoffMultiplierMs: 200,
    onMessage: message => held.push(message),
  })
  await consumer.start()
  await until(() => ready(a) === 4 && ready(b) === 4)
  a.queue('1', '2', '3', '4')
  b.queue('5', '6', '7', '8')
  await until(() => held.length === 8)
  const all = sums(nsqds)
  const [first, second, third, ...others] = held
  const begun = performance.now()
  first?.requeue()
  second?.requeue()
  third?.requeue()
  await until(() => ready(a) === 0 && ready(b) === 0)
  for (const message of others) message.finish()
  await until(() => a.finished.length + b.finished.length === 5)
  await until(() => ready(a) + ready(b) === 1)
  // Three failures in one window were one step: the first wait is twice the multiplier.
  assert.ok(performance.now() - begun >= 390)
  assert.equal(Math.max(...all.slice(all.indexOf(0))), 1)
  held.length = 0
  nsqds.find(nsqd => ready(nsqd) === 1)?.queue('probe')
  await until(() => held.length === 1)
  held[0]?.finish()
  await until(() => ready(a) === 4 && ready(b) === 4)
})

test('closing: CLS, what is in flight is finished, CLOSE_WAIT is awaited, then the connection ends', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const consumer = consuming.consumer({ nsqd: nsqd.address, onMessage: message => held.push(message) })
  nsqd.queue('1')
  await consumer.start()
  await until(() => held.length === 1)
  const [session] = nsqd.open
  assert.ok(session)
  session.CLS = () => session.commands.push('CLS')
  let isClosed = false
  const closed = consumer.close().then(() => (isClosed = true))
  await until(() => session.commands.includes('CLS'))
  held[0]?.finish()
  await until(() => nsqd.finished.length === 1)
  await pause(20)
  assert.equal(isClosed || !session.isOpen, false)
  session.socket.write(CLOSE_WAIT_FRAME)
  await closed
  assert.deepEqual(session.commands.slice(-2), ['CLS', `FIN ${held[0]?.id}`])
  assert.equal(await consumer.close(), undefined)
})

test('what comes after CLS is given back', async () => {
  const nsqd = await consuming.nsqd()
  const held: Message[] = []
  const consumer = consuming.consumer({ nsqd: nsqd.address, onMessage: message => held.push(message) })
  nsqd.queue('1')
  await consumer.start()
  await until(() => held.length === 1)
  const [session] = nsqd.open
  void consumer.close()
  await until(() => session?.commands.includes('CLS') === true)
  // It was on its way already.
  session?.deliver({ id: '00000000000000aa', attempts: 0, body: 'late' })
  await until(() => nsqd.requeued.length === 1)
  assert.deepEqual(nsqd.requeued, [{ body: 'late', delayMs: 0 }])
  held[0]?.finish()
  await consumer.close()
})

test('a lookup that failed is asked again soon, not only at the next poll', async () => {
  const nsqd = await consuming.nsqd()
  const lookupd = await startLookupd(nsqd)
  lookupd.reply = () => ({ status: 500, body: '{"message":"INTERNAL_ERROR"}' })
  const consumer = consuming.consumer({
    lookupd: lookupd.address,
    lookupPollIntervalMs: 3_600_000,
    onMessage() {},
  })
  await assert.rejects(consumer.start(), { code: 'E_LOOKUP' })
  lookupd.reply = undefined
  await until(() => consumer.connections.length === 1)
})

test('lookups are jittered: many consumers that were started together do not ask together for ever', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const asked: number[] = []
  let now = 0
  const discovery = new Discovery({
    pollIntervalMs: 1000,
    query: async () => {
      asked.push(now)
      return { value: [], warnings: [] }
    },
    found() {},
    failed() {},
  })
  await discovery.start()
  for (; now < 12_000; now += 10) {
    mock.timers.tick(10)
    await setImmediate()
  }
  discovery.stop()
  const waits = asked.slice(1).map((time, i) => time - (asked[i] ?? 0))
  assert.ok(waits.length >= 8, asked.join())
  assert.ok(
    waits.every(wait => wait >= 980 && wait <= 1320),
    waits.join(),
  )
  assert.ok(new Set(waits).size > 1)
})

test('the bare reply of nsqlookupd is understood, and the old envelope {status_code, data}', async () => {
  const nsqds = [await consuming.nsqd(), await consuming.nsqd()]
  const lookupds = [await startLookupd(...nsqds.slice(0, 1)), await startLookupd()]
  const [, old] = lookupds
  assert.ok(old)
  const data = {
    channels: [],
    producers: [{ broadcast_address: '127.0.0.1', tcp_port: nsqds[1]?.port, http_port: 1 }],
  }
  old.reply = () => ({ status: 200, body: JSON.stringify({ status_code: 200, status_txt: 'OK', data }) })
  const consumer = consuming.consumer({
    lookupd: lookupds.map(({ address }) => address),
    maxInFlight: 2,
    onMessage() {},
  })
  await consumer.start()
  await until(() => consumer.connections.length === 2)
})

test('a tombstoned nsqd is not connected to, and not again when its connection ends', async () => {
  const nsqlookupd = await daemons.nsqlookupd()
  const registered = { lookupdTcpAddress: [tcp(nsqlookupd)], broadcastAddress: '127.0.0.1' }
  const nsqd = await daemons.nsqd(registered)
  await nsqd.publish('t', [Buffer.from('1')], 0)
  const seen: string[] = []
  const options = {
    lookupd: http(nsqlookupd),
    lookupPollIntervalMs: 20,
    onMessage: (message: Message): void => {
      seen.push(message.body.toString())
      message.finish()
    },
  }
  const first = consuming.consumer(options)
  await first.start()
  await until(() => seen.length === 1)
  const node = `127.0.0.1:${nsqd.httpAddress.port}`
  const url = `http://${http(nsqlookupd)}/topic/tombstone?topic=t&node=${encodeURIComponent(node)}`
  assert.equal((await fetch(url, { method: 'POST' })).status, 200)
  const second = consuming.consumer(options)
  await second.start()
  assert.deepEqual(second.connections, [])
  // The connection there is stays, as the tombstone is only about who comes.
  assert.deepEqual(first.connections, [tcp(nsqd)])
  // Until the first consumer has asked again it comes back.
  let lastSeen = performance.now()
  await until(() => {
    for (const session of nsqd.sessions) session.destroy()
    if (nsqd.sessions.size > 0 || first.connections.length > 0) lastSeen = performance.now()
    return performance.now() - lastSeen > 200
  })
  assert.deepEqual([first.connections, second.connections], [[], []])
})
