import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Refusals } from '../../../src/cli/forward/refusals.ts'
import { FakeMessage } from './fake-message.ts'

function messageOf(nsqd: string): FakeMessage {
  return Object.assign(new FakeMessage('x', 9), { nsqd })
}

test('refusals are counted for each message, as far as the memory goes', () => {
  const refusals = new Refusals(2)
  assert.equal(refusals.add(messageOf('a')), 1)
  assert.equal(refusals.add(messageOf('b')), 1)
  assert.equal(refusals.add(messageOf('a')), 2)
  // No room: its attempts have to do.
  assert.equal(refusals.add(messageOf('c')), 9)
  refusals.forget(messageOf('a'))
  assert.equal(refusals.add(messageOf('c')), 1)
  assert.equal(refusals.add(messageOf('b')), 2)
})
