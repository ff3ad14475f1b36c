import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { test, type TestContext } from 'node:test'
import { http } from '../client/daemons.ts'
import { clusterOf, daemons, eventually, fake, nsqdReplies, producer, Refusal, topicReply } from './rig.ts'

const NOBODY = '127.0.0.1:1'

test('one message, several, and deferred ones, to an nsqd that has the topic', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
  const [one, two] = nsqds
  assert.ok(one && two)
  one.topic('t').channel('c')
  await eventually(async () => (await cluster.producersOf('t')).value.length === 1)
  assert.deepEqual(await cluster.publish('t', Buffer.from('a')), { node: http(one) })
  await cluster.publish('t', [Buffer.from('b'), Buffer.from([0, 1, 0x0a])])
  await cluster.publish('t', [Buffer.from('d'), Buffer.from('e')], { deferMs: 60_000 })
  const channel = one.topics.get('t')?.channels.get('c')
  assert.equal(one.topics.get('t')?.messageCount, 5)
  await eventually(() => Promise.resolve((channel?.depth ?? 0) + (channel?.deferredCount ?? 0) === 5))
  assert.equal(two.topics.size, 0)
  assert.deepEqual(await cluster.publish('t', Buffer.from('x'), { node: http(two) }), { node: http(two) })
  assert.equal(two.topics.get('t')?.messageCount, 1)
})

test('a topic that nobody has goes to any nsqd; a node that is none of the cluster is not asked', async t => {
  const { cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
  const { node } = await cluster.publish('fresh', Buffer.from('a'))
  assert.ok((await cluster.nodes()).value.some(each => each.node === node))
  const stranger = await fake(t, { '/pub': 'OK' })
  await assert.rejects(cluster.publish('t', Buffer.from('a'), { node: stranger.address }), {
    code: 'E_NODE_NOT_FOUND',
  })
  assert.deepEqual(stranger.asked, [])
  const empty = await daemons(t, { lookupds: 1 })
  await assert.rejects(empty.cluster.publish('t', Buffer.from('a')), { code: 'E_CLUSTER' })
})

test('the next nsqd is tried when one cannot be reached, but not when one refuses', async t => {
  const good = await fake(t, nsqdReplies([topicReply('t')], { '/pub': 'OK' }))
  const producers = [producer(NOBODY), producer(good.address)]
  const lookupd = await fake(t, { '/lookup': { channels: [], producers } })
  const cluster = clusterOf({ lookupds: [lookupd.address] })
  for (let i = 0; i < 8; i++) {
    assert.deepEqual(await cluster.publish('t', Buffer.from('a')), { node: good.address })
  }
  for (const [reply, message] of [
    [new Refusal(413, 'MSG_TOO_BIG'), /answered 413 MSG_TOO_BIG/],
    ['<html>', /answered 200 without OK/],
  ] as const) {
    const nsqd = await fake(t, nsqdReplies([topicReply('t')], { '/pub': reply }))
    const refused = clusterOf({ nsqds: [nsqd.address] }).publish('t', Buffer.from('a'))
    await assert.rejects(refused, { code: 'E_HTTP_STATUS', message })
    assert.equal(nsqd.asked.filter(path => path.startsWith('/pub')).length, 1)
  }
})

/** Two nsqds that have the topic and answer a publication as told; who knows them, and what they got. */
async function dying(
  t: TestContext,
  answer: (nsqd: Server, request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ lookupds: string[]; published: string[] }> {
  const nsqds: string[] = []
  const published: string[] = []
  for (let i = 0; i < 2; i++) {
    const nsqd = createServer((request, response) => {
      published.push(request.url ?? '')
      answer(nsqd, request, response)
    })
    t.after(() => nsqd.close())
    nsqd.listen(0, '127.0.0.1')
    await once(nsqd, 'listening')
    const address = nsqd.address()
    assert.ok(address !== null && typeof address === 'object')
    nsqds.push(`127.0.0.1:${address.port}`)
  }
  const producers = nsqds.map(address => producer(address))
  const lookupd = await fake(t, { '/lookup': { channels: [], producers } })
  return { lookupds: [lookupd.address], published }
}

test('what may have reached an nsqd that dies is not published to another, too', async t => {
  const { lookupds, published } = await dying(t, (_, { socket }) => socket.destroy())
  const publishing = clusterOf({ lookupds }).publish('t', Buffer.from('a'))
  await assert.rejects(publishing, { code: 'E_HTTP_CONNECT' })
  assert.equal(published.length, 1)
})

test('nor what it got before it died, and it is said how much that was', async t => {
  const { lookupds, published } = await dying(t, (nsqd, _, response) => {
    nsqd.close()
    response.writeHead(200, { Connection: 'close' }).end('OK')
  })
  const bodies = ['a', 'b', 'c'].map(body => Buffer.from(body))
  const publishing = clusterOf({ lookupds }).publish('t', bodies, { deferMs: 1000 })
  await assert.rejects(publishing, {
    code: 'E_CLUSTER',
    message: /^1 of 3 messages were published; .*ECONNREFUSED/,
  })
  assert.equal(published.length, 1)
})
