import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatFigure, formatMs } from '../../../src/cli/bench/format.ts'
import { Latencies } from '../../../src/cli/bench/latencies.ts'
import { Meter } from '../../../src/cli/bench/meter.ts'

/** Three digits of each value are kept. */
function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) <= 0.001 * expected, `${actual} is not ${expected}`)
}

describe('Latencies', () => {
  test('percentiles of evenly distributed values are those values', () => {
    const latencies = new Latencies()
    // 0.001 to 100 ms, in an order that is not theirs: 7919 and 100,000 have no common divisor.
    for (let i = 1; i <= 100_000; i++) latencies.record(((i * 7919) % 100_000 || 100_000) / 1000)
    const summary = latencies.summary()
    assert.ok(summary !== undefined)
    assert.equal(summary.count, 100_000)
    near(summary.min, 0.001)
    near(summary.mean, 50.0005)
    near(summary.p50, 50)
    near(summary.p90, 90)
    near(summary.p99, 99)
    near(summary['p99.9'], 99.9)
    near(summary['p99.99'], 99.99)
    near(summary.max, 100)
  })

  test('a few slow ones among many fast ones are seen from their share on', () => {
    const latencies = new Latencies()
    for (let i = 0; i < 99_950; i++) latencies.record(0.1)
    for (let i = 0; i < 50; i++) latencies.record(2000)
    near(latencies.percentile(50), 0.1)
    near(latencies.percentile(99.9), 0.1)
    near(latencies.percentile(99.99), 2000)
    near(latencies.summary()?.max ?? 0, 2000)
  })

  test('none has no summary, and none is too short', () => {
    const latencies = new Latencies()
    assert.equal(latencies.summary(), undefined)
    assert.equal(latencies.percentile(99), 0)
    latencies.record(0)
    assert.equal(latencies.count, 1)
  })
})

test('figures have three digits', () => {
  assert.deepEqual([0.0000123, 0.0851, 0.99951, 1.2345, 12.345, 999.4, 999.6, 65_000].map(formatMs), [
    '0.01 us',
    '85.1 us',
    '1.00 ms',
    '1.23 ms',
    '12.3 ms',
    '999 ms',
    '1.00 s',
    '65.0 s',
  ])
  assert.deepEqual([0.2, 99.94, 99.96, 1667.3].map(formatFigure), ['0.20', '99.9', '100', '1667'])
})

describe('Meter', () => {
  test('counts what comes between its beginning and its end', () => {
    const meter = new Meter()
    meter.count(5)
    assert.equal(meter.hasBegun, false)
    assert.equal(meter.seconds(900), 0)
    meter.begin(1000)
    meter.count(7)
    assert.equal(meter.seconds(1500), 0.5)
    meter.end(3000)
    meter.count(11)
    meter.end(4000)
    assert.equal(meter.messages, 7)
    assert.equal(meter.seconds(5000), 2)
  })

  test('a latency belongs to the time at which it begins', () => {
    const meter = new Meter()
    meter.begin(1000)
    meter.record(999, 1500)
    meter.record(1000, 1001)
    meter.end(2000)
    meter.record(1999, 9999)
    meter.record(2000, 2001)
    assert.equal(meter.latencies.count, 2)
    near(meter.latencies.summary()?.max ?? 0, 8000)
  })
})
