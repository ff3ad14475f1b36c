import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quantile, Series } from './series.ts'

function judge(values: readonly number[]): boolean {
  const series = new Series('memory', 'MiB', { ratio: 1.2, slack: 10 })
  for (const value of values) series.add(value)
  return series.judge().hasGrown
}

const COUNT = 120
const flat = Array.from({ length: COUNT }, (_, i) => 60 + (i % 7))

test('what stays as it is has not grown', () => {
  assert.equal(judge(flat), false)
  assert.equal(judge([]), false)
  assert.equal(judge([5]), false)
})

test('nor has what grows at first only, has peaks, or could not be measured for a while', () => {
  assert.equal(judge(flat.map((value, i) => (i < COUNT / 5 ? value * (i / COUNT) : value))), false)
  assert.equal(judge(flat.map((value, i) => (i % 5 === 4 ? value * 10 : value))), false)
  assert.equal(judge(flat.map((value, i) => (i > COUNT / 2 && i % 2 === 0 ? Number.NaN : value))), false)
})

test('what leaks a little all the time has', () => {
  assert.equal(judge(flat.map((value, i) => value + i / 2)), true)
})

test('and what is larger from some time on', () => {
  assert.equal(judge(flat.map((value, i) => (i > COUNT / 2 ? value * 2 : value))), true)
})

test('a quantile is one of the values', () => {
  assert.equal(quantile([3, 1, 2], 0.5), 2)
  assert.equal(quantile([3, 1, 2], 1), 3)
  assert.ok(Number.isNaN(quantile([], 0.5)))
})
