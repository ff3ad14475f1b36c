import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { decodeRecord, encodeRecord, formatTimestamp, type MessageRecord } from '../../src/archive/jsonl.ts'

function record(body: Buffer): MessageRecord {
  return {
    topic: 'logs#ephemeral',
    id: '0123456789abcdef',
    timestamp: 1_767_366_245_000_000_007n,
    attempts: 2,
    nsqd: '127.0.0.1:4150',
    body,
  }
}

test('a record is one JSON object with every field', () => {
  assert.deepEqual(JSON.parse(encodeRecord(record(Buffer.from('a "b"\n\u2028')))), {
    topic: 'logs#ephemeral',
    id: '0123456789abcdef',
    timestamp: '2026-01-02T15:04:05.000000007Z',
    attempts: 2,
    nsqd: '127.0.0.1:4150',
    body: 'a "b"\n\u2028',
  })
})

test('timestamps keep their nanoseconds', () => {
  assert.equal(formatTimestamp(0n), '1970-01-01T00:00:00.000000000Z')
  assert.equal(formatTimestamp(1_767_366_245_123_456_789n), '2026-01-02T15:04:05.123456789Z')
  assert.equal(formatTimestamp(2n ** 63n - 1n), '2262-04-11T23:47:16.854775807Z')
})

describe('the body survives a round trip byte for byte', () => {
  const bodies: [name: string, body: Buffer][] = [
    ['text', Buffer.from('hello')],
    ['line ends and quotes', Buffer.from('a\r\nb"\\\0')],
    ['a byte order mark', Buffer.from('\uFEFFx')],
    ['a replacement character', Buffer.from('\uFFFD')],
    ['not UTF-8', Buffer.of(0xff, 0xfe, 0x00)],
    ['an encoded surrogate, which is not UTF-8', Buffer.of(0xed, 0xa0, 0x80)],
    ['an overlong form', Buffer.of(0xc0, 0x80)],
    ['every byte', Buffer.from(Array.from({ length: 256 }, (_, i) => i))],
    ['random bytes', randomBytes(1000)],
  ]
  for (const [name, body] of bodies) {
    test(name, () => {
      const line = encodeRecord(record(body))
      assert.ok(!line.includes('\n'))
      assert.deepEqual(decodeRecord(Buffer.from(line)), {
        topic: 'logs#ephemeral',
        timestamp: '2026-01-02T15:04:05.000000007Z',
        body,
      })
    })
  }
})

describe('decodeRecord refuses', () => {
  const bad: [line: string | Buffer, message: RegExp][] = [
    ['', /^not JSON/],
    ['{', /^not JSON/],
    ['[]', /^not a JSON object$/],
    ['null', /^not a JSON object$/],
    ['{}', /^neither "body" nor "body_base64"$/],
    ['{"body":"a","body_base64":"YQ=="}', /^both/],
    ['{"body":{"a":1}}', /^"body" is not a string$/],
    ['{"body_base64":5}', /^"body_base64" is not a string$/],
    ['{"body_base64":"Y!Q=="}', /^"body_base64" is not base64$/],
    ['{"topic":5,"body":"a"}', /^"topic" is not a string$/],
    [Buffer.from('{"body":"\xff"}', 'latin1'), /^not UTF-8$/],
  ]
  for (const [line, message] of bad) {
    test(JSON.stringify(line.toString()), () => {
      assert.throws(
        () => decodeRecord(Buffer.from(line)),
        (error: unknown) => error instanceof RangeError && message.test(error.message),
      )
    })
  }
})
