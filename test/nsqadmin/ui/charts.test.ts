import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counterAt } from '../../../src/nsqadmin/ui/counter.ts'
import { graphiteUrl, GRAPHITE_IMAGES } from '../../../src/nsqadmin/ui/graphite.ts'
import { CHART_MS, emptySeries, joined, niceMaximum, withPoint } from '../../../src/nsqadmin/ui/series.ts'
import { TrendBook, trendLines } from '../../../src/nsqadmin/ui/trends.ts'
import { visibleRange } from '../../../src/nsqadmin/ui/window.ts'

const START = 1_700_000_000_000
const point = (depth: number) => ({ depth, inFlight: 1, rateIn: 2, rateOut: null })

test('a series keeps the last minutes', () => {
  let series = emptySeries()
  for (let i = 0; i <= 200; i++) series = withPoint(series, START + i * 2_000, point(i))
  assert.equal(series.time.at(-1), START + 400_000)
  assert.equal(series.time[0], START + 400_000 - CHART_MS)
  for (const values of [series.depth, series.inFlight, series.rateIn, series.rateOut]) {
    assert.equal(values.length, series.time.length)
  }
  assert.equal(series.depth.at(-1), 200)
})

test('a series does not take a point twice, nor one of before', () => {
  const series = withPoint(emptySeries(), START, point(1))
  assert.equal(withPoint(series, START, point(2)), series)
  assert.equal(withPoint(series, START - 1, point(2)), series)
})

test('where nobody looked the line is broken', () => {
  const series = withPoint(withPoint(emptySeries(), START, point(1)), START + 60_000, point(2))
  assert.deepEqual(series.depth, [1, null, 2])
})

test('when the server’s clock is set back, charts begin anew, and do not wait until it has caught up', () => {
  const series = withPoint(withPoint(emptySeries(), START, point(1)), START - 3_600_000, point(2))
  assert.deepEqual([series.time, series.depth], [[START - 3_600_000], [2]])
  const book = new TrendBook()
  book.observe(START, [['a', 1]])
  book.observe(START - 3_600_000, [['a', 2]])
  book.observe(START - 3_598_000, [['a', 3]])
  assert.deepEqual(book.of('a').depth, [2, 3])
})

test('what the server remembers goes before what the page has seen', () => {
  const remembered = [1, 2, 3].reduce((all, n) => withPoint(all, START + n * 1_000, point(n)), emptySeries())
  const seen = [3, 4].reduce((all, n) => withPoint(all, START + n * 1_000, point(n * 10)), emptySeries())
  assert.deepEqual(joined(remembered, seen).depth, [1, 2, 3, 40])
  assert.equal(joined(remembered, emptySeries()), remembered)
  assert.deepEqual(joined(emptySeries(), seen), seen)
})

test('the end of an axis is round, above the largest value, and seldom another', () => {
  for (const [largest, end] of [
    [0, 5],
    [Number.NaN, 5],
    [3, 5],
    [6, 10],
    [10, 10],
    [99, 100],
    [1_234, 2_000],
    [5_001, 10_000],
  ] as const) {
    assert.equal(niceMaximum(largest, 5), end, String(largest))
  }
})

test('trends: what the server remembers, and each update after it', () => {
  const book = new TrendBook()
  book.start({ time: [START, START + 10_000], depths: [['a', [null, 4]]] })
  book.observe(START + 10_000, [['a', 4]])
  book.observe(START + 12_000, [
    ['a', 6],
    ['b', 1],
  ])
  assert.deepEqual(book.of('a').depth, [null, 4, 6])
  assert.deepEqual(book.of('b').depth, [1])
  assert.deepEqual(book.of('c').depth, [])
  book.observe(START + 14_000, [['b', 2]])
  assert.deepEqual(book.of('a').depth, [], 'gone')
})

