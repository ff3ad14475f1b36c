/** peek, publish, tombstones and history. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { http, tcp } from '../../client/daemons.ts'
import { until } from '../../support/wait.ts'
import { officialLookupd, officialNsqd } from './fake-official.ts'
import { daemonsOf, LiveRig, messageOf, publish } from './rig.ts'

/** The bodies that wait in a channel, by its own peek. */
async function waiting(rig: LiveRig, topic: string, channel: string): Promise<unknown[]> {
  const { body } = await rig.get(`/api/peek?topic=${topic}&channel=${channel}&n=100`)
  assert.ok(typeof body === 'object' && body !== null && 'messages' in body && Array.isArray(body.messages))
  return body.messages
}

async function nsqdWithChannel(t: Parameters<typeof daemonsOf>[0]): Promise<Nsqd> {
  const nsqd = await daemonsOf(t).nsqd()
  nsqd.topic('orders').channel('mail')
  return nsqd
}

test('peek shows what waits, and takes nothing', async t => {
  const nsqd = await nsqdWithChannel(t)
  await publish(nsqd, 'orders', 'one', Buffer.from([255, 0]))
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const { status, body } = await rig.get('/api/peek?topic=orders&channel=mail')
  assert.equal(status, 200)
  assert.ok(typeof body === 'object' && body !== null)
  const messages = await waiting(rig, 'orders', 'mail')
  assert.deepEqual(body, { messages, unsupported: [], warnings: [], message: '' })
  const [first, second] = messages.map(message => ({ ...Object(message), id: '', timestamp: '' }))
  const common = { id: '', timestamp: '', node: http(nsqd), state: 'waiting', until: null }
  assert.deepEqual(first, { ...common, attempts: first.attempts, size: 3, body: 'one', encoding: 'utf8' })
  assert.deepEqual(second, { ...common, attempts: first.attempts, size: 2, body: '/wA=', encoding: 'base64' })
  assert.equal(depth(nsqd), 2)
})

