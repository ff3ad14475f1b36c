/** Rates and totals, from numbers made up here. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Rates } from '../../src/cluster/rates.ts'
import type { ChannelStats, NsqdStats, TopicStats } from '../../src/cluster/stats.ts'
import { sumChannel, sumTopic, sumTopics } from '../../src/cluster/totals.ts'

function channel(name: string, more: Partial<ChannelStats> = {}): ChannelStats {
  const counts = {
    depth: 0,
    backendDepth: 0,
    inFlight: 0,
    deferred: 0,
    messages: 0,
    requeued: 0,
    timedOut: 0,
  }
  const local = { zoneLocal: 0, regionLocal: 0, global: 0 }
  return {
    name,
    ...counts,
    ...local,
    clientCount: 0,
    clients: [],
    paused: false,
    latency: undefined,
    ...more,
  }
}

function topic(name: string, channels: ChannelStats[] = [], more: Partial<TopicStats> = {}): TopicStats {
  const counts = { depth: 0, backendDepth: 0, messages: 0, messageBytes: 0 }
  return { name, ...counts, paused: false, latency: undefined, channels, ...more }
}

function nsqd(node: string, topics: TopicStats[], more: Partial<NsqdStats> = {}): NsqdStats {
  const about = { hostname: '', version: '', health: 'OK', startTime: 1, answeredAt: 0, producers: [] }
  return { node, ...about, topics, ...more }
}

/** With the topic t and its channel c, which both have had so many messages. */
function at(node: string, messages: number, startTime = 1): NsqdStats {
  return nsqd(node, [topic('t', [channel('c', { messages })], { messages })], { startTime })
}

/** With these topics, each of which has had a message. */
function some(...names: string[]): NsqdStats[] {
  const channels = [channel('c', { messages: 1 })]
  return [
    nsqd(
      'a',
      names.map(name => topic(name, channels, { messages: 1 })),
    ),
  ]
}

describe('Rates', () => {
  test('are of the time that passed, over all nsqds and at each', () => {
    const rates = new Rates()
    rates.observe([
      nsqd('a', [topic('t', [channel('c', { messages: 10, depth: 10 })], { messages: 10 })], {
        answeredAt: 1000,
      }),
      nsqd('b', [topic('t', [channel('c'), channel('d')])], { answeredAt: 1500 }),
    ])
    assert.equal(rates.topic('t'), undefined)
    assert.equal(rates.total(), undefined)
    rates.observe([
      // In two seconds: 20 came, 24 went, 4 are in flight, 2 deferred.
      nsqd(
        'a',
        [topic('t', [channel('c', { messages: 30, depth: 0, inFlight: 4, deferred: 2 })], { messages: 30 })],
        { answeredAt: 3000 },
      ),
      // In one: 5 came to the topic, and went through both channels.
      nsqd(
        'b',
        [topic('t', [channel('c', { messages: 5 }), channel('d', { messages: 5 })], { messages: 5 })],
        {
          answeredAt: 2500,
        },
      ),
    ])
    assert.deepEqual(rates.channel('t', 'c', 'a'), { in: 10, out: 12 })
    assert.deepEqual(rates.channel('t', 'c'), { in: 15, out: 17 })
    assert.deepEqual(rates.topic('t', 'b'), { in: 5, out: 10 })
    assert.deepEqual(rates.topic('t'), { in: 15, out: 22 })
    assert.deepEqual(rates.node('a'), { in: 10, out: 12 })
    assert.deepEqual(rates.total(), { in: 15, out: 22 })
    assert.equal(rates.topic('nope'), undefined)
    assert.equal(rates.channel('t', 'nope'), undefined)
    assert.equal(rates.node('nope'), undefined)
    assert.equal(rates.topic('t', 'nope'), undefined)
  })

  test('of a message that is requeued or deferred again: it has not left, and what is put back is not negative', () => {
    const rates = new Rates()
    rates.observe([nsqd('a', [topic('t', [channel('c', { messages: 3, inFlight: 1 })], { messages: 3 })])], 0)
    rates.observe([nsqd('a', [topic('t', [channel('c', { messages: 3, depth: 2 })], { messages: 3 })])], 1000)
    assert.deepEqual(rates.channel('t', 'c'), { in: 0, out: 0 })
  })

  test('a restart, a counter set back, and an nsqd that was away give none, the others do', () => {
    const rates = new Rates()
    rates.observe([at('a', 10), at('b', 10), at('c', 10)], 0)
    rates.observe([at('a', 20), at('b', 50, 2), at('c', 5)], 1000)
    assert.deepEqual(rates.topic('t'), { in: 10, out: 10 })
    assert.equal(rates.topic('t', 'b'), undefined)
    assert.equal(rates.topic('t', 'c'), undefined)
    rates.observe([at('b', 60, 2), at('c', 6)], 2000)
    assert.deepEqual(rates.topic('t'), { in: 11, out: 11 })
    rates.observe([at('a', 90), at('b', 60, 2), at('c', 6)], 3000)
    assert.equal(rates.topic('t', 'a'), undefined)
    rates.observe([], 4000)
    assert.equal(rates.topic('t'), undefined)
  })

  test('topics and channels that go are forgotten, and begin anew', () => {
    const rates = new Rates()
    rates.observe(some('t', 'u'), 0)
    rates.observe(some('t'), 1000)
    rates.observe(some('t', 'u'), 2000)
    assert.deepEqual(rates.topic('t'), { in: 0, out: 0 })
    assert.equal(rates.topic('u'), undefined)
    rates.observe(some('t', 'u'), 3000)
    assert.deepEqual(rates.topic('u'), { in: 0, out: 0 })
  })

  test('no time between two looks makes none', () => {
    const rates = new Rates()
    rates.observe([nsqd('a', [topic('t')])], 5)
    rates.observe([nsqd('a', [topic('t')])], 5)
    assert.equal(rates.topic('t'), undefined)
  })
})

