import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDuration, parseDuration } from '../../src/util/duration.ts'

test('parses what Go parses', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['0s', 0],
    ['-0', 0],
    ['250ms', 250],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1.s', 1000],
    ['+5s', 5000],
    ['-2s', -2000],
    ['1h0m0s', 3_600_000],
    ['100us', 0.1],
    ['100µs', 0.1],
    ['100μs', 0.1],
    ['1500ns', 0.0015],
    ['1s1ms1s', 2001],
  ]
  for (const [text, ms] of cases) assert.ok(Math.abs(parseDuration(text) - ms) < 1e-9, text)
})

test('refuses what is not a duration, naming it', () => {
  for (const text of [
    '',
    '5',
    's',
    '1x',
    '1 s',
    ' 1s',
    '1s ',
    '1m30',
    '--1s',
    '.s',
    '1e3s',
    'NaNs',
    '1m,30s',
  ]) {
    assert.throws(() => parseDuration(text), { name: 'RangeError', message: new RegExp(`^"${text}" is not`) })
  }
})

test('formats as Go does', () => {
  const cases: [number, string][] = [
    [0, '0s'],
    [250, '250ms'],
    [1500, '1.5s'],
    [60_000, '1m0s'],
    [90_000, '1m30s'],
    [3_600_000, '1h0m0s'],
    [5_400_500, '1h30m0.5s'],
    [0.1, '100µs'],
    [0.000_001, '1ns'],
    [-2000, '-2s'],
    [59_999.5, '59.9995s'],
  ]
  for (const [ms, text] of cases) assert.equal(formatDuration(ms), text)
})

test('what is formatted parses back', () => {
  for (const ms of [0.25, 1, 999, 61_001, 7_322_004.5]) assert.equal(parseDuration(formatDuration(ms)), ms)
})

test('a long run of digits is refused at once', () => {
  // With two ways to read it, this would be a million million steps.
  assert.throws(() => parseDuration('1'.repeat(1_000_000)), RangeError)
})
