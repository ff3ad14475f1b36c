import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consumer } from '../../../src/client/consumer/consumer.ts'
import { Producer } from '../../../src/client/producer/producer.ts'
import type { Numbers } from '../../../src/nsqadmin/live-types.ts'
import { http, tcp } from '../../client/daemons.ts'
import { until } from '../../support/wait.ts'
import { daemonsOf, LiveRig, messageOf, publish } from './rig.ts'

test('all topics: first every row, then what has changed', async t => {
  const daemons = daemonsOf(t)
  const [a, b] = [await daemons.nsqd(), await daemons.nsqd()]
  await publish(a, 'orders', 'one', 'two')
  await publish(b, 'orders', 'three')
  await publish(b, 'quiet', 'x')
  b.topics.get('orders')?.channel('mail').pause()
  const rig = await LiveRig.start(t, { nsqds: [a, b] })
  const stream = await rig.stream('/api/live?view=topics')
  const first = await stream.next('topics')
  assert.equal(first.whole, true)
  assert.equal(first.nodes, 2)
  assert.deepEqual(first.warnings, [])
  assert.deepEqual(
    first.rows.map(({ topic, depth, messages, channels, pausedChannels, nsqds }) => ({
      topic,
      depth,
      messages,
      channels,
      pausedChannels,
      nsqds,
    })),
    [
      { topic: 'orders', depth: 3, messages: 3, channels: 1, pausedChannels: 1, nsqds: 2 },
      { topic: 'quiet', depth: 1, messages: 1, channels: 0, pausedChannels: 0, nsqds: 1 },
    ],
  )
  // From the second look on rates are known.
  await stream.next('topics', ({ whole }) => !whole)
  await publish(a, 'orders', 'four')
  const later = await stream.next('topics', ({ rows }) => rows.some(row => row.messages === 4))
  assert.equal(later.whole, false)
  assert.deepEqual(
    later.rows.map(({ topic }) => topic),
    ['orders'],
  )
  const [row] = later.rows
  assert.ok(row?.rateIn !== null && row !== undefined && row.rateIn > 0)
  a.deleteTopic('orders')
  b.deleteTopic('orders')
  const last = await stream.next('topics', ({ removed }) => removed.length > 0)
  assert.deepEqual(last.removed, ['orders'])
  assert.deepEqual(last.rows, [])
})

test('a stream that comes later gets everything at once, with its past', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  await publish(nsqd, 'orders', 'one')
  const rig = await LiveRig.start(t, { nsqds: [nsqd], pollInterval: 60_000 })
  const early = await rig.stream('/api/live?view=topics')
  await early.next('topics')
  // The next look is in a minute.
  const late = await rig.stream('/api/live?view=topics')
  const update = await late.next('topics')
  assert.equal(update.whole, true)
  assert.equal(update.rows.length, 1)
  assert.equal(update.trends?.time.length, 1)
  assert.deepEqual(update.trends?.depths, [['orders', [1]]])
  const other = await rig.stream('/api/live?view=topic&topic=orders')
  assert.equal((await other.next('topic')).topic.depth, 1)
  const channel = await rig.stream('/api/live?view=nodes')
  assert.equal((await channel.next('nodes')).rows.length, 1)
})

test('a topic: its channels, its nsqds, and what is in no channel', async t => {
  const daemons = daemonsOf(t)
  const [a, b] = [await daemons.nsqd(), await daemons.nsqd()]
  await publish(a, 'orders', 'one', 'two')
  const topic = b.topic('orders')
  topic.channel('mail')
  topic.channel('bills').pause()
  await publish(b, 'orders', 'three')
  const rig = await LiveRig.start(t, { nsqds: [a, b] })
  const stream = await rig.stream('/api/live?view=topic&topic=orders')
  const update = await stream.next('topic')
  assert.equal(update.topic.depth, 4)
  assert.equal(update.undistributed, 2)
  assert.deepEqual(
    update.channels.map(({ channel, depth, nsqds, paused }) => ({ channel, depth, nsqds, paused })),
    [
      { channel: 'bills', depth: 1, nsqds: 1, paused: true },
      { channel: 'mail', depth: 1, nsqds: 1, paused: false },
    ],
  )
  assert.deepEqual(
    update.nodes
      .map(({ node, depth, messages }) => ({ node, depth, messages }))
      .sort((x, y) => y.messages - x.messages),
    [
      { node: http(a), depth: 2, messages: 2 },
      { node: http(b), depth: 2, messages: 1 },
    ],
  )
})

