import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import type { ShownMessage } from '../../../src/nsqadmin/live-types.ts'
import { http, tcp } from '../../client/daemons.ts'
import { startAuth } from '../../nsqd/fake-auth.ts'
import { startSecuredNsqd } from '../../support/secured-nsqd.ts'
import { pause, until } from '../../support/wait.ts'
import { daemonsOf, type EventReader, LiveRig, messageOf, publish } from './rig.ts'

/** An nsqd that has the topic `orders` with the channel `mail`. */
async function nsqdWithOrders(t: Parameters<typeof daemonsOf>[0]): Promise<Nsqd> {
  const nsqd = await daemonsOf(t).nsqd()
  nsqd.topic('orders').channel('mail')
  return nsqd
}

function shown(stream: EventReader): ShownMessage[] {
  return stream.of('messages').flatMap(({ messages }) => messages)
}

function skipped(stream: EventReader): number {
  return stream.of('messages').reduce((sum, update) => sum + update.skipped, 0)
}

function channels(nsqd: Nsqd): string[] {
  return [...(nsqd.topics.get('orders')?.channels.keys() ?? [])]
}

/** Lets as much time pass as several looks take: watches look as often as live views do. */
async function someLooks(rig: LiveRig): Promise<void> {
  const stream = await rig.stream('/api/live?view=counter')
  await until(() => stream.events.length > 5)
  stream.close()
}

test('messages are shown as they come, and taken from nobody', async t => {
  const nsqd = await nsqdWithOrders(t)
  await publish(nsqd, 'orders', 'before')
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  const ready = await stream.next('ready')
  assert.deepEqual(ready.nsqds, [http(nsqd)])
  assert.match(ready.channel, /^nsqadmin-[0-9a-f]{8}#ephemeral$/)
  assert.deepEqual(ready.warnings, [])
  const before = Date.now()
  await publish(nsqd, 'orders', 'one', 'two')
  await until(() => shown(stream).length === 2)
  const [one, two] = shown(stream)
  assert.deepEqual([one?.body, two?.body], ['one', 'two'])
  assert.equal(one?.encoding, 'utf8')
  assert.equal(one?.size, 3)
  assert.equal(one?.attempts, 1)
  assert.equal(one?.node, http(nsqd))
  assert.match(one?.id ?? '', /^[0-9a-f]{16}$/)
  assert.ok(Math.abs(Number(BigInt(one?.timestamp ?? 0) / 1_000_000n) - before) < 60_000)
  assert.equal(nsqd.topics.get('orders')?.channels.get('mail')?.depth, 3)
  assert.equal(rig.live.status.watches, 1)
  stream.close()
  await until(() => channels(nsqd).length === 1)
  assert.deepEqual(channels(nsqd), ['mail'])
  assert.equal(rig.live.status.watches, 0)
})

test('a topic that is not there is not created, and is watched when it comes', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=ordres')
  const missing = await stream.next('missing')
  assert.equal(missing.what, 'topic')
  await someLooks(rig)
  assert.deepEqual([...nsqd.topics.keys()], ['orders'])
  assert.equal(stream.of('missing').length, 1)
  nsqd.topic('ordres').channel('mail')
  await stream.next('ready')
  await publish(nsqd, 'ordres', 'here')
  await until(() => shown(stream).length === 1)
})

test('a topic that only an nsqd may have that does not answer', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd, '127.0.0.1:1'] })
  const stream = await rig.stream('/api/watch?topic=ordres')
  const failed = await stream.next('failed')
  assert.equal(failed.message, 'no nsqd that answers has a topic ordres')
  assert.match(failed.warnings[1]?.message ?? '', /127\.0\.0\.1:1.* cannot be reached/)
  assert.deepEqual([...nsqd.topics.keys()], ['orders'])
})

