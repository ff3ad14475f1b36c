/** The official API where the recording does not reach: several nsqds, clients, percentiles, daemons that fail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fin, identify, rdy, sub } from '../../src/protocol/command.ts'
import { isOlder } from '../../src/nsqadmin/official/semver.ts'
import { formatAddress } from '../../src/util/address.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import { until } from '../support/wait.ts'
import { type Rig, start } from './rig.ts'

/** Any JSON, to be looked into. */
// oxlint-disable-next-line typescript/no-explicit-any -- a test would otherwise be mostly about types
type Json = any

async function get(rig: Rig, path: string, status = 200): Promise<Json> {
  const response = await rig.get(path)
  const value: Json = await response.json()
  assert.equal(response.status, status, JSON.stringify(value))
  return value
}

/** No other nsqd learns of it from nsqlookupd. */
const ONLY = 'only#ephemeral'

/** Two nsqds with a topic `t`, of 2 and of 3 messages, and a channel `c`; on the second also a channel ONLY. */
async function pair(t: Parameters<typeof start>[0], direct = false): Promise<Rig & { nodes: string[] }> {
  const rig = await start(t, {}, { nsqds: 2, direct })
  for (const [i, nsqd] of rig.nsqds.entries()) {
    const bodies = Array.from({ length: i + 2 }, () => Buffer.from('x'))
    await nsqd.publish('t', bodies, 0)
    nsqd.topic('t').channel('c')
  }
  rig.nsqds[1]?.topic('t').channel(ONLY)
  const { registry } = rig.lookupd
  await until(() => registry.producersOf('t').length === 2 && registry.channels('t').length === 2)
  return Object.assign(rig, { nodes: rig.nsqds.map(nsqd => formatAddress(nsqd.httpAddress)) })
}

for (const direct of [false, true]) {
  test(`a topic is the sum of its nsqds, given ${direct ? 'directly' : 'nsqlookupd'}`, async t => {
    const rig = await pair(t, direct)
    const topic = await get(rig, '/api/topics/t')
    assert.equal(topic.node, '*')
    assert.equal(topic.message_count, 5)
    assert.deepEqual(
      new Map(topic.nodes.map((each: Json) => [each.node, each.message_count])),
      new Map([
        [rig.nodes[0], 2],
        [rig.nodes[1], 3],
      ]),
    )
    const channels = new Map<string, Json>(topic.channels.map((each: Json) => [each.channel_name, each]))
    assert.deepEqual([...channels.keys()].sort(), ['c', ONLY])
    assert.deepEqual(
      [channels.get('c').node, channels.get('c').depth, channels.get('c').nodes.length],
      ['*', 5, 2],
    )
    assert.deepEqual([channels.get(ONLY).node, channels.get(ONLY).nodes], [rig.nodes[1], null])
    const channel = await get(rig, '/api/topics/t/c')
    assert.deepEqual([channel.depth, channel.message_count, channel.nodes.length], [5, 5, 2])
    assert.equal((await get(rig, `/api/topics/t/${encodeURIComponent(ONLY)}`)).nodes.length, 1)
    assert.deepEqual((await get(rig, '/api/topics')).topics, ['t'])
    const { stats } = await get(rig, '/api/counter')
    assert.equal(stats[`t:c:${rig.nodes[1]}`].message_count, 3)
    assert.equal(Object.keys(stats).length, 3)
    const node = await get(rig, `/api/nodes/${rig.nodes[1]}`)
    assert.deepEqual([node.node, node.total_messages, node.topics.length], [rig.nodes[1], 3, 1])
    const { nodes } = await get(rig, '/api/nodes')
    assert.equal(nodes.length, 2)
    assert.deepEqual(nodes[0].topics, [{ topic: 't', tombstoned: false }])
    assert.equal(nodes[0].remote_addresses?.length, direct ? undefined : 1)
  })
}

test('what only our nsqd counts is not in the official API', async t => {
  const limits = { maxChannelDepth: 1, overflow: 'drop-oldest', orphanAfter: 20 } as const
  const rig = await start(t, {}, { nsqd: limits })
  await rig.channel('t', 'c')
  await rig.publish('t', 'one', 'two')
  const node = formatAddress(rig.nsqd.httpAddress)
  await until(() => rig.nsqd.topic('t').channel('c').isOrphaned === true)
  const stats = await (await fetch(`http://${node}/stats?format=json`)).text()
  assert.match(stats, /"dropped_count":1,"orphaned":true/)
  for (const path of ['/api/topics/t', '/api/topics/t/c', `/api/nodes/${node}`]) {
    assert.doesNotMatch(JSON.stringify(await get(rig, path)), /dropped|orphaned/)
  }
})

