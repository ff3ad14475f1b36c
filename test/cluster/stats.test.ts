import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { nsqdPorts, topicStats } from '../../src/cluster/stats.ts'
import { FakeLookupd } from '../client/fake-lookupd.ts'

const fakes: FakeLookupd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

/** An HTTP API that answers everything with this. */
async function answering(body: unknown, status = 200): Promise<FakeLookupd> {
  const fake = await FakeLookupd.start()
  fakes.push(fake)
  fake.reply = () => ({ status, body: typeof body === 'string' ? body : JSON.stringify(body) })
  return fake
}

const CHANNEL = { channel_name: 'c', depth: 2, in_flight_count: 3, deferred_count: 4, paused: true }
const TOPIC = { topic_name: 't', depth: 1, paused: false, channels: [CHANNEL] }
const EXPECTED = {
  name: 't',
  depth: 1,
  backendDepth: 0,
  messages: 0,
  messageBytes: 0,
  paused: false,
  latency: undefined,
  refused: undefined,
  dropped: undefined,
  expired: undefined,
  channels: [
    {
      name: 'c',
      depth: 2,
      backendDepth: 0,
      inFlight: 3,
      deferred: 4,
      messages: 0,
      requeued: 0,
      timedOut: 0,
      zoneLocal: 0,
      regionLocal: 0,
      global: 0,
      clientCount: 0,
      clients: [],
      paused: true,
      latency: undefined,
      dropped: undefined,
      expired: undefined,
      orphaned: undefined,
    },
  ],
}
const NAMES = { topic: 't', channel: 'c' }

test('topicStats reads /stats, bare or in the old envelope', async () => {
  const bare = await answering({ topics: [{ ...TOPIC, topic_name: 'other' }, TOPIC] })
  assert.deepEqual(await topicStats(bare.address, NAMES), EXPECTED)
  assert.match(bare.asked[0] ?? '', /^\/stats\?format=json&topic=t&channel=c&/)
  const old = await answering({ status_code: 200, status_txt: 'OK', data: { topics: [TOPIC] } })
  assert.deepEqual(await topicStats(`http://${old.address}/`, NAMES), EXPECTED)
})

test('what only our nsqd says is read where it is said, and checked', async () => {
  const channel = { ...CHANNEL, dropped_count: 5, expired_count: 6, orphaned: true }
  const topic = { ...TOPIC, refused_count: 7, dropped_count: 8, expired_count: 9, channels: [channel] }
  const read = await topicStats((await answering({ topics: [topic] })).address, NAMES)
  assert.deepEqual(read, {
    ...EXPECTED,
    refused: 7,
    dropped: 8,
    expired: 9,
    channels: [{ ...EXPECTED.channels[0], dropped: 5, expired: 6, orphaned: true }],
  })
  const wrong = [
    [{ ...topic, refused_count: '7' }, 'topics[0].refused_count is not an integer'],
    [{ ...topic, channels: [{ ...channel, orphaned: 1 }] }, 'channels[0].orphaned is not true or false'],
  ] as const
  for (const [each, message] of wrong) {
    const { address } = await answering({ topics: [each] })
    await assert.rejects(topicStats(address, NAMES), (error: Error) => error.message.endsWith(message))
  }
})

test('a topic that is not there is undefined', async () => {
  for (const topics of [[], null]) {
    assert.equal(await topicStats((await answering({ topics })).address, NAMES), undefined)
  }
})

test('nsqdPorts reads /info', async () => {
  const { address } = await answering({ version: '1.3.0', tcp_port: 4150, http_port: 4151 })
  assert.deepEqual(await nsqdPorts(address), { tcpPort: 4150, httpPort: 4151 })
})

test('what is no nsqd is named', async () => {
  const { address } = await answering({ topics: [{ ...TOPIC, depth: 'deep' }] })
  await assert.rejects(topicStats(address, NAMES), {
    code: 'E_NSQD_REPLY',
    message: `http://${address}/stats?format=json&topic=t&channel=c&include_clients=false&include_mem=false did not answer like nsqd: topics[0].depth is not an integer`,
  })
  await assert.rejects(nsqdPorts((await answering('no', 404)).address), { code: 'E_HTTP_STATUS' })
})
