import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_HEADER, FrameReader, FrameType } from '../../src/protocol/frame.ts'
import {
  MESSAGE_HEADER,
  MESSAGE_OVERHEAD,
  decodeMessage,
  writeMessageHeader,
} from '../../src/protocol/message.ts'
import { latin1 } from './splits.ts'

const FRAME = Buffer.concat([
  latin1('\0\0\0\x20\0\0\0\x02'),
  latin1('\x17\x9a\xbc\xde\xf0\x12\x34\x56'),
  latin1('\x01\x02'),
  latin1('0123456789abcdef'),
  latin1('hi'),
])

test('the sizes of the parts', () => {
  assert.deepEqual([FRAME_HEADER, MESSAGE_HEADER, MESSAGE_OVERHEAD], [8, 26, 34])
})

test('writes a header, byte for byte, and nothing around it', () => {
  const target = Buffer.alloc(38, '.')
  writeMessageHeader(target, 1, 2, 0x179abcde, 0xf0123456, 0x0102, 0x01234567, 0x89abcdef)
  assert.deepEqual(target, Buffer.concat([latin1('.'), FRAME.subarray(0, 34), latin1('...')]))
})

test('refuses to write where there is no room', () => {
  assert.throws(() => writeMessageHeader(Buffer.alloc(34), 1, 0, 0, 0, 1, 0, 0), RangeError)
})

test('decodes what a frame reader hands over', () => {
  const seen: unknown[] = []
  const reader = new FrameReader(
    { frame: (type, bytes, start, end) => seen.push(type, decodeMessage(bytes, start, end)) },
    100,
  )
  reader.push(FRAME)
  assert.deepEqual(seen, [
    FrameType.message,
    { timestamp: 0x179abcdef0123456n, attempts: 258, id: '0123456789abcdef', body: Buffer.from('hi') },
  ])
})

test('timestamps are signed 64-bit, attempts unsigned 16-bit', () => {
  const target = Buffer.alloc(MESSAGE_OVERHEAD)
  writeMessageHeader(target, 0, 0, 0xffffffff, 0xffffffff, 65_535, 0, 0)
  const message = decodeMessage(target, FRAME_HEADER, target.length)
  assert.equal(message.timestamp, -1n)
  assert.equal(message.attempts, 65_535)
  assert.equal(message.body.length, 0)
})

test('a message shorter than its header is refused', () => {
  assert.throws(() => decodeMessage(FRAME, 8, 8 + 25), RangeError)
})
