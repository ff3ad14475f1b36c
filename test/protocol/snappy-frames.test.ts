import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressSync, Compressor, Decompressor, uncompressSync } from 'snappy'
import { ProtocolError } from '../../src/protocol/errors.ts'
import {
  MAX_SNAPPY_BLOCK,
  SNAPPY_IDENTIFIER,
  snappyChunk,
  SnappyFrameReader,
} from '../../src/protocol/snappy-frames.ts'
import { latin1, random, readsHoweverCut } from './splits.ts'

/** What the chunks say, as one text. */
function read(chunks: readonly Buffer[]): string {
  let text = ''
  const reader = new SnappyFrameReader(uncompress, bytes => {
    text += bytes.toString('latin1')
  })
  for (const chunk of chunks) reader.push(chunk)
  return text
}

function uncompress(block: Buffer): Buffer {
  return Buffer.from(uncompressSync(block))
}

function refusal(chunk: Buffer): string {
  try {
    read([SNAPPY_IDENTIFIER, chunk])
  } catch (error) {
    assert.ok(error instanceof ProtocolError)
    assert.equal(error.code, 'E_BAD_FRAME')
    return error.message
  }
  return 'taken'
}

function framed(...bytes: readonly Buffer[]): Buffer {
  return Buffer.concat([SNAPPY_IDENTIFIER, ...bytes.map(part => snappyChunk(part, compressSync))])
}

/** A chunk's type and length. */
function header(type: number, length: number): Buffer {
  return Buffer.from([type, length & 0xff, (length >> 8) & 0xff, length >> 16])
}

const next = random()
const NOISE = Buffer.from(Array.from({ length: MAX_SNAPPY_BLOCK }, () => next() * 256))

test('a stream is what the specification says, byte for byte', () => {
  assert.deepEqual(SNAPPY_IDENTIFIER, latin1('\xff\x06\x00\x00sNaPpY'))
  // No shorter compressed: the bytes as they are, after the masked checksum.
  assert.deepEqual(snappyChunk(latin1('123456789'), compressSync).subarray(4, 8), maskOf(0xe3069283))
  assert.deepEqual(snappyChunk(Buffer.alloc(32), compressSync).subarray(4, 8), maskOf(0x8a9136aa))
  assert.deepEqual(snappyChunk(latin1('123456789'), compressSync).subarray(0, 4), header(0x01, 13))
  // One byte of length, a literal of one byte, copies of it: blocks have no header of their own.
  const zeros = snappyChunk(Buffer.alloc(32), compressSync)
  assert.deepEqual(zeros.subarray(0, 4), header(0x00, zeros.length - 4))
  assert.deepEqual(zeros.subarray(8), compressSync(Buffer.alloc(32)))
})

/** The specification's masking, in other words: rotate right by 15 bits, then add a constant. */
function maskOf(crc: number): Buffer {
  const rotated = (BigInt(crc) >> 15n) | ((BigInt(crc) << 17n) & 0xffffffffn)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(Number((rotated + 0xa282ead8n) & 0xffffffffn))
  return bytes
}

test('reads chunks however they are cut', () => {
  const stream = Buffer.concat([
    framed(latin1('hello'), Buffer.alloc(300, 'a'), latin1('x')),
    header(0xfe, 5),
    latin1('\x00\x01\x02\x03\x04'),
    header(0x80, 0),
    // As when streams are put behind each other.
    framed(latin1('again')),
    header(0xfd, 2),
    latin1('zz'),
  ])
  readsHoweverCut(stream, read, `hello${'a'.repeat(300)}xagain`)
})

test('the largest chunks are taken, whether compressed or not', () => {
  for (const bytes of [NOISE, Buffer.alloc(MAX_SNAPPY_BLOCK, 'abcdefg')]) {
    assert.ok(read([framed(bytes)]) === bytes.toString('latin1'))
  }
  assert.equal(snappyChunk(NOISE, compressSync).length, MAX_SNAPPY_BLOCK + 8)
  // A writer may compress what gets no smaller.
  const compressed = compressSync(NOISE)
  assert.ok(compressed.length > NOISE.length)
  const chunk = Buffer.concat([
    header(0x00, compressed.length + 4),
    snappyChunk(NOISE, compressSync).subarray(4, 8),
    compressed,
  ])
  assert.ok(read([SNAPPY_IDENTIFIER, chunk]) === NOISE.toString('latin1'))
})

