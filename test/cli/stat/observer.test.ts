import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Observer } from '../../../src/cli/stat/observer.ts'
import { rowsOf, totalsOf } from '../../../src/cli/stat/rows.ts'
import { select } from '../../../src/cli/stat/selection.ts'
import { otherSort, SORTS, sortRows } from '../../../src/cli/stat/sort.ts'
import { judge, levelOf, verdictText } from '../../../src/cli/stat/thresholds.ts'
import { channel, look, losing, nsqd, report, topic } from './fixtures.ts'

const ALL = { sort: 'name', minDepth: 0, filter: '' } as const

const twoNsqds = (seconds: number, messages: number, depth: number) => [
  nsqd('a', seconds, [
    topic('t', [channel('c', { messages, depth, backendDepth: 1, clientCount: 2 })], { messages }),
  ]),
  nsqd('b', seconds + 0.5, [topic('t', [channel('c', { messages, depth, inFlight: 3, paused: true })])]),
]

const latencyOf = (ms: number) => ({
  count: 1,
  percentiles: [
    { quantile: 0.99, value: ms * 1e6 },
    { quantile: 0.5, value: 1e6 },
  ],
})

describe('reports', () => {
  test('have sums over nsqds, and rates over the time between their answers', () => {
    const { topics, elapsedMs } = report(twoNsqds(10, 100, 10), twoNsqds(14, 180, 50))
    const [row] = topics[0]?.channels ?? []
    assert.ok(row)
    assert.equal(elapsedMs, 4000)
    assert.deepEqual(
      { ...row, trend: [...row.trend] },
      {
        topic: 't',
        channel: 'c',
        depth: 100,
        disk: 1,
        inFlight: 3,
        deferred: 0,
        in: 40,
        out: 20,
        requeued: 0,
        timedOut: 0,
        connections: 2,
        messages: 360,
        refused: 0,
        dropped: 0,
        expired: 0,
        paused: true,
        orphaned: false,
        growing: false,
        trend: [20, 100],
        latency: [],
      },
    )
    assert.equal(topics[0]?.in, 20)
  })

  test('the first look has no rates, nor has an nsqd after its restart', () => {
    const first = report([nsqd('a', 1, [topic('t', [channel('c', { messages: 9 })])])])
    assert.equal(first.topics[0]?.channels[0]?.in, undefined)
    assert.equal(first.elapsedMs, undefined)
    const restarted = report(
      [nsqd('a', 1, [topic('t', [channel('c', { messages: 9 })])], 1000)],
      [nsqd('a', 2, [topic('t', [channel('c', { messages: 3 })])], 2000)],
    )
    assert.equal(restarted.topics[0]?.channels[0]?.in, undefined)
  })

  test('percentiles are those of the worst nsqd', () => {
    const { topics } = report([
      nsqd('a', 1, [
        topic('t', [
          channel('c', { latency: latencyOf(7) }),
          channel('d', { latency: { ...latencyOf(0), count: 0 } }),
        ]),
      ]),
      nsqd('b', 1, [topic('t', [channel('c', { latency: latencyOf(9) })])]),
    ])
    assert.deepEqual(
      topics[0]?.channels.map(({ latency: all }) => all),
      [
        [
          { quantile: 0.5, ms: 1 },
          { quantile: 0.99, ms: 9 },
        ],
        [],
      ],
    )
  })

  test('have what was chosen, in the order of names', () => {
    const stats = [
      nsqd('a', 1, [
        topic('b', [channel('y'), channel('x')], { depth: 5 }),
        topic('a', [channel('z')]),
        topic('empty', []),
      ]),
    ]
    const names = (topics: string[], channels: string[]): string[] =>
      new Observer(select(topics, channels))
        .observe(look(stats))
        .topics.map(each => [each.topic, ...each.channels.map(({ channel: name }) => name)].join(' '))
    assert.deepEqual(names([], []), ['a z', 'b x y', 'empty'])
    assert.deepEqual(names(['?'], ['x', 'z']), ['a z', 'b x'])
    assert.deepEqual(names([], ['x']), ['b x'])
  })

  test('an unknown topic has no nsqd, and no time passes', () => {
    const observer = new Observer(select(['t'], []))
    assert.deepEqual(observer.observe(look([])).topics, [])
    assert.equal(observer.observe(look([])).elapsedMs, undefined)
  })
})

