import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, findingsTable, isMet, timesAsFast } from '../../bench/finding.ts'
import { describe, GUARDED, regressions } from '../../bench/guard.ts'
import { FAMILIES } from '../../bench/families.ts'

const RATE: Finding = { name: 'a', what: 'a rate', unit: 'rate', ours: 500, ceiling: 1000, peer: 100 }
const TIME: Finding = { name: 'b', what: 'a time', unit: 'time', ours: 20, ceiling: 10, peer: 40 }

test('half as fast is half as many, or twice the time', () => {
  assert.equal(timesAsFast(RATE, RATE.ceiling), 0.5)
  assert.equal(timesAsFast(TIME, TIME.ceiling), 0.5)
  assert.equal(timesAsFast(RATE, RATE.peer), 5)
  assert.equal(timesAsFast(TIME, TIME.peer), 2)
  assert.equal(timesAsFast(RATE, undefined), undefined)
})

test('an aim is met by as much as it says, and every aim must be', () => {
  assert.equal(isMet(RATE), undefined)
  assert.equal(isMet({ ...RATE, aims: { ours: 500 } }), true)
  assert.equal(isMet({ ...RATE, aims: { ours: 501 } }), false)
  assert.equal(isMet({ ...TIME, aims: { ours: 20 } }), true)
  assert.equal(isMet({ ...TIME, aims: { ours: 19 } }), false)
  assert.equal(isMet({ ...TIME, aims: { ofCeiling: 0.5, ofPeer: 2 } }), true)
  assert.equal(isMet({ ...RATE, aims: { ours: 500, ofCeiling: 0.7 } }), false)
  // Nobody else was measured.
  assert.equal(isMet({ ...RATE, peer: undefined, aims: { ofPeer: 5 } }), undefined)
})

test('the table shows everything in its unit', () => {
  const memory: Finding = { name: 'c', what: 'memory', unit: 'memory', ours: 65e6, aims: { ours: 70e6 } }
  const rows = findingsTable([
    { ...RATE, aims: { ours: 1e6, ofCeiling: 0.7 } },
    { ...TIME, ours: 0.0123 },
    memory,
  ])
    .split('\n')
    .map(row => row.split('|').map(cell => cell.trim()))
  assert.deepEqual(rows[2]?.slice(1, -1), [
    'a rate (`a`)',
    '≥ 1.00 M/s, ≥ 0.70 of ceiling',
    '0.5 k/s',
    '1.0 k/s',
    '0.50',
    '0.1 k/s',
    '5.00',
    'no',
  ])
  assert.deepEqual(rows[3]?.slice(3, 5), ['12 µs', '10 ms'])
  assert.deepEqual(rows[4]?.slice(1, 5), ['memory (`c`)', '≤ 70 MB', '65 MB', ''])
  assert.equal(findingsTable([]), '')
})

test('what falls below its part of the ceiling is a regression', () => {
  const [name] = GUARDED
  assert.ok(name !== undefined)
  const slow = { ...RATE, name, ours: 1 }
  assert.deepEqual(regressions([slow, { ...slow, ours: 1000 }, { ...slow, name: 'not guarded' }]), [slow])
  assert.match(describe(slow), new RegExp(`^${name}: 0.00 of its ceiling, and must be 0\\.`))
})

test('what is guarded is measured', () => {
  const names = new Set(FAMILIES.flatMap(({ lines }) => lines.map(line => line.name)))
  for (const name of GUARDED) assert.ok(names.has(name), name)
})
