import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEFERRED_LINES } from '../../bench/deferred/lines.ts'
import { LATENCY_LINES } from '../../bench/latency/lines.ts'
import { Histogram } from '../../bench/load/histogram.ts'
import { Records } from '../../bench/load/records.ts'
import { measurePaced } from '../../bench/paced/measure.ts'

const TINY = { warmMs: 5, measureMs: 20, backlog: 1 }

const latency = LATENCY_LINES.find(({ durability }) => durability === 'process')
const [deferred] = DEFERRED_LINES

// That every message arrives, and none before its time; not how late.
for (const [line, delays] of [
  [latency, undefined],
  [deferred, { least: 5, most: 20 }],
] as const) {
  test(`the line ${line?.name} is measured`, async () => {
    assert.ok(line)
    const { outcomes } = await measurePaced(
      { ...line, ...(delays && { delays }) },
      { rounds: 1, scale: TINY, peer: '', profile: '' },
    )
    const messages = TINY.measureMs * line.longer * line.connections * line.perMillisecond
    for (const outcome of [outcomes.ours, outcomes.ceiling]) {
      assert.deepEqual(
        outcome.rounds.map(({ lateness }) => lateness.count),
        [messages],
      )
      assert.ok(outcome.p50 <= outcome.p99 && outcome.p99 <= outcome.p999 && outcome.p999 <= outcome.max)
    }
  })
}

test('a histogram tells times apart that differ by a hundredth', () => {
  const histogram = new Histogram()
  for (let i = 1; i <= 100_000; i++) histogram.add(i / 100)
  const { count, p50, p99, p999, min, max } = histogram.quantiles
  assert.deepEqual([count, min, max], [100_000, 0.01, 1000])
  for (const [found, wanted] of [
    [p50, 500],
    [p99, 990],
    [p999, 999],
  ] as const) {
    assert.ok(found >= wanted && found <= wanted * 1.01, `${found} is not ${wanted}`)
  }
})

test('a histogram takes what came early, and what is beyond its buckets', () => {
  const histogram = new Histogram()
  histogram.add(-5)
  histogram.add(0)
  histogram.add(1e9)
  const { p50, p999, min, max } = histogram.quantiles
  assert.ok(p50 <= 0.001)
  assert.ok(p999 > 60_000)
  assert.deepEqual([min, max], [-5, 1e9])
})

test('records are found in whatever pieces they come', () => {
  const all = Buffer.from('aaabbbcccdddeee')
  for (let size = 1; size <= all.length; size++) {
    const records = new Records(3)
    let found = ''
    for (let at = 0; at < all.length; at += size) {
      const whole = records.take(all.subarray(at, at + size))
      assert.equal(whole.length % 3, 0)
      found += whole.toString()
    }
    assert.equal(found, all.toString())
  }
})
