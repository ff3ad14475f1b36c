import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Heap } from '../../src/util/heap.ts'

interface Item {
  heapIndex: number
  due: number
}

const item = (due: number): Item => ({ heapIndex: -1, due })
const byDue = (): Heap<Item> => new Heap<Item>((a, b) => a.due < b.due)

function drain(heap: Heap<Item>): number[] {
  const dues: number[] = []
  for (let next = heap.pop(); next !== undefined; next = heap.pop()) dues.push(next.due)
  return dues
}

/** The same numbers in every run: a failure can be looked at again. */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state
  }
}

test('an empty heap', () => {
  const heap = byDue()
  assert.equal(heap.size, 0)
  assert.equal(heap.peek(), undefined)
  assert.equal(heap.pop(), undefined)
  assert.equal(heap.remove(item(1)), false)
})

test('pops in order and leaves the items with index -1', () => {
  const heap = byDue()
  const items = [5, 3, 8, 1, 9, 2, 2].map(item)
  for (const one of items) heap.push(one)
  assert.equal(heap.peek()?.due, 1)
  assert.equal(heap.size, 7)
  assert.deepEqual(drain(heap), [1, 2, 2, 3, 5, 8, 9])
  assert.ok(items.every(one => one.heapIndex === -1))
})

test('agrees with a sorted array through random pushes, removals and updates', () => {
  const random = randomNumbers(7)
  const heap = byDue()
  const model = new Set<Item>()
  for (let step = 0; step < 5000; step++) {
    const all = [...model]
    const some = all[random() % Math.max(1, all.length)]
    const action = random() % 4
    if (action < 2 || some === undefined) {
      const one = item(random() % 1000)
      heap.push(one)
      model.add(one)
    } else if (action === 2) {
      assert.equal(heap.remove(some), true)
      assert.equal(heap.remove(some), false)
      model.delete(some)
    } else {
      some.due = random() % 1000
      heap.update(some)
    }
    assert.equal(heap.size, model.size)
    if (step % 100 === 0) {
      const least = Math.min(...[...model].map(one => one.due))
      assert.equal(heap.peek()?.due ?? Infinity, least)
    }
  }
  assert.deepEqual(new Set(heap.values()), model)
  const expected = [...model].map(one => one.due).sort((a, b) => a - b)
  assert.deepEqual(drain(heap), expected)
})

test('inOrder gives what pop would, and changes nothing', () => {
  const random = randomNumbers(3)
  for (const size of [0, 1, 2, 3, 7, 100, 1000]) {
    const heap = byDue()
    for (let i = 0; i < size; i++) heap.push(item(random() % 50))
    const places = [...heap.values()].map(({ heapIndex }) => heapIndex)
    const all = Array.from(heap.inOrder(), ({ due }) => due)
    assert.deepEqual(
      [...heap.values()].map(({ heapIndex }) => heapIndex),
      places,
    )
    assert.deepEqual(drain(heap), all)
  }
})

test('an item of another heap is not removed', () => {
  const one = byDue()
  const other = byDue()
  const mine = item(1)
  one.push(mine)
  other.push(item(1))
  assert.equal(other.remove(mine), false)
  assert.equal(other.size, 1)
})

test('clear lets every item go', () => {
  const heap = byDue()
  const items = [1, 2, 3].map(item)
  for (const one of items) heap.push(one)
  heap.clear()
  assert.equal(heap.size, 0)
  assert.ok(items.every(one => one.heapIndex === -1))
})
