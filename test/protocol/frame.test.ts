import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLOSE_WAIT_FRAME,
  FrameReader,
  FrameType,
  HEARTBEAT_FRAME,
  OK_FRAME,
  errorFrame,
  responseFrame,
} from '../../src/protocol/frame.ts'
import { latin1, readsHoweverCut } from './splits.ts'

const MAX = 1000

function readFrames(chunks: Buffer[]): [number, string][] {
  const frames: [number, string][] = []
  const reader = new FrameReader(
    { frame: (type, bytes, start, end) => frames.push([type, bytes.toString('latin1', start, end)]) },
    MAX,
  )
  for (const chunk of chunks) reader.push(chunk)
  return frames
}

test('constant frames, byte for byte', () => {
  assert.deepEqual(OK_FRAME, latin1('\0\0\0\x06\0\0\0\0OK'))
  assert.deepEqual(HEARTBEAT_FRAME, latin1('\0\0\0\x0f\0\0\0\0_heartbeat_'))
  assert.deepEqual(CLOSE_WAIT_FRAME, latin1('\0\0\0\x0e\0\0\0\0CLOSE_WAIT'))
  assert.deepEqual(errorFrame('E_INVALID'), latin1('\0\0\0\x0d\0\0\0\x01E_INVALID'))
})

test('sizes are bytes, not characters', () => {
  assert.deepEqual(
    responseFrame('é'),
    Buffer.concat([latin1('\0\0\0\x06\0\0\0\0'), Buffer.from('é', 'utf8')]),
  )
})

test('reads frames however they are cut', () => {
  const long = 'x'.repeat(MAX - 4)
  const bytes = Buffer.concat([
    latin1('\0\0\0\x06\0\0\0\0OK'),
    latin1('\0\0\0\x04\0\0\0\0'),
    latin1('\0\0\0\x05\0\0\0\x02\xff'),
    responseFrame(long),
    latin1('\0\0\0\x05\0\0\x01\x00?'),
    latin1('\0\0\0\x04\0\0\0\x01'),
  ])
  readsHoweverCut(bytes, readFrames, [
    [FrameType.response, 'OK'],
    [FrameType.response, ''],
    [FrameType.message, '\xff'],
    [FrameType.response, long],
    [256, '?'],
    [FrameType.error, ''],
  ])
})

test('an incomplete frame is not handed over', () => {
  assert.deepEqual(readFrames([latin1('\0\0\0\x06\0\0\0\0O')]), [])
  assert.deepEqual(readFrames([latin1('\0\0\0\x06\0\0\0')]), [])
  assert.deepEqual(readFrames([Buffer.alloc(0)]), [])
})

test('a frame within a chunk is a view of it, one that spans chunks is copied once', () => {
  const seen: Buffer[] = []
  const reader = new FrameReader({ frame: (_type, bytes) => seen.push(bytes) }, MAX)
  const chunk = Buffer.concat([OK_FRAME, responseFrame('abc').subarray(0, 9)])
  reader.push(chunk)
  reader.push(latin1('b'))
  reader.push(latin1('c'))
  assert.equal(seen[0], chunk)
  assert.deepEqual(seen[1], latin1('abc'))
  assert.equal(seen.length, 2)
})

test('a bad size is refused as soon as the header is there', () => {
  for (const [header, size] of [
    ['\0\0\0\x03\0\0\0\0', 3],
    ['\0\0\0\0\0\0\0\0', 0],
    ['\0\0\x03\xe9\0\0\0\0', 1001],
    ['\x00\x4c\x4b\x40\0\0\0\0', 5_000_000],
    ['\xff\xff\xff\xff\0\0\0\0', 2 ** 32 - 1],
  ] as const) {
    const expected = { code: 'E_BAD_FRAME', message: `invalid frame size ${size}, allowed are 4 to 1000` }
    assert.throws(() => readFrames([latin1(header)]), expected)
    assert.throws(() => readFrames(Array.from(header, latin1)), expected)
  }
})

test('what follows a pause is read by resume, or belongs to somebody else', () => {
  const types: number[] = []
  const reader = new FrameReader(
    {
      frame: type => {
        types.push(type)
        reader.paused = true
      },
    },
    MAX,
  )
  reader.push(Buffer.concat([OK_FRAME, errorFrame('E')]))
  reader.push(Buffer.concat([responseFrame(''), latin1('rest')]))
  assert.deepEqual(types, [0])
  reader.resume()
  assert.deepEqual(types, [0, 1])
  reader.resume()
  assert.deepEqual(types, [0, 1, 0])
  reader.push(latin1(' and more'))
  assert.equal(reader.takeRest().toString(), 'rest and more')
})