test('clients are shown with their channel and their node', async t => {
  const rig = await pair(t)
  const client = new RawClient(rig.nsqd.tcpAddress)
  t.after(() => client.destroy())
  assert.equal(await client.ask(identify({ client_id: 'me', hostname: 'here', user_agent: 'test/1' })), 'OK')
  assert.equal(await client.ask(sub('t', 'c')), 'OK')
  client.send(rdy(1))
  const channel = await get(rig, '/api/topics/t/c')
  assert.equal(channel.client_count, 1)
  const [shown] = channel.clients
  assert.deepEqual(
    [shown.node, shown.client_id, shown.hostname, shown.user_agent, shown.version, shown.tls],
    [rig.nodes[0], 'me', 'here', 'test/1', 'V2', false],
  )
  assert.match(shown.remote_address, /^127\.0\.0\.1:\d+$/)
  assert.ok(shown.connected >= 0 && shown.connected % 1e9 === 0)
  assert.equal((await get(rig, `/api/nodes/${rig.nodes[0]}`)).total_clients, 1)
  // Lists of clients are long, and only a channel and a node show them.
  assert.equal((await get(rig, '/api/topics/t')).channels[0].clients, null)
})

test('an nsqd that is gone is a warning, and the others are counted', async t => {
  const rig = await pair(t, true)
  await rig.nsqds[1]?.close()
  for (const path of ['/api/topics', '/api/topics/t', '/api/topics/t/c', '/api/nodes', '/api/counter']) {
    const { message } = await get(rig, path)
    assert.match(message, /^WARNING: .*ECONNREFUSED/, path)
  }
  assert.equal((await get(rig, '/api/topics/t')).message_count, 2)
  assert.match((await get(rig, `/api/nodes/${rig.nodes[1]}`, 502)).message, /^UPSTREAM_ERROR: .*ECONNREFUSED/)
  const paused = await rig.send('POST', '/api/topics/t', { action: 'pause' })
  assert.equal(paused.status, 200)
  assert.match(Object(await paused.json()).message, /^WARNING: /)
  assert.equal(rig.nsqd.topics.get('t')?.paused, true)
  await rig.nsqd.close()
  for (const path of ['/api/topics', '/api/topics/t', '/api/counter']) {
    assert.match((await get(rig, path, 502)).message, /^UPSTREAM_ERROR: failed to query any nsqd: /, path)
  }
})

test('without an nsqlookupd that answers there is nothing to say', async t => {
  const rig = await start(t)
  await rig.lookupd.close()
  for (const path of [
    '/api/topics',
    '/api/topics?inactive=true',
    '/api/topics/t',
    '/api/nodes',
    '/api/counter',
  ]) {
    assert.match(
      (await get(rig, path, 502)).message,
      /^UPSTREAM_ERROR: failed to query any nsqlookupd: /,
      path,
    )
  }
  const created = await rig.send('POST', '/api/topics', { topic: 't' })
  assert.equal(created.status, 502)
  assert.ok(rig.lines.some(line => /ERROR: create_topic t: .*ECONNREFUSED/.test(line)))
})

test('topics that no nsqd has are inactive, and can be looked at and deleted', async t => {
  const rig = await start(t)
  await rig.publish('active', 'x')
  await rig.send('POST', '/api/topics', { topic: 'idle', channel: 'c' })
  await rig.send('POST', '/api/topics', { topic: '__proto__' })
  const { topics } = await get(rig, '/api/topics?inactive=true')
  assert.deepEqual(
    new Map(Object.entries(topics)),
    new Map([
      ['__proto__', []],
      ['idle', ['c']],
    ]),
  )
  const idle = await get(rig, '/api/topics/idle')
  assert.deepEqual([idle.depth, idle.nodes, idle.channels, idle.message], [0, null, null, ''])
  assert.equal((await rig.send('DELETE', '/api/topics/idle')).status, 200)
  assert.deepEqual((await get(rig, '/api/topics')).topics, ['__proto__', 'active'])
})

async function act(on: Rig, method: string, path: string, body?: unknown): Promise<unknown[]> {
  const response = await on.send(method, path, body)
  return [response.status, Object(await response.json()).message]
}

