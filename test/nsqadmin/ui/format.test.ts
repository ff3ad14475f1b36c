import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  axisNumber,
  bytes,
  compact,
  count,
  duration,
  large,
  milliseconds,
  percentile,
  plural,
  rate,
} from '../../../src/nsqadmin/ui/format.ts'

function table<Value>(format: (value: Value) => string, rows: [Value, string][]): void {
  for (const [value, text] of rows) assert.equal(format(value), text, String(value))
}

test('whole numbers', () => {
  table(count, [
    [0, '0'],
    [999, '999'],
    [1_234_567, '1,234,567'],
  ])
  assert.equal(plural(1, 'message'), '1 message')
  assert.equal(plural(0, 'message'), '0 messages')
  assert.equal(plural(2_000, 'entry', 'entries'), '2,000 entries')
})

test('numbers of a narrow column are at most seven characters', () => {
  table(compact, [
    [0, '0'],
    [99_999, '99,999'],
    [100_000, '100k'],
    [999_499, '999k'],
    [999_500, '1M'],
    [1_234_567, '1.23M'],
    [98_765_432, '98.8M'],
    [2_000_000_000, '2G'],
  ])
  for (let value = 1; value < 1e15; value *= 3.7) assert.ok(compact(Math.round(value)).length <= 7)
  table(large, [
    [9_999_999, '9,999,999'],
    [10_000_000, '10M'],
  ])
})

test('numbers of an axis', () => {
  table(axisNumber, [
    [0, '0'],
    [0.5, '0.5'],
    [500, '500'],
    [1_500, '1.5k'],
    [20_000_000, '20M'],
  ])
})

test('rates: small ones are not lost, unknown ones are said', () => {
  table(rate, [
    [null, '–'],
    [0, '0'],
    [0.01, '<0.1'],
    [0.449, '0.4'],
    [9.94, '9.9'],
    [9.96, '10'],
    [12_345.6, '12,346'],
    [1_234_567, '1.23M'],
  ])
})

test('bytes', () => {
  table(bytes, [
    [0, '0 B'],
    [1_023, '1,023 B'],
    [1_024, '1 KiB'],
    [1_536, '1.5 KiB'],
    [5 * 2 ** 20, '5 MiB'],
    [1_023 * 2 ** 20, '0.999 GiB'],
  ])
})

test('times', () => {
  table(milliseconds, [
    [0, '0 ms'],
    [0.423, '0.42 ms'],
    [37.4, '37 ms'],
    [999.6, '1.0 s'],
    [1_250, '1.3 s'],
    [185_000, '3 min 5 s'],
  ])
  table(duration, [
    [-5, '0 s'],
    [400, '0 s'],
    [45_000, '45 s'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [3_605_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [12 * 86_400_000 + 4 * 3_600_000, '12 d 4 h'],
  ])
  table(percentile, [
    [0.5, 'p50'],
    [0.99, 'p99'],
    [0.999, 'p99.9'],
    [1, 'p100'],
  ])
})
