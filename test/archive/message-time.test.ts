import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { messageTime } from '../../src/archive/message-time.ts'
import { plainMessage } from './pieces.ts'

const STAMP = 1_700_000_000_999_999_999n
const STAMP_MS = 1_700_000_000_999
const MS = Date.UTC(2026, 0, 2, 15, 4, 5, 678)

/** What a field of this body says; undefined when it did not count. */
function timeIn(body: string | Buffer, field: string): number | undefined {
  const time = messageTime(field)
  const ms = time.ms(plainMessage(body, STAMP))
  if (time.missing === 0) return ms
  assert.equal(ms, STAMP_MS)
  return undefined
}

function timeOf(value: unknown): number | undefined {
  return timeIn(JSON.stringify({ at: value }), 'at')
}

test('without a field it is when nsqd took the message, to the millisecond', () => {
  const time = messageTime()
  assert.equal(time.ms(plainMessage('{"at":5}', STAMP)), STAMP_MS)
  assert.equal(time.missing, 0)
})

describe('a field', () => {
  test('at the top, or in objects', () => {
    assert.equal(timeIn('{"at":1}', 'at'), 1000)
    assert.equal(timeIn('{"a":{"b":{"c":2}}}', 'a.b.c'), 2000)
    assert.equal(timeIn('{"a.b":3,"a":{"b":2}}', 'a.b'), 3000)
    assert.equal(timeIn('{"a":[5]}', 'a.0'), 5000)
  })

  test('that is not there', () => {
    for (const body of [
      '{}',
      '{"at":null}',
      '{"a":{"at":1}}',
      'text',
      '',
      '5',
      'null',
      '[]',
      '{"at":',
      Buffer.of(0xff),
    ]) {
      assert.equal(timeIn(body, 'at'), undefined)
    }
    assert.equal(timeIn('{"a":5}', 'a.b'), undefined)
    assert.equal(timeIn('{"a":"text"}', 'a.length'), undefined)
    assert.equal(timeIn('{}', 'constructor'), undefined)
    assert.equal(timeIn('{}', '__proto__'), undefined)
  })

  test('is counted when it is not there', () => {
    const time = messageTime('at')
    for (const body of ['{"at":1}', '{}', 'x', '{"at":2}']) time.ms(plainMessage(body))
    assert.equal(time.missing, 2)
  })
})

describe('a number', () => {
  test('of seconds, milliseconds, microseconds and nanoseconds', () => {
    assert.equal(timeOf(MS / 1000), MS)
    assert.equal(timeOf(Math.floor(MS / 1000)), MS - 678)
    assert.equal(timeOf(MS), MS)
    assert.equal(timeOf(MS * 1000 + 1), MS)
    assert.equal(timeOf(MS * 1e6), MS)
    assert.equal(timeOf(0), 0)
    assert.equal(timeOf(0.5), 500)
  })

  test('from 1970 to 9999', () => {
    for (const value of [-1, -0.001, 1e300, 2.6e20]) assert.equal(timeOf(value), undefined)
    assert.equal(timeIn('{"at":1e999}', 'at'), undefined)
    assert.equal(timeOf(99_999_999_999), 99_999_999_999_000)
  })
})

describe('a text', () => {
  const times: [text: string, ms: number][] = [
    ['2026-01-02T15:04:05.678Z', MS],
    ['2026-01-02T15:04:05.678999999Z', MS],
    ['2026-01-02T15:04:05Z', MS - 678],
    ['2026-01-02T15:04:05.6Z', MS - 78],
    ['2026-01-02 15:04:05.678Z', MS],
    ['2026-01-02t15:04:05.678z', MS],
    ['2026-01-02T16:04:05.678+01:00', MS],
    ['2026-01-02T11:34:05.678-03:30', MS],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
    ['1970-01-01T00:00:00Z', 0],
    ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ]
  for (const [text, ms] of times) {
    test(text, () => assert.equal(timeOf(text), ms))
  }

  const bad = [
    '',
    '1767366245',
    '2026-01-02',
    '2026-01-02T15:04:05',
    '2026-01-02T15:04Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-02T24:00:00Z',
    '2026-01-02T15:04:05+24:00',
    '2026-01-02T15:04:05 +01:00',
    ' 2026-01-02T15:04:05Z',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+01:00',
    '0000-01-01T00:00:00Z',
    '0099-01-01T00:00:00Z',
    '9999-12-31T23:59:59-01:00',
    'Fri, 02 Jan 2026 15:04:05 GMT',
  ]
  for (const text of bad) {
    test(`not ${JSON.stringify(text)}`, () => assert.equal(timeOf(text), undefined))
  }
})

test('neither number nor text', () => {
  for (const value of [true, [1], { seconds: 1 }]) assert.equal(timeOf(value), undefined)
})
