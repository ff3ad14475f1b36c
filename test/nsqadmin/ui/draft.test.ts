import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageLines, readDelay, reportOn, tooMany } from '../../../src/nsqadmin/ui/messages/draft.ts'

test('sizes are bytes, not characters', () => {
  assert.deepEqual(reportOn('aé😀', 'text'), {
    messages: 1,
    bytes: 7,
    largest: 7,
    problem: undefined,
    json: undefined,
  })
  const lines = reportOn('aé\n\n😀\n', 'lines')
  assert.deepEqual([lines.messages, lines.bytes, lines.largest], [2, 7, 4])
  assert.deepEqual(messageLines('aé\n\n😀\n'), ['aé', '😀'])
  assert.equal(reportOn('AAEC/w==', 'base64').bytes, 4)
  assert.equal(reportOn('AAEC\n/w==\n', 'base64').bytes, 4)
})

test('what cannot be published says why', () => {
  assert.match(reportOn('', 'text').problem ?? '', /at least one byte/)
  assert.match(reportOn('\n\n', 'lines').problem ?? '', /at least one byte/)
  assert.match(reportOn(' ', 'base64').problem ?? '', /at least one byte/)
  assert.match(reportOn('ab*d', 'base64').problem ?? '', /“\*”/)
  for (const text of ['abc', 'ab=c', 'a===', 'abcde', '=']) {
    assert.match(reportOn(text, 'base64').problem ?? '', /groups of four/, text)
  }
  assert.equal(reportOn(' ', 'text').problem, undefined)
})

test('JSON is looked at where a body looks like it', () => {
  assert.equal(reportOn('hello', 'text').json, undefined)
  assert.deepEqual(reportOn(' {"a":1}\n', 'text').json, { valid: true, text: 'valid JSON' })
  const broken = reportOn('{"a":}', 'text')
  assert.equal(broken.json?.valid, false)
  assert.equal(broken.problem, undefined, 'it may be published all the same')
  assert.equal(reportOn('[1]\n\n{"a":2}', 'lines').json?.valid, true)
  assert.match(reportOn('[1]\nplain\n{"a":', 'lines').json?.text ?? '', /^message 3 is not JSON/)
  assert.equal(reportOn(`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'text').json?.valid, true)
})

test('a delay is a duration, or seconds', () => {
  assert.deepEqual(readDelay(''), { ms: 0 })
  assert.deepEqual(readDelay(' 90 '), { ms: 90_000 })
  assert.deepEqual(readDelay('1m30s'), { ms: 90_000 })
  assert.deepEqual(readDelay('1.5s'), { ms: 1500 })
  assert.ok('problem' in readDelay('-1s'))
  assert.ok('problem' in readDelay('soon'))
  assert.ok('problem' in readDelay('1 hour'))
})

test('no more than nsqadmin takes at once', () => {
  assert.equal(tooMany(10_000, 0), undefined)
  assert.match(tooMany(10_001, 0) ?? '', /at most 10,000/)
  assert.equal(tooMany(100, 1000), undefined)
  assert.match(tooMany(101, 1000) ?? '', /at most 100 deferred/)
})