test('a channel: its clients, and what they finish', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  await publish(nsqd, 'orders', 'one')
  const consumer = new Consumer({ topic: 'orders', channel: 'mail', nsqd: tcp(nsqd), handler() {} })
  t.after(() => consumer.close(0))
  await consumer.start()
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/live?view=channel&topic=orders&channel=mail')
  const update = await stream.next('channel', ({ clients }) => clients[0]?.finished === 1)
  assert.equal(update.channel.clients, 1)
  assert.equal(update.channel.depth, 0)
  assert.equal(update.clients[0]?.node, http(nsqd))
  assert.match(update.clients[0]?.userAgent ?? '', /^nsq-ts/)
  await publish(nsqd, 'orders', 'two', 'three')
  const later = await stream.next('channel', ({ clients }) => clients[0]?.finished === 3)
  assert.equal(later.nodes.length, 1)
  await stream.next('channel', ({ channel }) => (channel.rateOut ?? 0) > 0)

  // Why nothing comes in is seen where one looks.
  assert.equal(later.topicPaused, false)
  nsqd.topics.get('orders')?.pause()
  await stream.next('channel', ({ topicPaused }) => topicPaused)

  // The same consumer, at its nsqd.
  const node = await rig.stream(`/api/live?view=node&node=${http(nsqd)}`)
  const { consumers } = await node.next('node', ({ consumers }) => consumers[0]?.finished === 3)
  assert.deepEqual(
    consumers.map(({ topic, channel, remoteAddress }) => ({ topic, channel, remoteAddress })),
    later.clients.map(({ remoteAddress }) => ({ topic: 'orders', channel: 'mail', remoteAddress })),
  )
})

const lossesOf = ({ refused, dropped, expired }: Numbers): number[] => [refused, dropped, expired]

test('what was lost is counted, and a channel that nobody reads is warned of', async t => {
  const daemons = daemonsOf(t)
  const limits = { maxChannelDepth: 2, overflow: 'drop-oldest' } as const
  const [limited, refusing] = [
    await daemons.nsqd({ ...limits, orphanAfter: 20 }),
    await daemons.nsqd({ maxChannelDepth: 2 }),
  ]
  for (const nsqd of [limited, refusing]) {
    nsqd.topic('orders').channel('mail')
    await publish(nsqd, 'orders', 'one', 'two')
    await publish(nsqd, 'orders', 'three').catch(() => {})
  }
  limited.topic('orders').channel('read').empty()
  const rig = await LiveRig.start(t, { nsqds: [limited, refusing] })
  const warnings = [
    {
      message: '1 channel is orphaned: orders/mail',
      remedy:
        'Messages wait, and no consumer has come for --orphan-after of nsqd: delete what is not needed.',
    },
  ]
  const stream = await rig.stream('/api/live?view=topic&topic=orders')
  const update = await stream.next('topic', ({ warnings: all }) => all.length > 0)
  assert.deepEqual(update.warnings, warnings)
  assert.deepEqual(lossesOf(update.topic), [1, 1, 0])
  assert.deepEqual(
    update.channels.map(row => [row.channel, row.orphaned, ...lossesOf(row)]),
    [
      ['mail', true, 0, 1, 0],
      ['read', false, 0, 0, 0],
    ],
  )
  const channel = await rig.stream('/api/live?view=channel&topic=orders&channel=mail')
  assert.deepEqual((await channel.next('channel')).warnings, warnings)
  // The list of topics is told when a number changes that was all that did.
  const topics = await rig.stream('/api/live?view=topics')
  await topics.next('topics')
  await publish(refusing, 'orders', 'four').catch(() => {})
  await topics.next('topics', ({ rows }) => rows[0]?.refused === 2)
})

