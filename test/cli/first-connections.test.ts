import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstConnections } from '../../src/cli/first-connections.ts'

test('it waits until each has a connection', async () => {
  let asked = 0
  await firstConnections(() => [['a'], ++asked < 3 ? [] : ['b']], 1e6)
  assert.equal(asked, 3)
  await firstConnections(() => [], 1e6)
})

test('it does not wait for ever', async () => {
  await firstConnections(() => [[]], 1)
})
