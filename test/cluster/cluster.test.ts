/** Questions: nodes, topics, channels, numbers; our own daemons, and replies of official ones. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { http, tcp } from '../client/daemons.ts'
import {
  clusterOf,
  daemons,
  enveloped,
  eventually,
  fake,
  nsqdReplies,
  producer,
  Refusal,
  topicReply,
} from './rig.ts'

const NOBODY = '127.0.0.1:1'

test('our own daemons, through nsqlookupd: nodes, topics, channels, numbers', async t => {
  const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 2, lookupds: 2 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('orders').channel('billing')
  two.topic('orders').channel('shipping')
  two.topic('logs')
  await eventually(async () => (await cluster.channels('orders')).value.length === 2)
  await eventually(async () => (await cluster.topics()).value.length === 2)
  await eventually(async () => (await cluster.producersOf('orders')).value.length === 2)

  assert.deepEqual(await cluster.topics(), { value: ['logs', 'orders'], warnings: [] })
  assert.deepEqual((await cluster.channels('orders')).value, ['billing', 'shipping'])
  const { value: nodes } = await cluster.nodes()
  assert.deepEqual(
    nodes.map(({ node }) => node),
    [http(one), http(two)].sort(),
  )
  const first = nodes.find(({ node }) => node === http(one))
  assert.equal(first?.tcpAddress, tcp(one))
  assert.deepEqual(first?.lookupds, lookupds.map(http))
  assert.deepEqual(
    first?.remoteAddresses.map(text => text.split('/')[0]),
    lookupds.map(http),
  )
  assert.deepEqual(first?.topics, [{ name: 'orders', tombstoned: false }])

  await one.publish('orders', [Buffer.from('a'), Buffer.from('b')], 0)
  const { value: stats } = await cluster.stats()
  assert.deepEqual(
    stats.map(({ node }) => node),
    nodes.map(({ node }) => node),
  )
  const numbers = stats.find(({ node }) => node === http(one))
  assert.ok(numbers)
  assert.equal(numbers.hostname, first?.hostname)
  assert.ok(Math.abs(numbers.startTime - Date.now()) < 3_600_000)
  assert.deepEqual(
    numbers.topics.map(({ name, messages }) => ({ name, messages })),
    [{ name: 'orders', messages: 2 }],
  )
  assert.equal(numbers.topics[0]?.channels[0]?.depth, 2)
  assert.deepEqual(
    (await cluster.stats({ topic: 'logs' })).value.map(({ node }) => node),
    [http(two)],
  )
  assert.deepEqual(await cluster.stats({ topic: 'nope' }), { value: [], warnings: [] })
})

test('the same by the nsqds themselves, which are called as they were given', async t => {
  const { nsqds } = await daemons(t, { nsqds: 2 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('orders').channel('billing')
  two.topic('logs')
  const cluster = clusterOf({ nsqds: [`http://${http(one)}/`, http(two), http(two)] })
  assert.deepEqual((await cluster.topics()).value, ['logs', 'orders'])
  assert.deepEqual((await cluster.channels('orders')).value, ['billing'])
  assert.deepEqual((await cluster.channels('nope')).value, [])
  const { value: nodes } = await cluster.nodes()
  assert.deepEqual(
    nodes.map(({ node }) => node),
    [http(one), http(two)].sort(),
  )
  assert.equal(nodes.find(({ node }) => node === http(one))?.tcpAddress, tcp(one))
  const { value: producers } = await cluster.producersOf('orders')
  assert.deepEqual(
    producers.map(({ node }) => node),
    [http(one)],
  )
  assert.equal((await cluster.statsOf({ node: http(one), hostname: 'h', version: '' })).value.hostname, 'h')
})

test('clients come with their numbers when they are asked for', async t => {
  const client = {
    client_id: 'me',
    hostname: 'there',
    version: 'V2',
    remote_address: '10.0.0.7:1',
    state: 3,
    ready_count: 5,
    in_flight_count: 1,
    message_count: 9,
    finish_count: 8,
    requeue_count: 2,
    connect_ts: 1_700_000_000,
    sample_rate: 10,
    deflate: false,
    snappy: true,
    user_agent: 'x/1',
    authed: true,
    auth_identity: 'who',
    tls: true,
    tls_version: 'TLS1.3',
    pub_counts: [{ topic: 't', count: 3 }],
  }
  const stats = { topics: [topicReply('t', [{ channel_name: 'c', clients: [client] }])], producers: [client] }
  const nsqd = await fake(t, nsqdReplies([], { '/stats': stats }))
  const { value } = await clusterOf({ nsqds: [nsqd.address] }).stats({ clients: true })
  const found = value[0]?.topics[0]?.channels[0]?.clients[0]
  assert.deepEqual(found, value[0]?.producers[0])
  assert.equal(found?.connectedAt, 1_700_000_000_000)
  assert.deepEqual(
    [found?.clientId, found?.ready, found?.finished, found?.identity, found?.tlsVersion, found?.published],
    ['me', 5, 8, 'who', 'TLS1.3', [{ topic: 't', count: 3 }]],
  )
  assert.ok(nsqd.asked.some(path => path.includes('include_clients=true')))
})

test('daemons before 1.0: envelopes, null lists, and what is left out', async t => {
  const bare = {
    topic_name: 't',
    channels: [{ channel_name: 'c', depth: 1, clients: [{ name: 'old' }] }],
    depth: 0,
  }
  const nsqd = await fake(t, {
    '/stats': enveloped({ topics: [bare, topicReply('other')] }),
    '/info': enveloped({ version: '0.3.0' }),
  })
  const lookupd = await fake(t, {
    '/nodes': enveloped({
      producers: [
        { ...producer(nsqd.address), broadcast_address: undefined, address: '127.0.0.1', topics: null },
      ],
    }),
    '/lookup': enveloped({ channels: null, producers: [producer(nsqd.address)] }),
    '/topics': enveloped({ topics: null }),
    '/channels': enveloped({ channels: null }),
  })
  for (const cluster of [clusterOf({ lookupds: [lookupd.address] }), clusterOf({ nsqds: [nsqd.address] })]) {
    const { value, warnings } = await cluster.stats({ topic: 't' })
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      value.map(({ node, health, startTime }) => ({ node, health, startTime })),
      [{ node: nsqd.address, health: 'OK', startTime: 0 }],
    )
    // It does not filter.
    assert.deepEqual(
      value[0]?.topics.map(({ name }) => name),
      ['t'],
    )
    assert.equal(value[0]?.topics[0]?.channels[0]?.clientCount, 1)
    assert.equal(value[0]?.version, cluster.lookupds.length > 0 ? '1.3.0' : '0.3.0')
  }
  const cluster = clusterOf({ lookupds: [lookupd.address] })
  assert.deepEqual((await cluster.topics()).value, [])
  assert.deepEqual((await cluster.channels('t')).value, [])
  assert.deepEqual((await cluster.nodes()).value[0]?.topics, [])
})

test('an nsqd that is dead, slow or no nsqd is a warning, and a node with an error', async t => {
  const good = await fake(t, nsqdReplies([topicReply('t')]))
  const slow = await fake(t, {})
  slow.isSilent = true
  const garbage = await fake(t, { '/stats': '<html>', '/info': '<html>' })
  const shapeless = await fake(
    t,
    nsqdReplies(null, { '/stats': { topics: [topicReply('t'), { topic_name: 7 }] } }),
  )
  const failing = await fake(t, { '/stats': new Refusal(500, 'NOK'), '/info': new Refusal(500, 'NOK') })
  const all = [good, slow, garbage, shapeless, failing].map(({ address }) => address)
  const lookupd = await fake(t, {
    '/nodes': {
      producers: [...all, NOBODY].map(address => producer(address, { topics: ['t'], tombstones: [false] })),
    },
  })
  const given = clusterOf({ nsqds: [...all, NOBODY], requestTimeoutMs: 1500 })
  const found = clusterOf({ lookupds: [lookupd.address], requestTimeoutMs: 1500 })
  for (const cluster of [given, found]) {
    const { value, warnings } = await cluster.look()
    assert.deepEqual(
      value.stats.map(({ node }) => node),
      [good.address],
    )
    assert.deepEqual(
      new Map(value.nodes.map(({ node, error }) => [node, error?.code])),
      new Map<string, string | undefined>([
        [good.address, undefined],
        [slow.address, 'E_HTTP_TIMEOUT'],
        [garbage.address, 'E_HTTP_REPLY'],
        [shapeless.address, 'E_NSQD_REPLY'],
        [failing.address, 'E_HTTP_STATUS'],
        [NOBODY, 'E_HTTP_CONNECT'],
      ]),
    )
    assert.equal(warnings.length, 5)
    assert.match(warnings.map(({ message }) => message).join(), /topics\[1\]\.topic_name is not a string/)
  }
  const { value: nodes, warnings } = await given.nodes()
  assert.equal(nodes.length, 6)
  assert.equal(warnings.length, 5)
})

test('an nsqlookupd that fails is a warning while another answers', async t => {
  const { lookupds, nsqds } = await daemons(t, { nsqds: 1, lookupds: 1 })
  const cluster = clusterOf({ lookupds: [NOBODY, ...lookupds.map(http)] })
  for (const { warnings } of [await cluster.nodes(), await cluster.topics(), await cluster.stats()]) {
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['E_HTTP_CONNECT'],
    )
    assert.match(warnings[0]?.message ?? '', /127\.0\.0\.1:1/)
  }
  assert.deepEqual(
    (await cluster.stats()).value.map(({ node }) => node),
    nsqds.map(http),
  )
})

test('while no nsqlookupd answers, the numbers are those of the nsqds that were named last', async t => {
  const nsqd = await fake(t, nsqdReplies([topicReply('t')]))
  const nodes = [producer(nsqd.address, { topics: ['t', 'hidden'], tombstones: [false, true] })]
  const lookupd = await fake(t, { '/nodes': { producers: nodes } })
  const cluster = clusterOf({ lookupds: [lookupd.address] })
  await cluster.stats()
  await lookupd.close()
  for (const asking of [cluster.stats(), cluster.impatient(1000).stats(), cluster.stats({ topic: 't' })]) {
    const { value, warnings } = await asking
    assert.deepEqual(
      value.map(({ node }) => node),
      [nsqd.address],
    )
    assert.deepEqual(
      warnings.map(({ code }) => code),
      ['E_LOOKUP'],
    )
  }
  for (const topic of ['hidden', 'other'])
    await assert.rejects(cluster.stats({ topic }), { code: 'E_LOOKUP' })
  // Who asks for what is registered is to be sure of it.
  await assert.rejects(cluster.nodes(), { code: 'E_LOOKUP' })
  await nsqd.close()
  await assert.rejects(cluster.stats(), { code: 'E_CLUSTER' })
})

test('nobody answers', async t => {
  await assert.rejects(clusterOf({ lookupds: [NOBODY] }).nodes(), { code: 'E_LOOKUP' })
  await assert.rejects(clusterOf({ lookupds: [NOBODY] }).stats(), { code: 'E_LOOKUP' })
  const nsqds = clusterOf({ nsqds: [NOBODY] })
  await assert.rejects(nsqds.stats(), { code: 'E_CLUSTER', message: /127\.0\.0\.1:1/ })
  await assert.rejects(nsqds.nodes(), { code: 'E_CLUSTER' })
  await assert.rejects(nsqds.topics(), { code: 'E_CLUSTER' })
  const lookupd = await fake(t, { '/nodes': { producers: [producer(NOBODY)] } })
  await assert.rejects(clusterOf({ lookupds: [lookupd.address] }).stats(), { code: 'E_CLUSTER' })
  assert.equal((await clusterOf({ lookupds: [lookupd.address] }).nodes()).value.length, 1)
})

test('a cluster without any nsqd has no numbers, and that is no error', async t => {
  const lookupd = await fake(t, { '/nodes': { producers: [] } })
  assert.deepEqual(await clusterOf({ lookupds: [lookupd.address] }).stats(), { value: [], warnings: [] })
})

test('two nsqds that registered with one address are asked once', async t => {
  const nsqd = await fake(t, nsqdReplies([]))
  const twins = [producer(nsqd.address), producer(nsqd.address, { tcp_port: 9 })]
  const lookupd = await fake(t, { '/nodes': { producers: twins } })
  const cluster = clusterOf({ lookupds: [lookupd.address] })
  assert.equal((await cluster.nodes()).value.length, 2)
  assert.equal((await cluster.stats()).value.length, 1)
})

test('an aborted question ends at once', async t => {
  const silent = await fake(t, {})
  silent.isSilent = true
  const stop = new AbortController()
  const asking = clusterOf({ nsqds: [silent.address], requestTimeoutMs: 60_000 }).stats({}, stop.signal)
  await eventually(() => Promise.resolve(silent.open > 0))
  stop.abort()
  await assert.rejects(asking, { code: 'E_CLUSTER' })
})

test('an IPv6 address has brackets in a node', async t => {
  const lookupd = await fake(t, {
    '/nodes': { producers: [producer(NOBODY, { broadcast_address: '::1', remote_address: '' })] },
  })
  const { value } = await clusterOf({ lookupds: [lookupd.address] }).nodes()
  assert.equal(value[0]?.node, '[::1]:1')
  assert.deepEqual(value[0]?.remoteAddresses, [`${lookupd.address}/N/A`])
})
