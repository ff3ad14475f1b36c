/** Commands to a cluster: what is done where, in which order, and what is said of those that fail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NsqError } from '../../src/util/errors.ts'
import { http } from '../client/daemons.ts'
import type { FakeLookupd } from '../client/fake-lookupd.ts'
import { clusterOf, daemons, eventually, fake, nsqdReplies, producer, Refusal, topicReply } from './rig.ts'

const NOBODY = '127.0.0.1:1'

test('a topic and a channel are made known to nsqlookupd, and the channel is created where the topic is', async t => {
  const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 2, lookupds: 2 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('old')
  await eventually(async () => (await cluster.producersOf('old')).value.length === 1)
  assert.deepEqual(await cluster.createTopic('new'), {
    value: { lookupds: lookupds.map(http), nsqds: [] },
    warnings: [],
  })
  assert.deepEqual(await cluster.createChannel('old', 'c'), {
    value: { lookupds: lookupds.map(http), nsqds: [http(one)] },
    warnings: [],
  })
  assert.deepEqual((await cluster.createChannel('newer', 'c')).value.nsqds, [])
  assert.deepEqual((await cluster.topics()).value, ['new', 'newer', 'old'])
  assert.deepEqual((await cluster.channels('newer')).value, ['c'])
  assert.deepEqual([...(one.topics.get('old')?.channels.keys() ?? [])], ['c'])
  assert.equal(two.topics.size, 0)
})

test('with nsqds only, all get the topic, and those that have it the channel', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 2 })
  const [one, two] = nsqds
  assert.ok(one && two)
  assert.deepEqual((await cluster.createTopic('t')).value, { lookupds: [], nsqds: cluster.nsqds })
  assert.equal(two.topics.size, 1)
  one.topic('u')
  assert.deepEqual((await cluster.createChannel('u', 'c')).value.nsqds, [http(one)])
  assert.equal(two.topics.has('u'), false)
  assert.deepEqual((await cluster.createChannel('v', 'c')).value.nsqds, cluster.nsqds)
  assert.deepEqual([...(two.topics.get('v')?.channels.keys() ?? [])], ['c'])
})

test('pause, unpause, empty and delete, over all nsqds that have it', async t => {
  const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 3, lookupds: 1 })
  const holders = nsqds.slice(0, 2)
  for (const nsqd of holders) {
    nsqd.topic('t').channel('c')
    await nsqd.publish('t', [Buffer.from('x')], 0)
  }
  await eventually(async () => (await cluster.channels('t')).value.length === 1)
  await eventually(async () => (await cluster.producersOf('t')).value.length === 2)
  const where = { lookupds: [], nsqds: holders.map(http).sort() }

  assert.deepEqual(await cluster.pauseTopic('t'), { value: where, warnings: [] })
  assert.ok(holders.every(nsqd => nsqd.topics.get('t')?.paused))
  await cluster.unpauseTopic('t')
  assert.ok(holders.every(nsqd => nsqd.topics.get('t')?.paused === false))
  await cluster.pauseChannel('t', 'c')
  assert.ok(holders.every(nsqd => nsqd.topics.get('t')?.channels.get('c')?.paused))
  assert.deepEqual((await cluster.unpauseChannel('t', 'c')).value, where)
  assert.deepEqual((await cluster.emptyTopic('t')).value, where)
  assert.equal((await cluster.stats()).value.filter(({ topics }) => topics.length === 1).length, 2)
  await cluster.emptyChannelAt(http(holders[0] ?? assert.fail()), 't', 'c')
  const depths = holders.map(nsqd => nsqd.topics.get('t')?.channels.get('c')?.depth)
  assert.deepEqual(depths, [0, 1])
  assert.deepEqual((await cluster.emptyChannel('t', 'c')).value, where)
  assert.ok(holders.every(nsqd => nsqd.topics.get('t')?.channels.get('c')?.depth === 0))
  const everywhere = { ...where, lookupds: lookupds.map(http) }
  assert.deepEqual((await cluster.deleteChannel('t', 'c')).value, everywhere)
  assert.deepEqual((await cluster.channels('t')).value, [])
  assert.deepEqual((await cluster.deleteTopic('t')).value, everywhere)
  assert.deepEqual((await cluster.topics()).value, [])
  assert.ok(nsqds.every(nsqd => nsqd.topics.size === 0))
})

test('what nobody has is said not to be there', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
  nsqds[0]?.topic('t')
  await eventually(async () => (await cluster.producersOf('t')).value.length === 1)
  const given = clusterOf({ nsqds: nsqds.map(http) })
  for (const each of [cluster, given]) {
    const noTopic = { code: 'E_TOPIC_NOT_FOUND', message: 'there is no topic nope' }
    await assert.rejects(each.deleteTopic('nope'), noTopic)
    await assert.rejects(each.pauseTopic('nope'), noTopic)
    await assert.rejects(each.emptyChannel('nope', 'c'), noTopic)
    const noChannel = { code: 'E_CHANNEL_NOT_FOUND', message: 'the topic t has no channel nope' }
    await assert.rejects(each.deleteChannel('t', 'nope'), noChannel)
    await assert.rejects(each.unpauseChannel('t', 'nope'), noChannel)
  }
})

test('who does not answer may have it, and is named', async t => {
  const { cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
  const partial = clusterOf({ lookupds: [...cluster.lookupds, NOBODY] })
  await assert.rejects(partial.pauseTopic('nope'), {
    code: 'E_TOPIC_NOT_FOUND',
    message: /^there is no topic nope \(but .*127\.0\.0\.1:1.* cannot be reached/,
  })
})

test('a topic that nsqlookupd alone knows can be deleted; there is nothing to pause', async t => {
  const { cluster } = await daemons(t, { lookupds: 1 })
  await cluster.createChannel('t', 'c')
  assert.deepEqual(await cluster.pauseTopic('t'), { value: { lookupds: [], nsqds: [] }, warnings: [] })
  assert.deepEqual((await cluster.pauseChannel('t', 'c')).value, { lookupds: [], nsqds: [] })
  assert.deepEqual((await cluster.deleteChannel('t', 'c')).value, { lookupds: cluster.lookupds, nsqds: [] })
  assert.deepEqual((await cluster.deleteTopic('t')).value, { lookupds: cluster.lookupds, nsqds: [] })
})

/** Two nsqds that one nsqlookupd knows, one of which refuses or is dead; all official. */
async function halfBroken(
  t: Parameters<typeof fake>[0],
  second: unknown,
): Promise<{ lookupd: FakeLookupd; nsqd: FakeLookupd; broken: FakeLookupd }> {
  const done = { '/channel/delete': '', '/topic/delete': '', '/channel/pause': '', '/topic/tombstone': '' }
  const nsqd = await fake(t, nsqdReplies([topicReply('t', [{ channel_name: 'c' }])], done))
  const broken = await fake(
    t,
    nsqdReplies([topicReply('t')], { '/channel/delete': second, '/channel/pause': second }),
  )
  const producers = [nsqd, broken].map(({ address }) => producer(address, { topics: ['t'] }))
  const lookupd = await fake(t, {
    '/lookup': { channels: ['c'], producers },
    '/nodes': { producers },
    ...done,
  })
  return { lookupd, nsqd, broken }
}