test('a watch goes on while nsqlookupd is away', async t => {
  const daemons = daemonsOf(t)
  const lookupd = await daemons.nsqlookupd()
  const nsqd = await daemons.nsqd({ lookupdTcpAddress: [tcp(lookupd)] })
  nsqd.topic('orders').channel('mail')
  await until(() => lookupd.registry.producersOf('orders').length === 1)
  const rig = await LiveRig.start(t, { lookupds: [http(lookupd)] })
  const stream = await rig.stream('/api/watch?topic=orders')
  await stream.next('ready')
  await lookupd.close()
  const ready = await stream.next('ready', ({ warnings }) => warnings.length > 0)
  assert.deepEqual(ready.nsqds, [http(nsqd)])
  await publish(nsqd, 'orders', 'still there')
  await until(() => shown(stream).length === 1)
})

test('where a topic has no channel yet, its messages wait for the first, and are not taken', async t => {
  const daemons = daemonsOf(t)
  const [with_, without] = [await daemons.nsqd(), await daemons.nsqd()]
  await publish(without, 'orders', 'precious')
  const rig = await LiveRig.start(t, { nsqds: [with_, without] })
  const stream = await rig.stream('/api/watch?topic=orders')
  const failed = await stream.next('failed')
  assert.match(failed.message, /orders has no channel/)
  assert.match(failed.warnings[0]?.remedy ?? '', /Create a channel/)
  // One nsqd that can be watched is.
  with_.topic('orders').channel('mail')
  const ready = await stream.next('ready')
  assert.deepEqual(ready.nsqds, [http(with_)])
  assert.match(ready.warnings[0]?.message ?? '', /has no channel at/)
  assert.equal(without.topics.get('orders')?.depth, 1)
  assert.deepEqual(channels(without), [])
  without.topic('orders').channel('mail')
  await stream.next('ready', ({ nsqds }) => nsqds.length === 2)
  assert.equal(without.topics.get('orders')?.channels.get('mail')?.depth, 1)
  // The last channel but ours: what comes now has to wait again.
  without.deleteChannel('orders', 'mail')
  const count = stream.of('ready').length
  await until(() =>
    stream
      .of('ready')
      .slice(count)
      .some(({ nsqds }) => nsqds.length === 1),
  )
  await until(() => channels(without).length === 0)
})

test('another watch is no channel that messages could wait in', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const [a, b] = [await rig.stream('/api/watch?topic=orders'), await rig.stream('/api/watch?topic=orders')]
  await a.next('ready')
  await b.next('ready')
  assert.equal(channels(nsqd).length, 3)
  nsqd.deleteChannel('orders', 'mail')
  await a.next('failed')
  await b.next('failed')
  await until(() => channels(nsqd).length === 0)
})

test('a topic that is deleted while it is watched stays deleted', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  await stream.next('ready')
  nsqd.deleteTopic('orders')
  await stream.next('missing')
  await someLooks(rig)
  assert.deepEqual([...nsqd.topics.keys()], [])
  // And made again:
  nsqd.topic('orders').channel('mail')
  await until(() => stream.of('ready').length === 2)
  await publish(nsqd, 'orders', 'again')
  await until(() => shown(stream).length === 1)
})

test('a channel of ours that somebody deletes is made again', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  const { channel } = await stream.next('ready')
  nsqd.deleteChannel('orders', channel)
  await until(() => channels(nsqd).length === 1)
  await until(() => channels(nsqd).length === 2)
  await until(() => (nsqd.topics.get('orders')?.channels.get(channel)?.sessions.size ?? 0) === 1)
  await publish(nsqd, 'orders', 'still there')
  await until(() => shown(stream).length === 1)
})

test('an nsqd that goes and comes back', async t => {
  const daemons = daemonsOf(t)
  const dataPath = await daemons.directory()
  const [stays, goes] = [await daemons.nsqd(), await daemons.nsqd({ dataPath })]
  for (const nsqd of [stays, goes]) nsqd.topic('orders').channel('mail')
  const where = { httpAddress: http(goes) }
  const rig = await LiveRig.start(t, { nsqds: [stays, goes] })
  const stream = await rig.stream('/api/watch?topic=orders')
  await stream.next('ready', ({ nsqds }) => nsqds.length === 2)
  await goes.close()
  const without = await stream.next(
    'ready',
    ({ nsqds, warnings }) => nsqds.length === 1 && warnings.length > 0,
  )
  assert.deepEqual(without.nsqds, [http(stays)])
  const back = await daemons.nsqd({ dataPath, ...where })
  await until(() => stream.of('ready').at(-1)?.nsqds.length === 2)
  await publish(back, 'orders', 'back')
  await until(() => shown(stream).length === 1)
})

