/** What nsqds show of waiting messages, put together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterOf, fake, nsqdReplies, Refusal, topicReply } from './rig.ts'

const TOPIC = topicReply('t', [{ channel_name: 'c' }])

function message(id: string, state = 'waiting', until: number | null = null): Record<string, unknown> {
  const body = { size: 1, body: 'x', encoding: 'utf8' }
  return { id, timestamp: '1700000000000000001', attempts: 0, ...body, state, until }
}

test('those that wait come in turns, then those in flight, then deferred ones by their time', async t => {
  const lists = [
    [
      message('a1'),
      message('a2'),
      message('a3'),
      message('af', 'inFlight', 9),
      message('ad', 'deferred', 20),
    ],
    [message('b1'), message('bd', 'deferred', 10), message('bf', 'inFlight', 8)],
  ]
  const nsqds = await Promise.all(
    lists.map(messages => fake(t, nsqdReplies([TOPIC], { '/peek': { messages } }))),
  )
  const cluster = clusterOf({ nsqds: nsqds.map(({ address }) => address) })
  const { value, warnings } = await cluster.peek('t', 'c', 10, 100)
  assert.deepEqual(warnings, [])
  const ids = value.messages.map(({ id }) => id)
  const [first = '', second = ''] = cluster.nsqds
    .toSorted()
    .map(address => (address === nsqds[0]?.address ? 'a' : 'b'))
  const [long, short] = [`${first}1`, `${second}1`]
  assert.deepEqual(ids, [long, short, 'a2', 'a3', 'bf', 'af', 'bd', 'ad'])
  assert.equal(value.messages[0]?.timestamp, '1700000000000000001')
  assert.equal((await cluster.peek('t', 'c', 3, 100)).value.messages.length, 3)
  assert.ok(nsqds[0]?.asked.includes('/peek?topic=t&channel=c&n=10&max_body=100'))
})

test('an official nsqd cannot; one without the channel has none; one that fails is a warning', async t => {
  const ours = await fake(t, nsqdReplies([TOPIC], { '/peek': { messages: [message('a')] } }))
  const official = await fake(t, nsqdReplies([TOPIC]))
  const without = await fake(
    t,
    nsqdReplies([topicReply('t')], { '/peek': new Refusal(404, 'CHANNEL_NOT_FOUND') }),
  )
  const broken = await fake(
    t,
    nsqdReplies([TOPIC], { '/peek': { messages: [{ ...message('x'), state: 'gone' }] } }),
  )
  const nsqds = [ours, official, without, broken].map(({ address }) => address)
  const { value, warnings } = await clusterOf({ nsqds }).peek('t', 'c', 10, 100)
  assert.deepEqual(
    value.messages.map(({ id, node }) => ({ id, node })),
    [{ id: 'a', node: ours.address }],
  )
  assert.deepEqual(value.unsupported, [official.address])
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, /messages\[0\]\.state is not one of/.test(message)]),
    [['E_NSQD_REPLY', true]],
  )
  await assert.rejects(clusterOf({ nsqds: [broken.address] }).peek('t', 'c', 10, 100), { code: 'E_CLUSTER' })
})

test('an unknown topic or channel is said to be unknown', async t => {
  const nsqd = await fake(t, nsqdReplies([TOPIC], { '/peek': new Refusal(404, 'CHANNEL_NOT_FOUND') }))
  const cluster = clusterOf({ nsqds: [nsqd.address] })
  await assert.rejects(cluster.peek('nope', undefined, 10, 100), { code: 'E_TOPIC_NOT_FOUND' })
  await assert.rejects(cluster.peek('t', 'nope', 10, 100), { code: 'E_CHANNEL_NOT_FOUND' })
})