test('a topic, a channel and a node that are not there', async t => {
  const [rig, direct] = [await start(t), await start(t, {}, { direct: true })]
  await rig.publish('t', 'x')
  await direct.publish('t', 'x')
  const unknown = (await get(rig, '/api/topics/nope', 502)).message
  assert.match(unknown, /TOPIC_NOT_FOUND/)
  for (const [method, path, body] of [
    ['POST', '/api/topics/nope', { action: 'pause' }],
    ['POST', '/api/topics/nope/c', { action: 'empty' }],
    ['DELETE', '/api/topics/nope'],
    ['DELETE', '/api/topics/nope/c'],
  ] as const) {
    assert.deepEqual(await act(rig, method, path, body), [502, unknown])
    assert.deepEqual(await act(direct, method, path, body), [404, 'TOPIC_NOT_FOUND'])
  }
  for (const [method, body] of [
    ['POST', { action: 'pause' }],
    ['DELETE', undefined],
  ] as const) {
    assert.deepEqual(await act(rig, method, '/api/topics/t/nope', body), [404, 'CHANNEL_NOT_FOUND'])
  }
  assert.deepEqual(await act(rig, 'DELETE', '/api/nodes/10.9.9.9:1', { topic: 't' }), [404, 'NODE_NOT_FOUND'])
  // Whatever a node is made to be, only those that are there are asked.
  assert.deepEqual(await act(rig, 'DELETE', '/api/nodes/evil%2Fpath%3F', { topic: 't' }), [
    404,
    'NODE_NOT_FOUND',
  ])
  assert.deepEqual(await act(direct, 'DELETE', '/api/nodes/10.9.9.9:1', { topic: 't' }), [
    400,
    'NO_NSQLOOKUPD',
  ])
})

test('bodies that are not what they should be', async t => {
  const rig = await start(t)
  const node = formatAddress(rig.nsqd.httpAddress)
  for (const [method, path] of [
    ['POST', '/api/topics'],
    ['POST', '/api/topics/t'],
    ['POST', '/api/topics/t/c'],
    ['DELETE', `/api/nodes/${node}`],
  ] as const) {
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '1',
      '{"topic":1,"action":{}}',
      '{"topic":["t"],"action":true}',
    ]) {
      const response = await rig.send(method, path, body)
      const got = [response.status, await response.text()]
      assert.deepEqual(got, [400, '{"message":"INVALID_BODY"}'], `${method} ${path} ${body}`)
    }
    const huge = await rig.send(method, path, `{"topic":"${'x'.repeat(100_000)}"}`)
    assert.deepEqual([huge.status, await huge.text()], [413, '{"message":"BODY_TOO_BIG"}'])
  }
  for (const body of [{ topic: 'a b' }, { topic: '' }, { topic: 'x'.repeat(65) }, { topic: '../t' }]) {
    assert.equal(Object(await (await rig.send('POST', '/api/topics', body)).json()).message, 'INVALID_TOPIC')
  }
  const channel = await rig.send('POST', '/api/topics', { topic: 't', channel: 'a b' })
  assert.equal(Object(await channel.json()).message, 'INVALID_CHANNEL')
  // Scripts send no Content-Type, or that of a form.
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  assert.equal((await rig.send('POST', '/api/topics', '{"topic":"t"}', form)).status, 200)
})

test('percentiles are averages weighted by what was measured, and the extremes', async t => {
  const rig = await start(t, {}, { nsqds: 2, nsqd: { e2eProcessingLatencyPercentile: [0.5, 0.99] } })
  for (const nsqd of rig.nsqds) {
    await nsqd.publish('t', [Buffer.from('x')], 0)
    nsqd.topic('t').channel('c')
    const client = new RawClient(nsqd.tcpAddress)
    t.after(() => client.destroy())
    assert.equal(await client.ask(sub('t', 'c')), 'OK')
    client.send(rdy(1))
    const message = await client.message()
    client.send(fin(message.id))
  }
  await until(() => rig.lookupd.registry.producersOf('t').length === 2)
  const { e2e_processing_latency: latency } = await get(rig, '/api/topics/t/c')
  assert.deepEqual([latency.topic, latency.channel, latency.host], ['t', 'c', '*'])
  assert.equal(latency.count, 2)
  assert.deepEqual(latency.percentiles.map((each: Json) => each.quantile).sort(), [0.5, 0.99])
  for (const { min, max, average, count } of latency.percentiles) {
    assert.ok(min > 0 && min <= average && average <= max)
    assert.equal(count, 2)
  }
})

test('versions', () => {
  const sorted = ['', '0.3.0', '1.2.9', '1.3.0-alpha', '1.3.0', '1.10.0', 'v2.0.0']
  for (const [i, older] of sorted.entries()) {
    for (const [j, newer] of sorted.entries())
      assert.equal(isOlder(older, newer), i < j, `${older} < ${newer}`)
  }
})
