import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { type Backlog, BacklogWatch } from '../../../src/cli/archive/backlog.ts'
import { EMPTY } from './fixtures.ts'
import { FakeLookupd } from '../../client/fake-lookupd.ts'

const fakes: FakeLookupd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

interface Numbers {
  depth?: number
  inFlight?: number
  paused?: boolean
  topicDepth?: number
  topicPaused?: boolean
}

/** An HTTP server that is the API of an nsqlookupd, and of the nsqd that it names, `127.0.0.1:4150`. */
async function start(numbers: Numbers = {}): Promise<FakeLookupd> {
  const fake = await FakeLookupd.start()
  fakes.push(fake)
  const [, port] = fake.address.split(':')
  const { depth = 0, inFlight = 0, paused = false, topicDepth = 0, topicPaused = false } = numbers
  const channel = { channel_name: 'c', depth, in_flight_count: inFlight, deferred_count: 0, paused }
  const replies: [path: string, reply: unknown][] = [
    ['/lookup', { producers: [{ broadcast_address: '127.0.0.1', tcp_port: 4150, http_port: Number(port) }] }],
    ['/info', { tcp_port: Number(port) - 1, http_port: Number(port) }],
    [
      '/stats',
      { topics: [{ topic_name: 't', depth: topicDepth, paused: topicPaused, channels: [channel] }] },
    ],
  ]
  fake.reply = path => ({
    status: 200,
    body: JSON.stringify(replies.find(([start]) => path.startsWith(start))?.[1] ?? {}),
  })
  return fake
}

function look(lookupd: readonly string[], nsqd: readonly string[], connections: string[]): Promise<Backlog> {
  const source = {
    topic: 't',
    channel: 'c',
    lookupd,
    nsqd,
    lookupOptions: {},
    connections: () => connections,
    maxInFlight: 2,
    rotateMs: 700,
  }
  return new BacklogWatch(source).look()
}

const NSQD = '127.0.0.1:4150'
test('an nsqd that nsqlookupd names is asked for its channel', async () => {
  assert.deepEqual(await look([(await start()).address], [], [NSQD]), EMPTY)
  assert.deepEqual(await look([(await start({ depth: 2, topicDepth: 1 })).address], [], [NSQD]), {
    ...EMPTY,
    depth: 3,
    flowing: 3,
    isVoid: false,
  })
  // On its way to this consumer, or another one's.
  assert.deepEqual(await look([(await start({ inFlight: 1 })).address], [], [NSQD]), {
    ...EMPTY,
    inFlight: 1,
    isVoid: false,
  })
})

test('what is paused does not flow, and is named when something waits', async () => {
  assert.deepEqual(await look([(await start({ paused: true })).address], [], [NSQD]), EMPTY)
  const channel = await look([(await start({ paused: true, depth: 2 })).address], [], [NSQD])
  assert.deepEqual([channel.depth, channel.flowing], [2, 0])
  assert.deepEqual(channel.paused, [
    'the channel c of the topic t is paused at nsqd 127.0.0.1:4150: 2 messages wait',
  ])
  const topic = await look([(await start({ topicPaused: true, topicDepth: 1 })).address], [], [NSQD])
  assert.deepEqual(topic.paused, ['the topic t is paused at nsqd 127.0.0.1:4150: 1 message waits'])
})

test('an nsqd that is not connected, and an nsqlookupd that does not answer, are out of reach', async () => {
  const { outOfReach, isVoid } = await look([(await start()).address], ['127.0.0.1:9'], [])
  assert.deepEqual(outOfReach.toSorted(), [
    'nsqd 127.0.0.1:4150 cannot be reached',
    'nsqd 127.0.0.1:9 cannot be reached',
  ])
  assert.equal(isVoid, false)
  const dead = await start()
  await dead.close()
  const { outOfReach: reasons } = await look([dead.address], [], [NSQD])
  assert.match(reasons.join(), /\/lookup\?topic=t cannot be reached/)
})

test('an nsqd that was given is asked at the next port, if that says that it is the one', async () => {
  const fake = await start({ depth: 7 })
  const port = Number(fake.address.split(':')[1])
  const nsqd = `127.0.0.1:${port - 1}`
  assert.equal((await look([], [nsqd], [nsqd])).depth, 7)
  // Something else answers there.
  const other = await start({ depth: 7 })
  other.reply = () => ({ status: 200, body: JSON.stringify({ tcp_port: 1, http_port: 2 }) })
  const unknown = `127.0.0.1:${Number(other.address.split(':')[1]) - 1}`
  assert.deepEqual(await look([], [unknown], [unknown]), { ...EMPTY, isVoid: false })
  assert.deepEqual(await look([], ['/run/nsqd.sock'], ['/run/nsqd.sock']), { ...EMPTY, isVoid: false })
})

test('with more connections than messages in flight, who cannot be asked has a turn', async () => {
  const unknown = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']
  assert.equal((await look([], unknown, unknown)).roundMs, 1400)
  assert.equal((await look([], unknown, unknown.slice(1))).roundMs, 0)
  const known = await Promise.all([start(), start(), start()])
  const nsqds = known.map(({ address }) => `127.0.0.1:${Number(address.split(':')[1]) - 1}`)
  assert.equal((await look([], nsqds, nsqds)).roundMs, 0)
})
