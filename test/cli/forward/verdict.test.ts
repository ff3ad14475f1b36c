import assert from 'node:assert/strict'
import { describe as group, test } from 'node:test'
import type { Answer, Outcome } from '../../../src/cli/forward/exchange.ts'
import { describe, judge, nameOf } from '../../../src/cli/forward/verdict.ts'

const NOW = Date.parse('2026-01-02T03:04:05Z')

function answer(status: number, rest: Partial<Answer> = {}): Outcome {
  return { kind: 'answer', status, retryAfter: undefined, location: undefined, text: '', ...rest }
}

function kindOf(outcome: Outcome): string {
  const verdict = judge(outcome, NOW)
  if (verdict.kind === 'refused') return verdict.isAboutMessages ? 'messages refused' : 'refused'
  if (verdict.kind === 'failed' && verdict.restMs !== undefined) return `rests ${verdict.restMs}`
  return verdict.kind
}

group('what an answer means', () => {
  const cases: [string, number[]][] = [
    ['done', [200, 201, 202, 204, 206, 299]],
    ['messages refused', [400, 413, 414, 415, 422]],
    ['refused', [401, 402, 403, 404, 405, 409, 410, 418, 426, 451, 499]],
    ['failed', [408, 425, 429, 500, 501, 502, 503, 504, 599]],
    ['failed', [300, 301, 302, 303, 304, 307, 308]],
    ['failed', [0, 199, 600, 999]],
  ]
  for (const [kind, statuses] of cases) {
    test(`${kind}: ${statuses.join(', ')}`, () => {
      for (const status of statuses) assert.equal(kindOf(answer(status)), kind, String(status))
    })
  }

  test('no answer is a failure', () => {
    for (const kind of ['connect', 'timeout', 'cut'] as const)
      assert.equal(kindOf({ kind, text: 'x' }), 'failed')
  })
})

group('Retry-After', () => {
  test('is seconds or a date, of 429 and 503', () => {
    for (const status of [429, 503]) {
      assert.equal(kindOf(answer(status, { retryAfter: '7' })), 'rests 7000')
      assert.equal(kindOf(answer(status, { retryAfter: 'Fri, 02 Jan 2026 03:04:35 GMT' })), 'rests 30000')
    }
    for (const status of [500, 502, 302]) {
      assert.equal(kindOf(answer(status, { retryAfter: '7' })), 'failed', String(status))
    }
  })

  test('is an hour at most', () => {
    assert.equal(kindOf(answer(503, { retryAfter: '999999999' })), 'rests 3600000')
    assert.equal(kindOf(answer(503, { retryAfter: 'Fri, 02 Jan 2099 03:04:35 GMT' })), 'rests 3600000')
  })

  test('that says nothing is none', () => {
    for (const retryAfter of [
      '0',
      '',
      'soon',
      '-1',
      '1.5',
      'Fri, 02 Jan 2026 03:04:05 GMT',
      'Thu, 01 Jan 2026 00:00:00 GMT',
    ]) {
      assert.equal(kindOf(answer(503, { retryAfter })), 'failed', retryAfter)
    }
  })
})

test('an outcome is counted by its status, or by what happened', () => {
  assert.equal(nameOf(answer(503)), '503')
  assert.equal(nameOf({ kind: 'cut', text: 'socket hang up' }), 'cut')
})

test('an outcome is told with what the endpoint says of it', () => {
  assert.equal(describe(answer(500)), 'answered 500')
  assert.equal(
    describe(answer(400, { text: '\n no field "id"\nat line 1' })),
    'answered 400 "no field \\"id\\""',
  )
  assert.equal(describe({ kind: 'cut', text: 'socket hang up' }), 'socket hang up')
  assert.equal(
    describe(answer(301, { location: 'https://b/' })),
    'answered 301, to https://b/: redirects are not followed, so give that address if it is right',
  )
  assert.equal(describe(answer(304)), 'answered 304')
})
