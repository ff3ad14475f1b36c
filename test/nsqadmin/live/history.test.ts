import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Growth } from '../../../src/nsqadmin/live/growth.ts'
import { HISTORY_MS, HistoryRing } from '../../../src/nsqadmin/live/history.ts'
import { NO_SERIES, SeriesTable } from '../../../src/nsqadmin/live/series.ts'

const same = (ms: number): number => ms

function point(depth: number): {
  depth: number
  inFlight: number
  rateIn: number | null
  rateOut: number | null
} {
  return { depth, inFlight: depth * 2, rateIn: depth / 3, rateOut: null }
}

test('a series keeps its number, and has another after it was gone for long', () => {
  const series = new SeriesTable(10)
  series.begin(0, 1000)
  const a = series.topic('a')
  const channel = series.channel('a', 'c')
  assert.notEqual(a, channel)
  series.begin(900, 1000)
  assert.equal(series.topic('a'), a)
  series.begin(1500, 1000)
  assert.equal(series.find('a', 'c'), NO_SERIES)
  assert.equal(series.find('a'), a)
  assert.equal(series.channel('b', 'c'), channel)
  assert.equal(series.since(channel), 3)
  series.begin(5000, 1000)
  assert.equal(series.find('a'), NO_SERIES)
  assert.equal(series.find('b', 'c'), NO_SERIES)
})

test('without room those go that have gone, the longest gone first, and never one that is there', () => {
  const series = new SeriesTable(3)
  series.begin(0, Infinity)
  for (const name of ['a', 'b', 'c']) series.topic(name)
  series.begin(1, Infinity)
  for (const name of ['b', 'c']) series.topic(name)
  series.begin(2, Infinity)
  series.topic('c')
  // All were there a moment ago, and b may still come in this look.
  assert.notEqual(series.topic('d'), NO_SERIES)
  assert.equal(series.find('a'), NO_SERIES)
  assert.equal(series.topic('e'), NO_SERIES)
  assert.notEqual(series.topic('b'), NO_SERIES)
  series.begin(3, Infinity)
  series.begin(4, Infinity)
  series.topic('d')
  for (const name of ['x', 'y']) assert.notEqual(series.topic(name), NO_SERIES, name)
  assert.equal(series.topic('z'), NO_SERIES)
  assert.notEqual(series.find('d'), NO_SERIES)
  assert.equal(series.size, 3)
})

test('a topic that takes the number of its own channel is still found', () => {
  const series = new SeriesTable(1)
  series.begin(0, Infinity)
  series.channel('a', 'c')
  series.begin(1, Infinity)
  series.begin(2, Infinity)
  const number = series.topic('a')
  assert.notEqual(number, NO_SERIES)
  assert.equal(series.find('a'), number)
  assert.equal(series.find('a', 'c'), NO_SERIES)
})

test('the past of a series, with gaps where it was not there', () => {
  const series = new SeriesTable(10)
  const history = new HistoryRing(series)
  for (const [at, depths] of [
    [0, { a: 1 }],
    [2000, { a: 2, b: 10 }],
    [4000, { b: 11 }],
    [6000, { a: 3, b: 12 }],
  ] as const) {
    series.begin(at, HISTORY_MS)
    assert.equal(history.begin(at), true)
    for (const [name, depth] of Object.entries(depths)) history.put(series.topic(name), point(depth))
  }
  assert.deepEqual(
    history.read(series.find('a'), 6000, ms => ms + 1),
    {
      time: [1, 2001, 4001, 6001],
      depth: [1, 2, null, 3],
      inFlight: [2, 4, null, 6],
      rateIn: [0.33, 0.67, null, 1],
      rateOut: [null, null, null, null],
    },
  )
  assert.deepEqual(history.read(series.find('b'), 6000, same).depth, [10, 11, 12])
  assert.deepEqual(history.read(series.find('c'), 6000, same).time, [])
  const names = ['a', 'b', 'c'].map((name): [string, number] => [name, series.find(name)])
  assert.deepEqual(history.trends(names, 6000, same), {
    time: [0, 2000, 4000, 6000],
    depths: [
      ['a', [1, 2, null, 3]],
      ['b', [null, 10, 11, 12]],
    ],
  })
})