test('the order is that of nsqadmin: who has it, nsqlookupd, then the nsqds', async t => {
  const { lookupd, nsqd } = await halfBroken(t, '')
  const order: string[] = []
  for (const [name, daemon] of [
    ['lookupd', lookupd],
    ['nsqd', nsqd],
  ] as const) {
    const { reply } = daemon
    daemon.reply = path => {
      order.push(`${name} ${path}`)
      return reply?.(path) ?? assert.fail()
    }
  }
  await clusterOf({ lookupds: [lookupd.address] }).deleteChannel('t', 'c')
  assert.deepEqual(order.slice(0, 2).sort(), ['lookupd /lookup?topic=t', 'lookupd /nodes'])
  assert.deepEqual(order.slice(2), [
    'lookupd /channel/delete?topic=t&channel=c',
    'nsqd /channel/delete?topic=t&channel=c',
  ])
})

test('an nsqd that refuses is a warning, and the others have done it', async t => {
  const { lookupd, nsqd, broken } = await halfBroken(t, new Refusal(500, 'INTERNAL_ERROR'))
  const { value, warnings } = await clusterOf({ lookupds: [lookupd.address] }).deleteChannel('t', 'c')
  assert.deepEqual(value, { lookupds: [lookupd.address], nsqds: [nsqd.address] })
  assert.deepEqual(
    warnings.map(({ message }) => message),
    [`http://${broken.address}/channel/delete?topic=t&channel=c answered 500 INTERNAL_ERROR`],
  )
})

test('an nsqd that does not have the channel is no failure, in the words of any version', async t => {
  for (const refusal of [new Refusal(404, 'CHANNEL_NOT_FOUND'), new Refusal(500, 'INVALID_CHANNEL')]) {
    const { lookupd, nsqd } = await halfBroken(t, refusal)
    const cluster = clusterOf({ lookupds: [lookupd.address] })
    assert.deepEqual(await cluster.pauseChannel('t', 'c'), {
      value: { lookupds: [], nsqds: [nsqd.address] },
      warnings: [],
    })
  }
})

