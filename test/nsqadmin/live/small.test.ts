import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChannelStats, NsqdStats } from '../../../src/cluster/stats.ts'
import { sumTopics } from '../../../src/cluster/totals.ts'
import { cutBody } from '../../../src/nsqadmin/live/body.ts'
import { WallClock } from '../../../src/nsqadmin/live/clock.ts'
import { Counter } from '../../../src/nsqadmin/live/counter.ts'
import { nearNames } from '../../../src/nsqadmin/live/near.ts'
import { orphanWarnings } from '../../../src/nsqadmin/live/warnings.ts'

test('near names: slips of the keys, and names that have the word in them, the nearest first', () => {
  const names = ['orders', 'orders.mail', 'order', 'users', 'zzz', 'Orders-2']
  assert.deepEqual(nearNames('ordres', names), ['orders', 'order'])
  assert.deepEqual(nearNames('ORDERS', names), ['orders', 'order', 'Orders-2', 'orders.mail'])
  assert.deepEqual(nearNames('x', ['y', 'zzz']), ['y'])
  assert.deepEqual(nearNames('', ['abc']), [])
  const many = Array.from({ length: 10_000 }, (_, i) => `topic-${i}`)
  assert.equal(nearNames('topic-77x7', many).length, 5)
  assert.ok(nearNames('topic-9999', many).includes('topic-9999'))
})

test('a body is cut at a character, and one that is not text at a byte', () => {
  assert.deepEqual(cutBody(Buffer.from('hällo'), 100), { bytes: Buffer.from('hällo'), encoding: 'utf8' })
  assert.equal(cutBody(Buffer.from('hällo'), 2).bytes.toString(), 'h')
  assert.equal(cutBody(Buffer.from('hällo'), 3).bytes.toString(), 'hä')
  assert.equal(cutBody(Buffer.from('😀😀'), 7).bytes.toString(), '😀')
  const binary = Buffer.from([0x61, 0x62, 0xff])
  // The whole decides, not what is shown of it.
  assert.deepEqual(cutBody(binary, 2), { bytes: binary.subarray(0, 2), encoding: 'base64' })
  assert.deepEqual(cutBody(Buffer.alloc(0), 2), { bytes: Buffer.alloc(0), encoding: 'utf8' })
})

function nsqd(
  node: string,
  startTime: number,
  ...channels: [messages: number, waiting: number][]
): NsqdStats {
  const nothing = { messages: 0, backendDepth: 0, paused: false, latency: undefined }
  const topic = {
    ...nothing,
    name: 't',
    depth: 0,
    messageBytes: 0,
    channels: channels.map(([messages, depth], i) => ({
      ...nothing,
      name: `c${i}`,
      depth,
      messages,
      inFlight: 0,
      deferred: 0,
      requeued: 0,
      timedOut: 0,
      zoneLocal: 0,
      regionLocal: 0,
      global: 0,
      clientCount: 0,
      clients: [],
    })),
  }
  const about = { hostname: '', version: '', health: 'OK', answeredAt: 0, producers: [] }
  return { ...about, node, startTime, topics: [topic] }
}

/** Where so many of nine channels are orphaned. */
function orphanWarning(orphaned: number): string | undefined {
  const stats = nsqd('a', 1, ...Array.from({ length: 9 }, (): [number, number] => [1, 1]))
  const mark = (channel: ChannelStats, i: number) => ({ ...channel, orphaned: i < orphaned || undefined })
  const topics = stats.topics.map(topic => ({ ...topic, channels: topic.channels.map(mark).reverse() }))
  const warnings = orphanWarnings(sumTopics([{ ...stats, topics }]))
  assert.ok(warnings.length <= 1)
  return warnings[0]?.message
}

test('channels that nobody reads are one warning, however many they are', () => {
  assert.equal(orphanWarning(0), undefined)
  assert.equal(orphanWarning(1), '1 channel is orphaned: t/c0')
  assert.equal(orphanWarning(5), '5 channels are orphaned: t/c0, t/c1, t/c2, t/c3, t/c4')
  assert.equal(orphanWarning(7), '7 channels are orphaned: t/c0, t/c1, t/c2, t/c3, t/c4 and 2 more')
})

test('the counter adds up what was finished, and never goes back', () => {
  const counter = new Counter()
  const finished = (...stats: NsqdStats[]): number => {
    counter.observe(stats)
    return counter.finished
  }
  assert.equal(finished(nsqd('a', 1, [10, 4], [10, 0])), 16)
  assert.equal(finished(nsqd('a', 1, [12, 4], [12, 0]), nsqd('b', 1, [5, 0])), 25)
  // Away, and caught up with.
  assert.equal(finished(nsqd('b', 1, [6, 0])), 26)
  assert.equal(finished(nsqd('a', 1, [20, 4], [12, 0]), nsqd('b', 1, [6, 0])), 34)
  // Started anew, with messages of before that wait: they count when they are finished, as all others.
  assert.equal(finished(nsqd('a', 2, [0, 4], [0, 0]), nsqd('b', 1, [6, 0])), 34)
  assert.equal(finished(nsqd('a', 2, [3, 5], [3, 0]), nsqd('b', 1, [6, 0])), 39)
  assert.equal(finished(nsqd('a', 2, [3, 0], [3, 0]), nsqd('b', 1, [6, 0])), 44)
  // A channel is deleted, which hides nothing of what others finish.
  assert.equal(finished(nsqd('a', 2, [4, 0]), nsqd('b', 1, [6, 0])), 45)
  // One of that name is made again.
  assert.equal(finished(nsqd('a', 2, [4, 0], [2, 0]), nsqd('b', 1, [6, 0])), 47)
  assert.equal(finished(nsqd('a', 2, [1, 0], [2, 0]), nsqd('b', 1, [6, 0])), 47)
  assert.equal(finished(nsqd('a', 2, [2, 0], [2, 0]), nsqd('b', 1, [6, 0])), 48)
})

test('the clock runs evenly, and follows when the system’s is set', () => {
  let [system, steady] = [1_000_000, 100]
  const clock = new WallClock(
    () => system,
    () => steady,
  )
  assert.equal(clock.now(), 1_000_000)
  steady += 2000
  // Slewed by less than a second: no kink.
  system += 1500
  assert.equal(clock.now(), 1_002_000)
  assert.equal(clock.at(1100), 1_001_000)
  system = 500_000
  assert.equal(clock.now(), 500_000)
  // What was measured before is still before it.
  assert.equal(clock.at(1100), 499_000)
})