const nameOf = ({ topic: of, channel: its = '-' }: { topic: string; channel: string | undefined }): string =>
  `${of}/${its}`

describe('rows', () => {
  const stats = [
    nsqd('a', 1, [
      topic('alone', [], { depth: 3, messages: 3 }),
      topic('busy', [channel('deep', { depth: 50, backendDepth: 20 }), channel('idle')]),
      topic('stopped', [channel('c', { depth: 7 })], { paused: true, depth: 2, backendDepth: 1 }),
    ]),
  ]
  test('are channels, and topics that have something of their own', () => {
    assert.deepEqual(rowsOf(report(stats), ALL).map(nameOf), [
      'alone/-',
      'busy/deep',
      'busy/idle',
      'stopped/-',
      'stopped/c',
    ])
  })

  test('what is in a topic and what is in its channels is told apart', () => {
    const [own] = rowsOf(report(stats), { ...ALL, filter: 'STOPPED/' })
    assert.deepEqual([own?.depth, own?.disk], [2, 1])
  })

  test('of a topic tell what was lost before it came to a channel', () => {
    const [own, lost] = rowsOf(report(losing()), ALL)
    assert.deepEqual(own && [own.refused, own.dropped, own.expired, own.orphaned], [7, 1, 0, false])
    assert.deepEqual(lost && [lost.refused, lost.dropped, lost.expired, lost.orphaned], [0, 5, 4, true])
    const { refused, dropped, expired } = totalsOf(rowsOf(report(losing()), ALL))
    assert.deepEqual([refused, dropped, expired], [7, 6, 4])
  })

  test('are filtered by depth and by name', () => {
    assert.deepEqual(rowsOf(report(stats), { ...ALL, minDepth: 7 }).map(nameOf), ['busy/deep', 'stopped/c'])
    assert.deepEqual(rowsOf(report(stats), { ...ALL, filter: 'y/I' }).map(nameOf), ['busy/idle'])
  })

  test('are sorted downwards, those alike by name', () => {
    const rows = rowsOf(report(stats), { ...ALL, sort: 'depth' }).map(nameOf)
    assert.deepEqual(rows, ['busy/deep', 'stopped/c', 'alone/-', 'stopped/-', 'busy/idle'])
    for (const sort of SORTS) assert.equal(sortRows(rowsOf(report(stats), ALL), sort).length, 5)
    assert.equal(otherSort('name', 1), 'depth')
    assert.equal(otherSort('name', -1), 'latency')
    assert.equal(otherSort('latency', 1), 'name')
  })

  test('have totals, of rates those that are known', () => {
    const totals = totalsOf(rowsOf(report(stats), ALL))
    assert.equal(totals.depth, 62)
    assert.equal(totals.disk, 21)
    assert.equal(totals.in, undefined)
    const later = [nsqd('a', 2, [topic('alone', [], { messages: 13 }), topic('busy', [])])]
    assert.equal(totalsOf(rowsOf(report(stats, later), ALL)).in, 10)
  })
})

describe('thresholds', () => {
  const thresholds = { warn: 10, critical: 50 }

  test('are reached by as many messages', () => {
    assert.deepEqual(
      [9, 10, 49, 50].map(depth => levelOf(depth, thresholds)),
      ['ok', 'warning', 'warning', 'critical'],
    )
    assert.equal(levelOf(1e9, { warn: undefined, critical: undefined }), 'ok')
  })

  test('judge each channel, and what is in a topic', () => {
    const verdict = judge(
      report([
        nsqd('a', 1, [
          topic('t', [channel('c', { depth: 51 }), channel('d', { depth: 20 })], { depth: 1234 }),
        ]),
      ]),
      thresholds,
    )
    assert.equal(verdict.level, 'critical')
    assert.equal(verdictText(verdict), 'critical: t 1,234, t/c 51')
    const many = Array.from({ length: 9 }, (_, i) => channel(`c${i}`, { depth: 10 + i }))
    assert.equal(
      verdictText(judge(report([nsqd('a', 1, [topic('t', many)])]), thresholds)),
      'warning: t/c8 18, t/c7 17, t/c6 16, t/c5 15, t/c4 14 and 4 more',
    )
    assert.equal(judge(report([]), thresholds).level, 'ok')
  })
})