test('what is missing says so, names what is near, and shows up when it comes', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  await publish(nsqd, 'orders', 'one')
  nsqd.topics.get('orders')?.channel('mail')
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const topic = await rig.stream('/api/live?view=topic&topic=ordres')
  const missing = await topic.next('missing')
  assert.equal(missing.what, 'topic')
  assert.deepEqual(missing.near, ['orders'])
  const channel = await rig.stream('/api/live?view=channel&topic=orders&channel=mial')
  assert.deepEqual(await channel.next('missing').then(({ what, near }) => ({ what, near })), {
    what: 'channel',
    near: ['mail'],
  })
  const both = await rig.stream('/api/live?view=channel&topic=ordres&channel=mail')
  assert.equal((await both.next('missing')).what, 'topic')
  const node = await rig.stream('/api/live?view=node&node=127.0.0.1:1')
  assert.equal((await node.next('missing')).what, 'node')
  await publish(nsqd, 'ordres', 'x')
  await topic.next('topic', ({ topic: { depth } }) => depth === 1)
  // Nothing that was asked for has come into being.
  assert.deepEqual([...nsqd.topics.keys()].sort(), ['orders', 'ordres'])
})

test('a topic that is deleted and made again while it is watched', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  await publish(nsqd, 'orders', 'one', 'two', 'three')
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const stream = await rig.stream('/api/live?view=topic&topic=orders')
  await stream.next('topic', ({ topic }) => topic.messages === 3)
  nsqd.deleteTopic('orders')
  await stream.next('missing')
  await publish(nsqd, 'orders', 'again')
  const again = await stream.next('topic', ({ topic }) => topic.messages === 1)
  // Its counters began anew: there is no rate yet, and never one below 0.
  assert.ok(again.topic.rateIn === null || again.topic.rateIn >= 0)
  assert.ok(stream.of('topic').every(({ topic }) => (topic.rateIn ?? 0) >= 0))
})

test('a topic that nsqlookupd alone knows is there, without nsqds', async t => {
  const daemons = daemonsOf(t)
  const lookupd = await daemons.nsqlookupd()
  const nsqd = await daemons.nsqd({ lookupdTcpAddress: [tcp(lookupd)] })
  await publish(nsqd, 'orders', 'one')
  lookupd.registry.createChannel('planned', 'mail')
  await until(() => lookupd.registry.topics().includes('orders'))
  const rig = await LiveRig.start(t, { lookupds: [http(lookupd)] })
  const topics = await rig.stream('/api/live?view=topics')
  const { rows } = await topics.next('topics', update => update.rows.length === 2)
  assert.deepEqual(
    rows.map(({ topic, nsqds }) => ({ topic, nsqds })),
    [
      { topic: 'orders', nsqds: 1 },
      { topic: 'planned', nsqds: 0 },
    ],
  )
  const topic = await rig.stream('/api/live?view=topic&topic=planned')
  const update = await topic.next('topic')
  assert.deepEqual(update.nodes, [])
  assert.deepEqual(
    update.channels.map(({ channel }) => channel),
    ['mail'],
  )
  const channel = await rig.stream('/api/live?view=channel&topic=planned&channel=mail')
  assert.equal((await channel.next('channel')).channel.nsqds, 0)
})

test('nodes, one that does not answer among them, and who publishes at one', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  const producer = new Producer({ nsqd: tcp(nsqd) })
  t.after(() => producer.close(0))
  await producer.publish('orders', 'one')
  const rig = await LiveRig.start(t, { nsqds: [nsqd, '127.0.0.1:1'] })
  const nodes = await rig.stream('/api/live?view=nodes')
  const { rows, warnings } = await nodes.next('nodes')
  const ours = rows.find(({ node }) => node === http(nsqd))
  assert.ok(ours !== undefined)
  assert.equal(ours.health, 'OK')
  assert.equal(ours.depth, 1)
  assert.equal(ours.tcpAddress, tcp(nsqd))
  assert.equal(ours.error, null)
  const dead = rows.find(({ node }) => node === '127.0.0.1:1')
  assert.match(dead?.error ?? '', /127\.0\.0\.1:1.* cannot be reached/)
  assert.equal(dead?.health, null)
  assert.equal(warnings.length, 1)
  const node = await rig.stream(`/api/live?view=node&node=${http(nsqd)}`)
  const update = await node.next('node')
  assert.deepEqual(
    update.topics.map(({ topic, depth }) => ({ topic, depth })),
    [{ topic: 'orders', depth: 1 }],
  )
  assert.deepEqual(
    update.producers.map(({ published }) => published),
    [1],
  )
  assert.equal(update.node.error, null)
  const deadNode = await rig.stream('/api/live?view=node&node=127.0.0.1:1')
  assert.match((await deadNode.next('node')).node.error ?? '', /cannot be reached/)
})

