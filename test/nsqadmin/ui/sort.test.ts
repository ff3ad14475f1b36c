import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareValues,
  holdOrder,
  matches,
  parseSort,
  sortRows,
  sortText,
} from '../../../src/nsqadmin/ui/sort.ts'

const rows = [
  { name: 'topic-10', depth: 5 },
  { name: 'topic-2', depth: null },
  { name: 'Alpha', depth: 70 },
  { name: 'topic-1', depth: 5 },
]
const name = (row: { name: string }) => row.name
const byDepth = (descending: boolean) => sortRows(rows, descending, row => row.depth, name).map(name)

test('names are sorted as people count', () => {
  assert.deepEqual(sortRows(rows, false, name, name).map(name), ['Alpha', 'topic-1', 'topic-2', 'topic-10'])
})

test('names that differ in case only are in one order', () => {
  assert.ok(compareValues('A', 'a', false) < 0)
  assert.ok(compareValues('a', 'A', false) > 0)
})

test('what is not known is last in both directions, and equal rows are by name', () => {
  assert.deepEqual(byDepth(true), ['Alpha', 'topic-1', 'topic-10', 'topic-2'])
  assert.deepEqual(byDepth(false), ['topic-1', 'topic-10', 'Alpha', 'topic-2'])
})

test('sorting leaves the rows that it is given', () => {
  const before = rows.map(name)
  sortRows(rows, true, name, name)
  assert.deepEqual(rows.map(name), before)
})

test('a held order: new rows last, gone rows gone', () => {
  const held = holdOrder(rows, ['topic-2', 'gone', 'Alpha'], name).map(name)
  assert.deepEqual(held, ['topic-2', 'Alpha', 'topic-10', 'topic-1'])
})

test('the order in the address', () => {
  const columns = ['name', 'depth']
  for (const sort of [
    { column: 'depth', descending: true },
    { column: 'name', descending: false },
  ]) {
    assert.deepEqual(parseSort(sortText(sort), columns), sort)
  }
  assert.equal(parseSort(null, columns), undefined)
  assert.equal(parseSort('-nope', columns), undefined)
})

test('a filter: every word, in any case and order', () => {
  assert.ok(matches('payments.EU.retries', 'eu pay'))
  assert.ok(matches('anything', ''))
  assert.ok(matches('anything', '  any '))
  assert.ok(!matches('payments.eu', 'eu us'))
})
