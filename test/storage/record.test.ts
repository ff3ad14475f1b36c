import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DUE_LENGTH,
  dueOf,
  frameOf,
  isDeferred,
  isRecord,
  publishedMsOf,
  recordLength,
} from '../../src/storage/record.ts'
import { openLog } from './fixtures.ts'

const PLAIN = Buffer.from(
  [
    '00000020', // size: 30 + 2
    '00000002', // type: a message
    '17979cfe362a0000', // timestamp, ns
    '0001', // attempts
    Buffer.from('0e00040000400002').toString('hex'), // id
    '6869', // hi
  ].join(''),
  'hex',
)

/** Segment and index. */
const ID = [0x100001, 2] as const

const DUE = 1_700_000_000_123.5
const due = Buffer.alloc(DUE_LENGTH)
due.writeDoubleBE(DUE)

const DEFERRED = Buffer.concat([
  Buffer.from('0000002800000003', 'hex'), // size: 30 + 2 + 8, type: deferred
  PLAIN.subarray(8),
  due,
])

describe('a record', () => {
  test('of a message is the frame that is sent', () => {
    assert.equal(recordLength(PLAIN, 0), PLAIN.length)
    assert.equal(isDeferred(PLAIN, 0), false)
    assert.equal(isRecord(PLAIN, 0, PLAIN.length, ...ID), true)
    assert.equal(publishedMsOf(PLAIN, 0), 1_700_000_000_000)
    assert.deepEqual(frameOf(PLAIN, 0, 1), PLAIN)
  })

  test('of a deferred message has the time it is due behind the body', () => {
    assert.equal(recordLength(DEFERRED, 0), DEFERRED.length)
    assert.equal(isDeferred(DEFERRED, 0), true)
    assert.equal(isRecord(DEFERRED, 0, DEFERRED.length, ...ID), true)
    assert.equal(dueOf(DEFERRED, 0), DUE)
    assert.deepEqual(frameOf(DEFERRED, 0, 1), PLAIN)
  })

  test('gives a frame with other attempts, and stays as it is', () => {
    const bytes = Buffer.concat([Buffer.alloc(5), PLAIN, DEFERRED])
    const before = Buffer.from(bytes)
    const expected = Buffer.from(PLAIN)
    expected.writeUInt16BE(0xfffe, 16)
    assert.deepEqual(frameOf(bytes, 5, 0xfffe), expected)
    assert.deepEqual(frameOf(bytes, 5 + PLAIN.length, 0xfffe), expected)
    assert.deepEqual(bytes, before)
  })

  test('is written by the log exactly so', t => {
    const log = openLog(t, undefined, { nodeId: 112, firstNumber: 0x100001 })
    for (let i = 0; i < 2; i++) log.append(Buffer.from('x'), 0, 1, 0, 0)
    log.append(Buffer.from('hi'), 0, 2, 0x17979cfe, 0x362a0000)
    log.appendDeferred(Buffer.from('(hi)'), 1, 3, 0x17979cfe, 0x362a0000, DUE)
    log.commit()
    const segment = log.first
    assert.deepEqual(log.copyRecord(segment, 2 * 35), PLAIN)
    const deferred = Buffer.from(DEFERRED)
    deferred.write('3', 33, 'latin1')
    assert.deepEqual(log.copyRecord(segment, 2 * 35 + PLAIN.length), deferred)
  })
})

describe('isRecord', () => {
  const cases: [why: string, change: (bytes: Buffer) => Buffer, end?: number][] = [
    ['a header that is cut off', bytes => bytes, 33],
    ['another type', bytes => write(bytes, 4, 4)],
    ['a type with other bytes set', bytes => write(bytes, 0x01000002, 4)],
    ['a size smaller than a header', bytes => write(bytes, 29, 0)],
    ['zeros', () => Buffer.alloc(64)],
    ['a deferred one too small for its time', bytes => write(write(bytes, 37, 0), 3, 4)],
  ]
  for (const [why, change, end] of cases) {
    test(`refuses ${why}`, () => {
      const bytes = change(Buffer.from(PLAIN))
      assert.equal(isRecord(bytes, 0, end ?? bytes.length, ...ID), false)
    })
  }

  test('refuses another id, but not another node', () => {
    for (const [at, digit, expected] of [
      [18, '7', true],
      [33, '3', false],
      [33, 'x', false],
      [27, '5', false],
      [27, 'C', false],
    ] as const) {
      const bytes = Buffer.from(PLAIN)
      bytes.write(digit, at)
      assert.equal(isRecord(bytes, 0, bytes.length, ...ID), expected, `${digit} at ${at}`)
    }
  })

  test('takes an empty body, and a body that is not all there', () => {
    assert.equal(isRecord(write(Buffer.from(PLAIN), 30, 0), 0, 34, ...ID), true)
    assert.equal(isRecord(write(Buffer.from(PLAIN), 1000, 0), 0, 36, ...ID), true)
  })
})

function write(bytes: Buffer, value: number, at: number): Buffer {
  bytes.writeUInt32BE(value, at)
  return bytes
}
