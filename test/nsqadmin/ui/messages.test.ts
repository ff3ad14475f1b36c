import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clip } from '../../../src/nsqadmin/ui/messages/clip.ts'
import { clockMs, dateTimeMs, publishedAt } from '../../../src/nsqadmin/ui/messages/message-time.ts'

test('a text is not cut inside a character', () => {
  assert.equal(clip('abc', 3), 'abc')
  assert.equal(clip('abcd', 3), 'abc')
  assert.equal(clip('ab😀d', 3), 'ab')
  assert.equal(clip('ab😀d', 4), 'ab😀')
})

test('when a message was published, to the millisecond', () => {
  assert.equal(publishedAt('1700000000123456789'), 1_700_000_000_123)
  assert.equal(publishedAt('0'), 0)
  assert.match(clockMs(1_700_000_000_007), /^\d\d:\d\d:\d\d\.007$/)
  assert.match(dateTimeMs(1_700_000_000_120), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.120$/)
})