test('a dead nsqd is a warning; all dead is an error that names each', async t => {
  const { lookupd, nsqd, broken } = await halfBroken(t, '')
  const cluster = clusterOf({ lookupds: [lookupd.address] })
  await broken.close()
  const { value, warnings } = await cluster.pauseChannel('t', 'c')
  assert.deepEqual(value.nsqds, [nsqd.address])
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['E_HTTP_CONNECT'],
  )
  await nsqd.close()
  await assert.rejects(cluster.pauseChannel('t', 'c'), (error: NsqError) => {
    assert.equal(error.code, 'E_CLUSTER')
    assert.ok(error.message.includes(nsqd.address) && error.message.includes(broken.address))
    return true
  })
})

test('what answers garbage has not done it', async t => {
  const { lookupd, nsqd } = await halfBroken(t, '<html>')
  const { value, warnings } = await clusterOf({ lookupds: [lookupd.address] }).pauseChannel('t', 'c')
  assert.deepEqual(value.nsqds, [nsqd.address])
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['E_HTTP_REPLY'],
  )
})

test('a tombstone hides an nsqd and deletes the topic there, or keeps it', async t => {
  const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('t')
  two.topic('t')
  await eventually(async () => (await cluster.producersOf('t')).value.length === 2)
  assert.deepEqual(await cluster.tombstone('t', http(one), { keep: true }), {
    value: { lookupds: lookupds.map(http), nsqds: [] },
    warnings: [],
  })
  assert.ok(one.topics.has('t'))
  assert.deepEqual(
    (await cluster.producersOf('t')).value.map(({ node }) => node),
    [http(two)],
  )
  const hidden = (await cluster.nodes()).value.find(({ node }) => node === http(one))
  assert.deepEqual(hidden?.topics, [{ name: 't', tombstoned: true }])
  const { value } = await cluster.tombstones()
  const [first] = value.list
  assert.deepEqual(
    { ...first, since: 0, until: 0 },
    {
      topic: 't',
      node: http(one),
      since: 0,
      until: 0,
      lookupd: lookupds.map(http)[0],
    },
  )
  assert.ok(first && first.until > first.since && Math.abs(first.since - Date.now()) < 3_600_000)

  assert.deepEqual((await cluster.tombstone('t', http(two))).value, {
    lookupds: lookupds.map(http),
    nsqds: [http(two)],
  })
  assert.equal(two.topics.has('t'), false)
})

test('where nsqlookupd hides a topic, it is deleted as well', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('t')
  two.topic('t')
  await eventually(async () => (await cluster.producersOf('t')).value.length === 2)
  await cluster.tombstone('t', http(one), { keep: true })
  const { value, warnings } = await cluster.deleteTopic('t')
  assert.deepEqual([value.nsqds, warnings], [nsqds.map(http).sort(), []])
  assert.equal(one.topics.size + two.topics.size, 0)
})

test('a tombstone needs an nsqlookupd, a node that there is, and a topic that it has', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
  const [nsqd] = nsqds
  assert.ok(nsqd)
  await assert.rejects(clusterOf({ nsqds: [http(nsqd)] }).tombstone('t', http(nsqd)), {
    code: 'E_NO_LOOKUPD',
  })
  await assert.rejects(cluster.tombstone('t', NOBODY), {
    code: 'E_NODE_NOT_FOUND',
    remedy: `There are ${http(nsqd)}.`,
  })
  await assert.rejects(cluster.tombstone('t', http(nsqd)), { code: 'E_TOPIC_NOT_FOUND' })
})

test('nsqlookupd is told the name of a node as it writes it: without brackets', async t => {
  const { lookupd } = await halfBroken(t, '')
  const v6 = producer(NOBODY, { broadcast_address: '::1', topics: ['t'] })
  const replies = { '/nodes': { producers: [v6] }, '/topic/tombstone': '' }
  const another = await fake(t, replies)
  await clusterOf({ lookupds: [another.address] }).tombstone('t', '[::1]:1', { keep: true })
  assert.ok(another.asked.includes('/topic/tombstone?topic=t&node=%3A%3A1%3A1'))
  // An official nsqlookupd cannot tell when it ends; ours can, in the same words.
  const time = '2026-01-01T00:00:00.000Z'
  const ours = await fake(t, {
    '/tombstones': { tombstones: [{ topic: 't', node: '::1:1', since: time, until: time }] },
  })
  const { value } = await clusterOf({ lookupds: [lookupd.address, ours.address] }).tombstones()
  assert.deepEqual(value.unsupported, [lookupd.address])
  assert.deepEqual(
    value.list.map(({ node, since }) => ({ node, since })),
    [{ node: '[::1]:1', since: Date.parse(time) }],
  )
})
