/** What nsqds put before a channel again, put together. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterOf, fake, nsqdReplies, Refusal, topicReply } from './rig.ts'

const TOPIC = topicReply('t', [{ channel_name: 'c' }])
const COUNTS = { messages: 3, bytes: 120, waiting: 1, oldest: 1_700_000_000_000 }

test('each nsqd says what it comes to; what it is asked for', async t => {
  const nsqds = await Promise.all(
    [COUNTS, { ...COUNTS, messages: 0, oldest: null }].map(reply =>
      fake(t, nsqdReplies([TOPIC], { '/channel/replay': reply })),
    ),
  )
  const nodes = nsqds.map(({ address }) => address)
  const cluster = clusterOf({ nsqds: nodes })
  const query = { topic: 't', channel: 'c', since: 1, isDry: true, nodes }
  const { value, warnings } = await cluster.replay(query)
  assert.deepEqual(warnings, [])
  assert.deepEqual(
    new Set(value.nsqds),
    new Set([
      { node: nodes[0], ...COUNTS },
      { node: nodes[1], ...COUNTS, messages: 0, oldest: null },
    ]),
  )
  assert.deepEqual([value.unsupported, value.missing], [[], []])
  await cluster.replay({ ...query, until: 2, isDry: false, nodes: nodes.slice(0, 1) })
  assert.deepEqual(nsqds[0]?.asked, [
    '/channel/replay?topic=t&channel=c&since=1',
    '/channel/replay?topic=t&channel=c&since=1&until=2',
  ])
  assert.equal(nsqds[1]?.asked.length, 1)
})

test('an official nsqd cannot; one lacks the channel; one answers nonsense', async t => {
  const official = await fake(t, nsqdReplies([TOPIC]))
  const without = await fake(t, { '/channel/replay': new Refusal(404, 'CHANNEL_NOT_FOUND') })
  const broken = await fake(t, { '/channel/replay': { ...COUNTS, waiting: 'many' } })
  const nodes = [official, without, broken].map(({ address }) => address)
  const query = { topic: 't', channel: 'c', since: 1, isDry: false, nodes }
  const { value, warnings } = await clusterOf({ nsqds: nodes }).replay(query)
  assert.deepEqual(value, { nsqds: [], unsupported: [official.address], missing: [without.address] })
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, /waiting is not an integer/.test(message)]),
    [['E_NSQD_REPLY', true]],
  )
  await assert.rejects(clusterOf({ nsqds: nodes }).replay({ ...query, nodes: [broken.address] }), {
    code: 'E_CLUSTER',
  })
})
