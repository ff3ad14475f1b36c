import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Queue } from '../../src/util/queue.ts'

test('an empty queue', () => {
  const queue = new Queue<number>()
  assert.equal(queue.length, 0)
  assert.equal(queue.shift(), undefined)
  assert.equal(queue.peek(), undefined)
  assert.deepEqual([...queue], [])
})

test('first in, first out, while growing and wrapping', () => {
  const queue = new Queue<number>()
  let pushed = 0
  let shifted = 0
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 17; i++) queue.push(pushed++)
    for (let i = 0; i < 13; i++) assert.equal(queue.shift(), shifted++)
    assert.equal(queue.length, pushed - shifted)
    assert.equal(queue.peek(), shifted)
  }
  assert.deepEqual(
    [...queue],
    Array.from({ length: pushed - shifted }, (_, i) => shifted + i),
  )
  while (shifted < pushed) assert.equal(queue.shift(), shifted++)
  assert.equal(queue.shift(), undefined)
})

test('unshift puts an item first, also when the ring is full', () => {
  const queue = new Queue<number>()
  for (let i = 0; i < 40; i++) queue.unshift(i)
  queue.push(-1)
  assert.deepEqual([...queue], [...Array.from({ length: 40 }, (_, i) => 39 - i), -1])
})

test('is usable after clear and after being emptied from a large size', () => {
  const queue = new Queue<string>()
  for (let i = 0; i < 5000; i++) queue.push('x')
  while (queue.length > 0) queue.shift()
  queue.push('a')
  queue.push('b')
  assert.deepEqual([...queue], ['a', 'b'])
  queue.clear()
  assert.equal(queue.length, 0)
  queue.push('c')
  assert.equal(queue.shift(), 'c')
})

test('keeps falsy items', () => {
  const queue = new Queue<number | string | null | boolean>()
  for (const item of [0, '', null, false]) queue.push(item)
  assert.deepEqual([...queue], [0, '', null, false])
})
