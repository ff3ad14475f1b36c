import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, near, suggest } from '../../src/util/suggest.ts'

test('editDistance counts insertions, deletions, substitutions and swaps', () => {
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('abc', 'abc'), 0)
  assert.equal(editDistance('abc', 'adc'), 1)
  assert.equal(editDistance('abc', 'acb'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
})

test('suggest finds the near word and no far one', () => {
  const words = ['topic', 'channel', 'nsqd-tcp-address', 'n']
  assert.equal(suggest('topik', words), 'topic')
  assert.equal(suggest('TOPIC', words), 'topic')
  assert.equal(suggest('chanel', words), 'channel')
  assert.equal(suggest('nsqd-tcp', words), 'nsqd-tcp-address')
  assert.equal(suggest('something-else', words), undefined)
})

test('near finds several, the nearest first', () => {
  const words = ['orders', 'order-items', 'border', 'payments', 'orders2']
  assert.deepEqual(near('order', words), ['orders', 'order-items', 'orders2'])
  assert.deepEqual(near('paymets', words), ['payments'])
  assert.deepEqual(near('zzz', words), [])
})