describe('totals', () => {
  const stats = [
    nsqd('a', [
      topic(
        't',
        [
          channel('c', {
            depth: 1,
            backendDepth: 1,
            inFlight: 2,
            deferred: 3,
            messages: 4,
            requeued: 5,
            timedOut: 6,
            clientCount: 7,
            dropped: 8,
            expired: 9,
            orphaned: true,
            latency: {
              count: 1,
              percentiles: [
                { quantile: 0.99, value: 5 },
                { quantile: 0.5, value: 1 },
              ],
            },
          }),
        ],
        { depth: 10, backendDepth: 4, messages: 20, paused: true, refused: 1, dropped: 2, expired: 3 },
      ),
    ]),
    nsqd('b', [
      topic('u'),
      topic(
        't',
        [
          channel('c', {
            depth: 1,
            paused: true,
            latency: { count: 2, percentiles: [{ quantile: 0.99, value: 3 }] },
          }),
          channel('d', { depth: 1, dropped: 1 }),
        ],
        { depth: 1, messages: 1 },
      ),
    ]),
  ]

  test('a topic has what waits in its channels and in none', () => {
    const sum = sumTopic('t', stats)
    assert.ok(sum)
    const { channels, latency, ...rest } = sum
    assert.deepEqual(rest, {
      name: 't',
      depth: 14,
      undistributed: 11,
      backendDepth: 5,
      inFlight: 2,
      deferred: 3,
      messages: 21,
      requeued: 5,
      timedOut: 6,
      clients: 7,
      refused: 1,
      dropped: 11,
      expired: 12,
      orphaned: true,
      paused: true,
      nsqds: 2,
    })
    assert.deepEqual([...channels.keys()], ['c', 'd'])
    assert.equal(latency, undefined)
    assert.deepEqual([...sumTopics(stats).keys()].sort(), ['t', 'u'])
    assert.deepEqual(sumTopics(stats).get('t'), sum)
  })

  test('a channel has the worst latency of its nsqds', () => {
    const sum = sumChannel('t', 'c', stats)
    assert.equal(sum?.depth, 2)
    assert.equal(sum?.paused, true)
    assert.deepEqual([sum?.refused, sum?.dropped, sum?.expired, sum?.orphaned], [0, 8, 9, true])
    assert.equal(sumChannel('t', 'd', stats)?.orphaned, false)
    assert.equal(sum?.nsqds, 2)
    assert.deepEqual(sum?.latency, {
      count: 3,
      percentiles: [
        { quantile: 0.99, value: 5 },
        { quantile: 0.5, value: 1 },
      ],
    })
    assert.equal(sumChannel('t', 'nope', stats), undefined)
    assert.equal(sumTopic('nope', stats), undefined)
  })
})