test('trends are bounded', () => {
  const book = new TrendBook()
  for (let i = 0; i < 1_000; i++) book.observe(START + i * 100, [['a', i]])
  const { time, depth } = book.of('a')
  assert.equal(time.length, depth.length)
  assert.ok(time.length <= 120)
  assert.equal(depth.at(-1), 999)
})

test('a small chart: the newest at the right, the largest at the top, gaps left out', () => {
  const trend = { time: [0, 60_000, 90_000, 120_000], depth: [0, 10, 5, 5] }
  assert.deepEqual(trendLines(trend, 100, 20), ['0,20 50,0 75,10 100,10'])
  assert.deepEqual(trendLines({ ...trend, depth: [10, 5] }, 100, 20), ['75,0 100,10'])
  assert.deepEqual(trendLines({ ...trend, depth: [1, null, 1, 1] }, 100, 20), ['75,18 100,18'])
  assert.deepEqual(trendLines({ time: [0, 60_000], depth: [0, 0] }, 100, 20), ['50,20 100,20'])
  assert.deepEqual(trendLines({ time: [], depth: [] }, 100, 20), [])
})

test('the counter climbs evenly, never ahead of what is known, and never down slowly', () => {
  const climb = { from: 100, to: 200, at: 1_000, takes: 2_000 }
  assert.equal(counterAt(climb, 0), 100)
  assert.equal(counterAt(climb, 1_000), 100)
  assert.equal(counterAt(climb, 2_000), 150)
  assert.equal(counterAt(climb, 9_000), 200)
  assert.equal(counterAt({ ...climb, takes: 0 }, 1_000), 200)
  assert.equal(counterAt({ ...climb, to: 5 }, 1_500), 5)
})

test('rows in sight, and a few around them', () => {
  assert.deepEqual(visibleRange(100, 36, 500, 400), { first: 0, end: 100 })
  for (const top of [0, 35, 36, 17_000, 35_600, 99_999]) {
    const { first, end } = visibleRange(1_000, 36, top, 400)
    assert.ok(first >= 0 && end <= 1_000)
    assert.ok(end - first <= 60)
    if (top <= 35_600) {
      assert.ok(first * 36 <= top, 'nothing is missing above')
      assert.ok(end * 36 >= Math.min(top + 400, 36_000), 'nor below')
    }
  }
  assert.deepEqual(visibleRange(0, 36, 0, 400), { first: 0, end: 0 })
})

test('graphite: the names that statsd makes of those that nsqd sends', () => {
  const config = {
    url: 'http://graphite/',
    prefix: 'nsq.%s',
    counterFormat: 'stats.counters.%s.count',
    gaugeFormat: 'stats.gauges.%s',
    interval: 60,
  }
  const query = { topic: 'orders', from: '2h', width: 680, height: 172, foreground: '808080', now: 1 }
  const targets = (channel: string | undefined, image: number) => {
    const chosen = GRAPHITE_IMAGES[image]
    assert.ok(chosen)
    const url = new URL(graphiteUrl(config, chosen, { ...query, channel }))
    assert.equal(url.origin + url.pathname, 'http://graphite/render')
    assert.equal(url.searchParams.get('from'), '-2h')
    return url.searchParams.getAll('target')
  }
  assert.deepEqual(targets(undefined, 0), [
    'summarize(sumSeries(stats.gauges.nsq.*.topic.orders.depth),"60sec","avg")',
  ])
  assert.deepEqual(targets('mail', 0), [
    'summarize(sumSeries(stats.gauges.nsq.*.topic.orders.channel.mail.depth),"60sec","avg")',
    'summarize(sumSeries(stats.gauges.nsq.*.topic.orders.channel.mail.in_flight_count),"60sec","avg")',
  ])
  assert.deepEqual(targets('mail', 1), [
    `summarize(scale(sumSeries(stats.counters.nsq.*.topic.orders.channel.mail.message_count.count),${1 / 60}),"60sec","avg")`,
  ])
})