test("another implementation reads ours, and we read another's", async () => {
  const bytes = Buffer.concat([Buffer.alloc(200_000, 'nsq, '), NOISE])
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += MAX_SNAPPY_BLOCK)
    parts.push(bytes.subarray(at, at + MAX_SNAPPY_BLOCK))
  const decompressor = new Decompressor()
  assert.ok(Buffer.concat([decompressor.update(framed(...parts)), await decompressor.finish()]).equals(bytes))
  const compressor = new Compressor()
  assert.ok(read([compressor.update(bytes), await compressor.finish()]) === bytes.toString('latin1'))
})

test('a handler that pauses gets one chunk at a time', () => {
  const seen: string[] = []
  const reader = new SnappyFrameReader(uncompress, bytes => {
    seen.push(bytes.toString())
    reader.paused = true
  })
  reader.push(framed(latin1('a'), latin1('b'), latin1('c')))
  assert.deepEqual(seen, ['a'])
  reader.resume()
  assert.deepEqual(seen, ['a', 'b'])
  reader.push(framed(latin1('d')).subarray(SNAPPY_IDENTIFIER.length))
  reader.resume()
  reader.resume()
  assert.deepEqual(seen, ['a', 'b', 'c', 'd'])
})

test('a stream that does not begin as one is refused at once', () => {
  for (const begin of [
    '  V2',
    'HTTP/1.1',
    '\x01\x0d\x00\x00',
    '\xff\x07\x00\x00',
    '\xff\x06\x00\x00sNaPpy',
  ]) {
    assert.throws(() => read([latin1(begin)]), {
      code: 'E_BAD_FRAME',
      message: 'snappy: no stream identifier',
    })
  }
})

test('what is wrong with a chunk is named', () => {
  assert.equal(refusal(header(0x02, 5)), 'snappy: chunk of unknown type 2')
  assert.equal(refusal(header(0x7f, 5)), 'snappy: chunk of unknown type 127')
  // Before any of the body has come: nothing is collected for it.
  assert.equal(refusal(header(0x00, 0xffffff)), 'snappy: chunk of 16777215 bytes')
  assert.equal(refusal(header(0x01, MAX_SNAPPY_BLOCK + 5)), `snappy: chunk of ${MAX_SNAPPY_BLOCK + 5} bytes`)
  assert.equal(refusal(header(0x00, 3)), 'snappy: chunk of 3 bytes')
  const sum = latin1('\0\0\0\0')
  assert.equal(refusal(Buffer.concat([header(0x00, 4), sum])), 'snappy: block without a length')
  assert.equal(
    refusal(Buffer.concat([header(0x00, 9), sum, latin1('\xff\xff\xff\xff\xff')])),
    'snappy: block without a length',
  )
  // Four gigabytes, if one believed it.
  assert.equal(
    refusal(Buffer.concat([header(0x00, 9), sum, latin1('\xff\xff\xff\xff\x0f')])),
    'snappy: block of 4294967295 bytes',
  )
  assert.equal(
    refusal(Buffer.concat([header(0x00, 8), sum, latin1('\x05\x00\x00\x00')])),
    'snappy: a block cannot be uncompressed',
  )
})

test('a changed byte anywhere never makes other bytes of it', () => {
  for (const bytes of [latin1('123456789'), Buffer.alloc(500, 'ab')]) {
    const chunk = snappyChunk(bytes, compressSync)
    for (let at = 0; at < chunk.length; at++) {
      const changed = Buffer.from(chunk)
      changed[at] = (chunk[at] ?? 0) ^ 0x10
      let text = ''
      try {
        text = read([SNAPPY_IDENTIFIER, changed])
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `byte ${at}`)
      }
      // A copy of the same bytes from elsewhere is no other text.
      assert.ok(text === '' || text === bytes.toString('latin1'), `byte ${at}`)
    }
  }
})