test('an nsqd that goes and comes back', async t => {
  const daemons = daemonsOf(t)
  const dataPath = await daemons.directory()
  const [stays, goes] = [await daemons.nsqd(), await daemons.nsqd({ dataPath })]
  await publish(stays, 'orders', 'one')
  await publish(goes, 'orders', 'two', 'three')
  const httpAddressOfIt = http(goes)
  const rig = await LiveRig.start(t, { nsqds: [stays, goes] })
  const stream = await rig.stream('/api/live?view=topic&topic=orders')
  const counter = await rig.stream('/api/live?view=counter')
  await stream.next('topic', ({ topic }) => topic.nsqds === 2)
  await goes.close()
  const without = await stream.next('topic', ({ topic }) => topic.nsqds === 1)
  assert.equal(without.topic.depth, 1)
  assert.equal(without.warnings.length, 1)
  await daemons.nsqd({ dataPath, httpAddress: httpAddressOfIt })
  const count = stream.of('topic').length
  await until(() =>
    stream
      .of('topic')
      .slice(count)
      .some(({ topic }) => topic.nsqds === 2 && topic.depth === 3),
  )
  assert.ok(stream.of('topic').every(({ topic }) => (topic.rateIn ?? 0) >= 0))
  const finished = counter.of('counter').map(update => update.finished)
  assert.deepEqual(
    finished,
    finished.toSorted((x, y) => x - y),
  )
})

test('when nobody answers the stream says so, and goes on', async t => {
  const daemons = daemonsOf(t)
  const first = await daemons.nsqd()
  const address = http(first)
  await first.close()
  const rig = await LiveRig.start(t, { nsqds: [address] })
  const stream = await rig.stream('/api/live?view=topics')
  const failed = await stream.next('failed')
  assert.match(failed.message, /cannot be reached/)
  assert.ok(failed.warnings[0]?.remedy)
  const second = await daemons.nsqd({ httpAddress: address })
  await publish(second, 'orders', 'one')
  const update = await stream.next('topics', ({ rows }) => rows.length === 1)
  assert.equal(update.rows[0]?.topic, 'orders')
})

test('there are 256 streams at most', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const streams = await Promise.all(Array.from({ length: 256 }, () => rig.stream('/api/live?view=counter')))
  await until(() => rig.live.status.streams === 256)
  assert.deepEqual(await rig.get('/api/live?view=topics'), {
    status: 503,
    body: { message: 'TOO_MANY_STREAMS' },
  })
  for (const stream of streams) await stream.next('counter')
  streams[0]?.close()
  await until(() => rig.live.status.streams === 255)
  const next = await rig.stream('/api/live?view=topics')
  await next.next('topics')
  for (const stream of streams) stream.close()
  next.close()
  await until(() => rig.live.status.streams === 0)
})

test('many views that ask, of many channels, each gets its own', async t => {
  const daemons = daemonsOf(t)
  const nsqd = await daemons.nsqd()
  const names = Array.from({ length: 40 }, (_, i) => `channel-${i}`)
  for (const name of names) nsqd.topic('orders').channel(name)
  const warnings: Error[] = []
  const warned = (warning: Error): void => void warnings.push(warning)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  await Promise.all(
    names.map(async name => {
      const stream = await rig.stream(`/api/live?view=channel&topic=orders&channel=${name}`)
      assert.equal((await stream.next('channel')).channel.channel, name)
    }),
  )
  assert.deepEqual(warnings, [])
})

test('what is asked for must be a view', async t => {
  const rig = await LiveRig.start(t, { nsqds: ['127.0.0.1:1'] })
  const message = async (path: string): Promise<string> => {
    const answer = await rig.get(path)
    assert.equal(answer.status, 400)
    return messageOf(answer)
  }
  assert.match(await message('/api/live'), /^INVALID_ARG_VIEW: /)
  assert.match(await message('/api/live?view=toString'), /^INVALID_ARG_VIEW: /)
  assert.equal(await message('/api/live?view=topic'), 'MISSING_ARG_TOPIC')
  assert.equal(await message('/api/live?view=channel&topic=a'), 'MISSING_ARG_CHANNEL')
  assert.equal(await message(`/api/live?view=node&node=${'x'.repeat(301)}`), 'INVALID_ARG_NODE')
})
