import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Producer, Registry } from '../../src/nsqlookupd/registry.ts'

const SECOND = 1000

function producer(n: number): Producer {
  return {
    id: `127.0.0.1:${50_000 + n}`,
    hostname: `host${n}`,
    broadcastAddress: `10.0.0.${n}`,
    tcpPort: 4150,
    httpPort: 4151,
    version: '1.3.0',
    topologyZone: '',
    topologyRegion: '',
    lastUpdate: 0,
  }
}

/** A registry on a clock of its own, with two producers that have identified themselves. */
function setUp() {
  const clock = { ms: 1_000_000 }
  const registry = new Registry({
    inactiveTimeoutMs: 300 * SECOND,
    tombstoneLifetimeMs: 45 * SECOND,
    now: () => clock.ms,
  })
  const [a, b] = [producer(1), producer(2)]
  registry.seen(a)
  registry.seen(b)
  return { registry, clock, a, b }
}

test('a registered topic and channel have their producers', () => {
  const { registry, a, b } = setUp()
  registry.register(a, 't', 'c2')
  registry.register(b, 't', 'c1')
  registry.register(b, 'u')
  assert.deepEqual(registry.topics(), ['t', 'u'])
  assert.deepEqual(registry.channels('t'), ['c1', 'c2'])
  assert.deepEqual(registry.producersOf('t'), [a, b])
  assert.deepEqual(registry.producersOf('u'), [b])
})

test('an unknown topic', () => {
  const { registry, a } = setUp()
  assert.equal(registry.hasTopic('none'), false)
  assert.deepEqual(registry.channels('none'), [])
  assert.deepEqual(registry.producersOf('none'), [])
  assert.deepEqual(registry.tombstone('none', '10.0.0.1:4151'), [])
  assert.equal(registry.deleteChannel('none', 'c'), false)
  registry.unregisterTopic(a, 'none')
  registry.unregisterChannel(a, 'none', 'c')
  assert.deepEqual(registry.topics(), [])
})

test('topics and channels outlive their producers, ephemeral ones do not', () => {
  const { registry, a, b } = setUp()
  for (const one of [a, b]) {
    registry.register(one, 't', 'c')
    registry.register(one, 't', 'c#ephemeral')
    registry.register(one, 't#ephemeral', 'c')
  }
  registry.leave(a)
  assert.deepEqual(registry.topics(), ['t', 't#ephemeral'])
  assert.deepEqual(registry.channels('t'), ['c', 'c#ephemeral'])
  assert.deepEqual(registry.producersOf('t'), [b])
  registry.leave(b)
  assert.deepEqual(registry.topics(), ['t'])
  assert.deepEqual(registry.channels('t'), ['c'])
  assert.deepEqual(registry.producersOf('t'), [])
  assert.deepEqual([...registry.registrations()], [])
})

test('unregistering a channel leaves the topic; unregistering the topic takes its channels along', () => {
  const { registry, a } = setUp()
  registry.register(a, 't', 'c')
  registry.register(a, 't', 'd#ephemeral')
  registry.unregisterChannel(a, 't', 'd#ephemeral')
  assert.deepEqual(registry.channels('t'), ['c'])
  assert.deepEqual(registry.producersOf('t'), [a])
  registry.unregisterTopic(a, 't')
  assert.deepEqual(registry.producersOf('t'), [])
  assert.deepEqual(registry.channels('t'), ['c'])
  const left = [...registry.registrations()].filter(({ category }) => category !== 'client')
  assert.deepEqual(left, [])
})

test('what is created has no producer yet; what is deleted is gone', () => {
  const { registry, a } = setUp()
  registry.createTopic('t')
  registry.createChannel('u', 'c')
  assert.deepEqual(registry.topics(), ['t', 'u'])
  assert.deepEqual(registry.channels('u'), ['c'])
  registry.register(a, 'u', 'c')
  assert.equal(registry.deleteChannel('u', 'c'), true)
  assert.equal(registry.deleteChannel('u', 'c'), false)
  registry.deleteTopic('u')
  registry.deleteTopic('u')
  assert.deepEqual(registry.topics(), ['t'])
})