test('peek of what is not there', async t => {
  const nsqd = await nsqdWithChannel(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const refusal = async (query: string): Promise<[number, string]> => {
    const answer = await rig.get(`/api/peek${query}`)
    return [answer.status, messageOf(answer)]
  }
  assert.deepEqual(await refusal('?topic=ordres'), [404, 'TOPIC_NOT_FOUND: there is no topic ordres'])
  assert.deepEqual(await refusal('?topic=orders&channel=x'), [
    404,
    'CHANNEL_NOT_FOUND: the topic orders has no channel x',
  ])
  assert.deepEqual(await refusal(''), [400, 'MISSING_ARG_TOPIC'])
  for (const n of ['0', '101', '1e2', '-1']) {
    assert.deepEqual(await refusal(`?topic=orders&n=${n}`), [400, 'INVALID_ARG_N'])
  }
})

test('official daemons: no peek, no tombstones, but everything else', async t => {
  const nsqd = await officialNsqd(t)
  const lookupd = await officialLookupd(t, [nsqd])
  const rig = await LiveRig.start(t, { lookupds: [lookupd] })
  const nothing = { unsupported: [nsqd], warnings: [], message: '' }
  assert.deepEqual((await rig.get('/api/peek?topic=orders&channel=mail')).body, { messages: [], ...nothing })
  assert.deepEqual((await rig.get('/api/tombstones')).body, {
    tombstones: [],
    ...nothing,
    unsupported: [lookupd],
  })
  const channel = await rig.stream('/api/live?view=channel&topic=orders&channel=mail')
  const update = await channel.next('channel')
  assert.equal(update.channel.depth, 3)
  assert.deepEqual(update.channel.latency, [{ quantile: 0.99, ms: 2.5 }])
  const topic = await rig.stream('/api/live?view=topic&topic=orders')
  const { undistributed, topic: row } = await topic.next('topic')
  assert.deepEqual([undistributed, row.depth, row.requeued, row.timedOut], [4, 7, 2, 1])
  const nodes = await rig.stream('/api/live?view=nodes')
  assert.deepEqual((await nodes.next('nodes')).rows[0]?.lookupds, [lookupd])
})

test('tombstones, and when they end', async t => {
  const daemons = daemonsOf(t)
  const lookupd = await daemons.nsqlookupd()
  const nsqd = await daemons.nsqd({ lookupdTcpAddress: [tcp(lookupd)] })
  await publish(nsqd, 'orders', 'one')
  await until(() => lookupd.registry.topics().includes('orders'))
  const rig = await LiveRig.start(t, { lookupds: [http(lookupd)] })
  lookupd.registry.tombstone('orders', `127.0.0.1:${nsqd.httpAddress.port}`)
  const { body } = await rig.get('/api/tombstones')
  assert.ok(
    typeof body === 'object' && body !== null && 'tombstones' in body && Array.isArray(body.tombstones),
  )
  const [tombstone] = body.tombstones
  assert.equal(tombstone.topic, 'orders')
  assert.equal(tombstone.node, http(nsqd))
  assert.equal(tombstone.lookupd, http(lookupd))
  assert.ok(tombstone.until > tombstone.since)
  const nodes = await rig.stream('/api/live?view=nodes')
  await nodes.next('nodes', ({ rows }) => rows[0]?.tombstoned[0] === 'orders')
})

function depth(nsqd: Nsqd): number | undefined {
  return nsqd.topics.get('orders')?.channels.get('mail')?.depth
}

test('publish: text, bytes, lines, later, and to one nsqd', async t => {
  const daemons = daemonsOf(t)
  const [a, b] = [await daemons.nsqd(), await daemons.nsqd()]
  for (const nsqd of [a, b]) nsqd.topic('orders').channel('mail')
  const rig = await LiveRig.start(t, { nsqds: [a, b] })
  const post = (more: object): ReturnType<LiveRig['post']> =>
    rig.post('/api/publish', { topic: 'orders', encoding: 'utf8', node: http(a), ...more })
  assert.deepEqual(await post({ body: 'ä\u0000\n' }), {
    status: 200,
    body: { message: '', node: http(a), count: 1 },
  })
  assert.equal(depth(a), 1)
  assert.equal((await post({ body: '/wA=', encoding: 'base64' })).status, 200)
  const lines = await post({ body: 'one\r\n\ntwo\nthree', lines: true, node: http(b) })
  assert.deepEqual(lines.body, { message: '', node: http(b), count: 3 })
  assert.deepEqual([depth(a), depth(b)], [2, 3])
  const sizes = (await waiting(rig, 'orders', 'mail')).map(message => Number(Object(message).size))
  assert.deepEqual(
    sizes.sort((x, y) => x - y),
    [2, 3, 3, 4, 5],
  )
  const large = await post({ body: '\u0000'.repeat(1024 * 1024) })
  assert.equal(large.status, 200)
  const later = a.topic('later').channel('mail')
  assert.equal((await post({ topic: 'later', body: 'x', deferMs: 3_000_000 })).status, 200)
  await until(() => later.deferredCount === 1)
  // Anywhere: one of those that have the topic; and a new topic comes into being.
  assert.equal((await rig.post('/api/publish', { topic: 'new', body: 'x', encoding: 'utf8' })).status, 200)
  assert.equal([a, b].filter(nsqd => nsqd.topics.has('new')).length, 1)
})

test('publish: what is refused says what is wrong', async t => {
  const nsqd = await nsqdWithChannel(t)
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  const good = { topic: 'orders', body: 'x', encoding: 'utf8' }
  const refusal = async (body: unknown): Promise<[number, string]> => {
    const answer = await rig.post('/api/publish', body)
    return [answer.status, messageOf(answer)]
  }
  for (const [more, code] of [
    [{ topic: 'a b' }, 'INVALID_TOPIC'],
    [{ topic: undefined }, 'INVALID_TOPIC'],
    [{ body: 1 }, 'INVALID_ARG_BODY'],
    [{ encoding: 'hex' }, 'INVALID_ARG_ENCODING'],
    [{ encoding: 'base64', body: 'x!' }, 'INVALID_BASE64'],
    [{ encoding: 'base64', body: 'abcde' }, 'INVALID_BASE64'],
    [{ lines: 'yes' }, 'INVALID_ARG_LINES'],
    [{ lines: true, encoding: 'base64' }, 'INVALID_ARG_LINES'],
    [{ deferMs: -1 }, 'INVALID_ARG_DEFER'],
    [{ deferMs: 1.5 }, 'INVALID_ARG_DEFER'],
    [{ deferMs: 2 ** 31 }, 'INVALID_ARG_DEFER'],
    [{ node: 7 }, 'INVALID_ARG_NODE'],
    [{ body: '' }, 'MSG_EMPTY'],
    [{ body: '\n\r\n', lines: true }, 'MSG_EMPTY'],
    [{ body: 'x\n'.repeat(10_001), lines: true }, 'TOO_MANY_LINES'],
    [{ body: 'x\n'.repeat(101), lines: true, deferMs: 1000 }, 'TOO_MANY_LINES'],
  ] as const) {
    const [status, message] = await refusal({ ...good, ...more })
    assert.equal(status, 400, message)
    assert.equal(message.split(':')[0], code, message)
  }
  for (const body of ['', 'x', '[]', 'null', '"x"']) assert.equal((await refusal(body))[0], 400, body)
  assert.deepEqual(await refusal('x'.repeat(17 * 1024 * 1024)), [413, 'BODY_TOO_BIG'])
  // Not asked of any other address.
  const [status, message] = await refusal({ ...good, node: '127.0.0.1:1' })
  assert.equal(status, 404)
  assert.match(message, /^NODE_NOT_FOUND: there is no nsqd 127\.0\.0\.1:1/)
  // nsqd's own word for it.
  assert.deepEqual(await refusal({ ...good, body: 'x'.repeat(1024 * 1024 + 1) }), [
    413,
    'MSG_TOO_BIG: nsqd refused it',
  ])
  assert.equal((await refusal({ ...good, deferMs: 2 ** 31 - 1 }))[0], 400)
  assert.equal(depth(nsqd), 0)
})

test('publish and peek when nobody answers', async t => {
  const rig = await LiveRig.start(t, { nsqds: ['127.0.0.1:1'] })
  const published = await rig.post('/api/publish', { topic: 'orders', body: 'x', encoding: 'utf8' })
  assert.equal(published.status, 502)
  assert.match(messageOf(published), /^UPSTREAM_ERROR: .*127\.0\.0\.1:1/)
  const peeked = await rig.get('/api/peek?topic=orders')
  assert.equal(peeked.status, 502)
})

test('the last minutes of a topic and of a channel, also from before somebody looked', async t => {
  const nsqd = await nsqdWithChannel(t)
  await publish(nsqd, 'orders', 'one')
  const rig = await LiveRig.start(t, { nsqds: [nsqd] })
  await until(() => rig.live.status.looks > 0)
  const { body } = await rig.get('/api/history?topic=orders&channel=mail')
  assert.ok(typeof body === 'object' && body !== null && 'time' in body && Array.isArray(body.time))
  assert.ok(body.time.every(time => Math.abs(Number(time) - Date.now()) < 60_000))
  assert.deepEqual(
    { ...body, time: [] },
    { time: [], depth: [1], inFlight: [0], rateIn: [null], rateOut: [null] },
  )
  const empty = { time: [], depth: [], inFlight: [], rateIn: [], rateOut: [] }
  assert.deepEqual((await rig.get('/api/history?topic=ordres')).body, empty)
  assert.deepEqual((await rig.get('/api/history?topic=orders&channel=x')).body, empty)
  assert.equal((await rig.get('/api/history')).status, 400)
})