test('five minutes are kept, however often is looked', () => {
  const series = new SeriesTable(10)
  const history = new HistoryRing(series)
  let kept = 0
  for (let at = 0; at <= 1_200_000; at += 100) {
    series.begin(at, HISTORY_MS)
    if (history.begin(at)) kept++
    history.put(series.topic('a'), point(at))
  }
  assert.ok(kept <= 801, `${kept} samples`)
  const { time, depth } = history.read(series.find('a'), 1_200_000, same)
  assert.ok(time.length > 190 && time.length <= 200, `${time.length} samples`)
  assert.deepEqual(time, depth)
  assert.deepEqual(
    time,
    time.toSorted((a, b) => a - b),
  )
  assert.ok((time[0] ?? 0) >= 900_000)
})

test('a number that another had before has none of its past', () => {
  const series = new SeriesTable(1)
  const history = new HistoryRing(series)
  const look = (at: number, name: string): void => {
    series.begin(at, HISTORY_MS)
    history.begin(at)
    history.put(series.topic(name), point(at))
  }
  look(0, 'old')
  look(2000, 'old')
  series.begin(4000, HISTORY_MS)
  look(6000, 'new')
  look(8000, 'new')
  assert.deepEqual(history.read(series.find('new'), 8000, same).depth, [6000, 8000])
})

test('many new series in one look', () => {
  const series = new SeriesTable(20_000)
  const history = new HistoryRing(series)
  series.begin(0, HISTORY_MS)
  history.begin(0)
  for (let i = 0; i < 25_000; i++) history.put(series.topic(`t${i}`), point(i))
  assert.equal(series.size, 20_000)
  assert.deepEqual(history.read(series.find('t19999'), 0, same).depth, [19_999])
  assert.deepEqual(history.read(series.find('t24999'), 0, same).depth, [])
})

/** Looks every `step` ms; returns when it was first said to grow. */
function firstGrowing(step: number, depthAt: (ms: number) => number, untilMs = 200_000): number | undefined {
  const series = new SeriesTable(10)
  const growth = new Growth(series)
  for (let at = 0; at <= untilMs; at += step) {
    series.begin(at, HISTORY_MS)
    growth.begin(at, true)
    growth.observe(series.topic('a'), depthAt(at))
    if (growth.isGrowing(series.find('a'))) return at
  }
  return undefined
}

test('a depth that rises for a minute grows', () => {
  for (const step of [500, 2000, 10_000]) {
    const first = firstGrowing(step, at => at)
    assert.ok(first !== undefined && first >= 58_000 && first <= 72_000, `every ${step} ms: ${first}`)
  }
  // One message now and then, and consumers that take in batches.
  assert.ok(firstGrowing(2000, at => Math.floor(at / 7000)) !== undefined)
  assert.ok(firstGrowing(2000, at => at + (at % 4000 === 0 ? 0 : 1000)) !== undefined)
})

test('one that stays, falls, or rises too little does not', () => {
  assert.equal(
    firstGrowing(2000, () => 1000),
    undefined,
  )
  assert.equal(
    firstGrowing(2000, at => 1_000_000 - at),
    undefined,
  )
  assert.equal(
    firstGrowing(2000, at => at % 50_000),
    undefined,
  )
  assert.equal(
    firstGrowing(2000, at => Math.floor(at / 45_000)),
    undefined,
  )
})

test('growing ends when it falls, and an nsqd that is away does not count as a fall', () => {
  const series = new SeriesTable(10)
  const growth = new Growth(series)
  const look = (at: number, depth: number, isComparable = true): boolean => {
    series.begin(at, HISTORY_MS)
    growth.begin(at, isComparable)
    growth.observe(series.topic('a'), depth)
    return growth.isGrowing(series.find('a'))
  }
  for (let at = 0; at < 80_000; at += 2000) look(at, 1000 + at)
  assert.equal(look(80_000, 500, false), true)
  assert.equal(look(82_000, 600), true)
  assert.equal(look(84_000, 100_000, false), true)
  assert.equal(look(86_000, 99_000), false)
})