test('a producer not heard of for longer than the timeout is left out until it pings', () => {
  const { registry, clock, a, b } = setUp()
  registry.register(a, 't')
  clock.ms += 300 * SECOND
  assert.deepEqual(registry.producersOf('t'), [a])
  registry.seen(b)
  clock.ms += 1
  assert.deepEqual(registry.producersOf('t'), [])
  assert.deepEqual(
    registry.nodes().map(node => node.producer),
    [b],
  )
  registry.seen(a)
  assert.deepEqual(registry.producersOf('t'), [a])
  assert.equal(registry.nodes().length, 2)
})

test('a tombstone hides one node of one topic, visibly, for its lifetime', () => {
  const { registry, clock, a, b } = setUp()
  for (const one of [a, b]) registry.register(one, 't', 'c')
  registry.register(a, 'u')
  const until = clock.ms + 45 * SECOND
  const tombstone = { topic: 't', producer: a, since: clock.ms, until }
  assert.deepEqual(registry.tombstone('t', '10.0.0.1:4151'), [tombstone])
  assert.deepEqual(registry.tombstone('t', '10.0.0.9:4151'), [])

  assert.deepEqual(registry.producersOf('t'), [b])
  assert.deepEqual(registry.producersOf('u'), [a])
  assert.deepEqual(registry.tombstones(), [tombstone])
  assert.deepEqual(registry.nodes(), [
    {
      producer: a,
      topics: [
        { topic: 't', tombstoned: true },
        { topic: 'u', tombstoned: false },
      ],
    },
    { producer: b, topics: [{ topic: 't', tombstoned: false }] },
  ])
  const marked = [...registry.registrations()].filter(({ tombstoned }) => tombstoned)
  assert.deepEqual(
    marked.map(({ category, topic, tombstonedAt }) => [category, topic, tombstonedAt]),
    [['topic', 't', clock.ms]],
  )

  registry.register(a, 't', 'd') // does not lift it
  clock.ms = until - 1
  assert.deepEqual(registry.producersOf('t'), [b])
  clock.ms = until
  assert.deepEqual(registry.producersOf('t'), [a, b])
  assert.deepEqual(registry.tombstones(), [])
})

test('a producer that unregisters a tombstoned topic and registers it again is back', () => {
  const { registry, a } = setUp()
  registry.register(a, 't')
  registry.tombstone('t', '10.0.0.1:4151')
  registry.unregisterTopic(a, 't')
  registry.register(a, 't')
  assert.deepEqual(registry.producersOf('t'), [a])
})

test('registrations list clients, topics and channels', () => {
  const { registry, a } = setUp()
  registry.register(a, 't', 'c')
  assert.deepEqual(
    [...registry.registrations()].map(({ category, topic, channel, producer }) => [
      category,
      topic,
      channel,
      producer.id,
    ]),
    [
      ['client', '', '', '127.0.0.1:50001'],
      ['client', '', '', '127.0.0.1:50002'],
      ['topic', 't', '', '127.0.0.1:50001'],
      ['channel', 't', 'c', '127.0.0.1:50001'],
    ],
  )
})

test('an nsqd that connects anew is there once, with what it registers now', () => {
  const { registry, a, b } = setUp()
  registry.register(a, 'kept')
  registry.register(a, 'deleted meanwhile')
  const again = { ...a, id: '127.0.0.1:60001' }
  registry.seen(again)
  registry.register(again, 'kept')
  assert.deepEqual(registry.producersOf('kept'), [again])
  assert.deepEqual(registry.producersOf('deleted meanwhile'), [])
  assert.deepEqual(
    registry.nodes().map(({ producer }) => producer),
    [b, again],
  )
  assert.deepEqual(registry.producerCounts, { active: 2, all: 3 })

  // Two that say the same of themselves, from one host: both are there.
  registry.seen(a)
  assert.deepEqual(registry.producersOf('kept'), [a, again])
  // From different hosts, or at different ports, they are different ones.
  registry.seen({ ...again, id: '127.0.0.2:60001' })
  registry.seen({ ...again, id: '127.0.0.1:60002', tcpPort: 4152 })
  assert.deepEqual(registry.producersOf('kept'), [a, again])
})
