import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionError, lateError, replyError } from '../../../src/nsqadmin/ui/api-error.ts'

test('a code of nsqadmin is said in words, with what to do', () => {
  for (const code of ['FORBIDDEN', 'READ_ONLY', 'CROSS_ORIGIN', 'TOO_MANY_STREAMS', 'INVALID_TOPIC']) {
    const error = replyError(403, { message: code })
    assert.equal(error.code, code)
    assert.ok(!error.message.includes(code))
    assert.notEqual(error.remedy, '')
  }
})

test('what a daemon said is kept', () => {
  const error = replyError(502, { message: 'UPSTREAM_ERROR: nsqd 10.0.0.1:4151 answered 500' })
  assert.equal(error.message, 'nsqd 10.0.0.1:4151 answered 500')
  assert.equal(error.code, 'UPSTREAM_ERROR')
})

test('a topic that no nsqlookupd knows, as the official API says it', () => {
  const said = String.raw`got response 404 Not Found "{\"message\":\"TOPIC_NOT_FOUND\"}"`
  const prefix = 'UPSTREAM_ERROR: failed to query any nsqlookupd: '
  for (const text of [said, `${said}\n${said}`]) {
    const error = replyError(502, { message: prefix + text })
    assert.equal(error.message, 'No nsqd has this topic.')
    assert.equal(error.code, 'TOPIC_NOT_FOUND')
  }
  // One of them may know it.
  const mixed = `${said}\nconnection refused`
  assert.match(replyError(502, { message: prefix + mixed }).message, /connection refused/)
})

test('a code that the page does not know is shown as it is', () => {
  assert.equal(replyError(500, { message: 'INTERNAL_ERROR' }).message, 'INTERNAL_ERROR')
  assert.equal(replyError(400, { message: 'n is not a number' }).message, 'n is not a number')
})

test('a reply that says nothing is told by its status', () => {
  for (const body of [undefined, null, 'text', {}, { message: 7 }]) {
    assert.equal(replyError(504, body).message, 'nsqadmin answered 504.')
  }
  assert.match(replyError(401, undefined).remedy, /Reload/)
})

test('no reply at all', () => {
  const cause = new TypeError('Failed to fetch')
  const error = connectionError(cause)
  assert.equal(error.status, 0)
  assert.equal(error.cause, cause)
})

test('a reply that does not come: it may be done all the same', () => {
  const error = lateError(60_000)
  assert.equal(error.message, 'nsqadmin has not answered for 60 seconds.')
  assert.match(error.remedy, /may still be done/)
})
