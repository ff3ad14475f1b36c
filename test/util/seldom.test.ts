import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Seldom } from '../../src/util/seldom.ts'

test('what happens often is said at once, and then once a minute', t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const said: number[] = []
  const seldom = new Seldom(times => said.push(times))
  for (let i = 0; i < 5; i++) seldom.happened()
  assert.deepEqual(said, [1])
  t.mock.timers.tick(60_000)
  assert.deepEqual(said, [1, 4])
  t.mock.timers.tick(60_000)
  seldom.happened()
  assert.deepEqual(said, [1, 4, 1])
  assert.equal(seldom.total, 6)
})
