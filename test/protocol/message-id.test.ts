import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ID_LENGTH,
  MAX_INDEX,
  MAX_NODE,
  MAX_SEGMENT,
  composeIdHigh,
  composeIdLow,
  formatId,
  idIndex,
  idNode,
  idSegment,
  readIdHigh,
  readIdLow,
  writeId,
} from '../../src/protocol/message-id.ts'
import { latin1, random } from './splits.ts'

test('reads the two halves of 16 hex digits', () => {
  const bytes = latin1('FIN 0123456789abcdef\n')
  assert.equal(readIdHigh(bytes, 4), 0x01234567)
  assert.equal(readIdLow(bytes, 4), 0x89abcdef)
  assert.equal(readIdHigh(latin1('ffffffff'), 0), 0xffffffff)
})

test('anything but lower-case hex is -1, wherever it is', () => {
  for (const bad of ['A', 'F', 'g', '`', '/', ':', ' ', '\n', '\0', '\x80', '\xff']) {
    for (let at = 0; at < 8; at++) {
      const digits = Array.from('01234567')
      digits[at] = bad
      assert.equal(readIdHigh(latin1(digits.join('')), 0), -1, JSON.stringify(digits))
    }
  }
})

test('an id that is cut off is -1', () => {
  const bytes = latin1('0123456789abcde')
  assert.equal(readIdLow(bytes, 0), -1)
  assert.equal(readIdHigh(bytes, 8), -1)
})

test('writes what it reads, and no more', () => {
  const next = random()
  for (let i = 0; i < 2000; i++) {
    const high = Math.floor(next() * 2 ** 32)
    const low = Math.floor(next() * 2 ** 32)
    const bytes = Buffer.alloc(ID_LENGTH + 2, '.')
    writeId(bytes, 1, high, low)
    assert.equal(bytes.toString('latin1'), `.${formatId(high, low)}.`)
    assert.equal(readIdHigh(bytes, 1), high)
    assert.equal(readIdLow(bytes, 1), low)
  }
})

test('every digit is written in every place', () => {
  const bytes = Buffer.alloc(ID_LENGTH)
  writeId(bytes, 0, 0x01234567, 0x89abcdef)
  assert.equal(bytes.toString('latin1'), '0123456789abcdef')
  writeId(bytes, 0, 0xfedcba98, 0x76543210)
  assert.equal(bytes.toString('latin1'), 'fedcba9876543210')
  assert.equal(formatId(0, 1), '0000000000000001')
})

test('refuses to write where there is no room', () => {
  assert.throws(() => writeId(Buffer.alloc(ID_LENGTH), 1, 0, 0), RangeError)
  assert.throws(() => writeId(Buffer.alloc(ID_LENGTH), -1, 0, 0), RangeError)
})

test('node, segment and index go in and come out', () => {
  const nodes = [0, 1, 513, MAX_NODE]
  const segments = [0, 1, 1023, 1024, 0x12345678, MAX_SEGMENT]
  const indexes = [0, 1, 2 ** 21, MAX_INDEX]
  for (const node of nodes) {
    for (const segment of segments) {
      for (const index of indexes) {
        const high = composeIdHigh(node, segment)
        const low = composeIdLow(segment, index)
        assert.deepEqual([idNode(high), idSegment(high, low), idIndex(low)], [node, segment, index])
        assert.ok(high < 2 ** 31, 'bit 63 is 0')
      }
    }
  }
})

test('the layout of an id', () => {
  // node 1, segment 2 ** 10 + 1, index 3: 0 | 0000000001 | 0…01 0000000001 | 0…011
  assert.equal(formatId(composeIdHigh(1, 1025), composeIdLow(1025, 3)), '0020000100400003')
})
