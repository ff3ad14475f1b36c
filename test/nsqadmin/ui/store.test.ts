import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStore } from '../../../src/nsqadmin/ui/store.ts'

test('those who listen are told of changes only, until they stop', () => {
  const store = createStore(1)
  const seen: number[] = []
  const end = store.subscribe(() => seen.push(store.get()))
  store.set(1)
  store.set(2)
  end()
  store.set(3)
  assert.deepEqual(seen, [2])
  assert.equal(store.get(), 3)
})