test('an nsqd that wants a secret', async t => {
  const auth = await startAuth(t)
  const nsqd = await daemonsOf(t).nsqd({ authHttpAddress: [auth.address] })
  nsqd.topic('orders').channel('mail')
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  const failed = await stream.next('failed')
  assert.match(failed.message, /wants to know who connects/)
  assert.match(failed.warnings[0]?.remedy ?? '', /without a secret.*nsq-ts tail --topic orders --auth-secret/)
  assert.deepEqual(channels(nsqd), ['mail'])
})

test('an nsqd that wants TLS', async t => {
  const secured = await startSecuredNsqd({ tlsRequired: 'tcp-https', authHttpAddress: [] })
  t.after(() => secured.close())
  secured.nsqd.topic('orders').channel('mail')
  const rig = await LiveRig.start(t, { nsqds: [secured.nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  const failed = await stream.next('failed')
  assert.match(failed.message, /TLS required/)
  assert.match(failed.warnings[0]?.remedy ?? '', /without TLS.*nsq-ts tail --topic orders --tls/)
})

test('bodies that are binary, or large, or markup', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders')
  await stream.next('ready')
  const binary = Buffer.from([0, 1, 254, 255])
  const markup = '<img src=x onerror=alert(1)>\n\nevent: ready\u2028'
  const text = 'ä'.repeat(500_000)
  await publish(nsqd, 'orders', binary, markup, text)
  await until(() => shown(stream).length === 3)
  const [first, second, third] = shown(stream)
  assert.deepEqual([first?.encoding, first?.body, first?.size], ['base64', binary.toString('base64'), 4])
  assert.equal(second?.body, markup)
  assert.equal(third?.size, 1_000_000)
  assert.equal(third?.body, text.slice(0, 32 * 1024))
})

test('more than can be shown: the newest are, and the rest is counted', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/watch?topic=orders&rate=10')
  await stream.next('ready')
  const bodies = Array.from({ length: 20_000 }, (_, i) => `message ${i}`)
  for (let i = 0; i < bodies.length; i += 1000) {
    await publish(nsqd, 'orders', ...bodies.slice(i, i + 1000))
    await pause(20)
  }
  // All are gone from the channel, whether they were received or not.
  const { channel } = await stream.next('ready')
  await until(() => nsqd.topics.get('orders')?.channels.get(channel)?.depth === 0)
  await publish(nsqd, 'orders', 'the last')
  await until(() => shown(stream).some(({ body }) => body === 'the last'))
  const numbers = shown(stream)
    .filter(({ body }) => body !== 'the last')
    .map(({ body }) => Number(body.slice(8)))
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
  )
  assert.ok(shown(stream).length < 100, `${shown(stream).length} were shown`)
  assert.ok(skipped(stream) > 10_000, `${skipped(stream)} were skipped`)
  assert.equal(nsqd.topics.get('orders')?.channels.get('mail')?.depth, 20_001)
})

test('there are 32 watches at most', async t => {
  const nsqd = await nsqdWithOrders(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const streams = await Promise.all(Array.from({ length: 32 }, () => rig.stream('/api/watch?topic=orders')))
  await until(() => rig.live.status.watches === 32)
  const refused = await rig.get('/api/watch?topic=orders')
  assert.equal(refused.status, 503)
  assert.match(messageOf(refused), /^TOO_MANY_WATCHES: /)
  for (const stream of streams) stream.close()
  await until(() => rig.live.status.watches === 0)
  await until(() => channels(nsqd).length === 1)
})

test('what is asked for must be the name of a topic, and a rate', async t => {
  const rig = await LiveRig.start(t, { nsqds: ['127.0.0.1:1'] })
  for (const path of [
    '/api/watch',
    '/api/watch?topic=a%20b',
    '/api/watch?topic=a&rate=0',
    '/api/watch?topic=a&rate=201',
  ]) {
    assert.equal((await rig.get(path)).status, 400, path)
  }
})
