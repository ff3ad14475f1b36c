import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LatencyQuantiles } from '../../src/util/quantile.ts'

const MINUTE = 60_000

function near(actual: number | undefined, expected: number): void {
  assert.ok(
    actual !== undefined && Math.abs(actual - expected) <= expected * 0.0101,
    `${actual} is not near ${expected}`,
  )
}

test('nothing seen', () => {
  const latency = new LatencyQuantiles(MINUTE)
  assert.deepEqual(latency.query([0.5], 0), { count: 0, percentiles: [{ quantile: 0.5, value: 0 }] })
  assert.deepEqual(latency.query([], 0), { count: 0, percentiles: [] })
})

test('quantiles are within one per cent', () => {
  const latency = new LatencyQuantiles(MINUTE)
  for (let i = 1; i <= 10_000; i++) latency.insert(i * 1000, 0)
  const { count, percentiles } = latency.query([0.5, 0.95, 0.99, 1], 0)
  assert.equal(count, 10_000)
  near(percentiles[0]?.value, 5_000_000)
  near(percentiles[1]?.value, 9_500_000)
  near(percentiles[2]?.value, 9_900_000)
  near(percentiles[3]?.value, 10_000_000)
})

test('one value is every quantile, from a nanosecond to a year', () => {
  for (const ns of [1, 2, 17, 1000, 123_456_789, 3.15e16]) {
    const latency = new LatencyQuantiles(MINUTE)
    latency.insert(ns, 5)
    for (const { value } of latency.query([0, 0.5, 1], 5).percentiles) {
      assert.ok(Math.abs(value - ns) <= Math.max(0.5, ns * 0.0101), `${value} for ${ns}`)
    }
  }
})

test('zero and negative latencies count as zero, absurd ones do not break it', () => {
  const latency = new LatencyQuantiles(MINUTE)
  latency.insert(0, 0)
  latency.insert(-5, 0)
  latency.insert(1e30, 0)
  const { count, percentiles } = latency.query([0.5, 1], 0)
  assert.equal(count, 3)
  assert.equal(percentiles[0]?.value, 0)
  assert.ok((percentiles[1]?.value ?? 0) > 1e17)
})

test('several are asked as if they were one', () => {
  const all = [1, 2, 3].map(() => new LatencyQuantiles(MINUTE))
  for (let i = 1; i <= 900; i++) all[i % 2]?.insert(i * 1000, 0)
  const { count, percentiles } = LatencyQuantiles.queryAll(all, [0.5, 1], 0)
  assert.equal(count, 900)
  near(percentiles[0]?.value, 450_000)
  near(percentiles[1]?.value, 900_000)
  assert.deepEqual(LatencyQuantiles.queryAll([], [], 0), { count: 0, percentiles: [] })
})

test('the window slides', () => {
  const latency = new LatencyQuantiles(MINUTE)
  latency.insert(1000, 0)
  latency.insert(2000, 30_000)
  assert.equal(latency.query([0.5], 44_999).count, 2)
  assert.equal(latency.query([0.5], 60_000).count, 1)
  assert.equal(latency.query([0.5], 10 * MINUTE).count, 0)
  latency.insert(3000, 10 * MINUTE)
  const { count, percentiles } = latency.query([0.5], 10 * MINUTE)
  assert.equal(count, 1)
  near(percentiles[0]?.value, 3000)
})
