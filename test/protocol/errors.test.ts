import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../../src/protocol/errors.ts'

test('the frame text is the code and the text', () => {
  const error = new ProtocolError('E_INVALID', 'cannot SUB in current state')
  assert.equal(error.frameText, 'E_INVALID cannot SUB in current state')
  assert.equal(error.message, 'cannot SUB in current state')
  assert.equal(error.fatal, true)
})

test('without a text, the code stands alone', () => {
  assert.equal(new ProtocolError('E_BAD_PROTOCOL').frameText, 'E_BAD_PROTOCOL')
})

test('the cause is kept, and an error need not be fatal', () => {
  const cause = new Error('why')
  const error = new ProtocolError('E_FIN_FAILED', 'FIN x failed ID not in flight', { fatal: false, cause })
  assert.equal(error.cause, cause)
  assert.equal(error.fatal, false)
})
