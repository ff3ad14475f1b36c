import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { CHUNK_BYTES, Chunks } from '../../src/archive/chunks.ts'

function all(chunks: Chunks): string {
  return Buffer.concat([...chunks.buffers]).toString('latin1')
}

describe('Chunks', () => {
  test('holds what was added, in order', () => {
    const chunks = new Chunks()
    chunks.add(Buffer.from('one'))
    chunks.addByte(0x2c)
    chunks.end()
    chunks.add(Buffer.alloc(0))
    chunks.reserve(3)
    chunks.at += chunks.buffer.write('two', chunks.at)
    chunks.end()
    assert.equal(chunks.bytes, 7)
    assert.equal(chunks.records, 2)
    assert.equal(all(chunks), 'one,two')
  })

  test('can be looked at while it is filled', () => {
    const chunks = new Chunks()
    chunks.add(Buffer.from('one'))
    assert.equal(all(chunks), 'one')
    chunks.add(Buffer.from('two'))
    assert.equal(chunks.bytes, 6)
    assert.equal(all(chunks), 'onetwo')
    assert.equal(all(chunks), 'onetwo')
  })

  test('takes a large piece as it is, between what comes before and after it', () => {
    const chunks = new Chunks()
    const large = Buffer.alloc(64 * 1024, 'x')
    chunks.add(Buffer.from('a'))
    chunks.add(large)
    chunks.add(Buffer.from('b'))
    assert.deepEqual(
      chunks.buffers.map(({ length }) => length),
      [1, large.length, 1],
    )
    assert.equal(chunks.buffers[1], large)
    assert.equal(chunks.bytes, large.length + 2)
    assert.equal(all(chunks), `a${large.toString()}b`)
  })

  test('copies a small piece, whose memory may be used again', () => {
    const chunks = new Chunks()
    const piece = Buffer.from('before')
    chunks.add(piece)
    piece.write('later!')
    assert.equal(all(chunks), 'before')
  })

  test('has few buffers of one size for many records, and one small one for few', () => {
    const few = new Chunks()
    few.add(Buffer.from('a'))
    assert.ok(few.buffer.length < 16 * 1024)
    const many = new Chunks()
    let expected = ''
    for (let i = 0; i < 20_000; i++) {
      const record = `record ${i}, and then some more\n`
      many.add(Buffer.from(record))
      expected += record
    }
    assert.equal(all(many), expected)
    assert.ok(many.buffers.length <= expected.length / CHUNK_BYTES + 2)
  })

  test('pieces of any size, up to the largest that is copied, and reservations of any', () => {
    const chunks = new Chunks()
    let expected = ''
    for (let i = 0; i < 400; i++) {
      const piece = String.fromCharCode(97 + (i % 26)).repeat((i * 7919) % (70 * 1024))
      chunks.add(Buffer.from(piece))
      expected += piece
      chunks.reserve((i * 104_729) % CHUNK_BYTES)
    }
    assert.equal(chunks.bytes, expected.length)
    assert.ok(all(chunks) === expected)
  })

  test('cannot reserve more than a chunk', () => {
    const chunks = new Chunks()
    chunks.reserve(CHUNK_BYTES)
    assert.throws(() => chunks.reserve(CHUNK_BYTES + 1), RangeError)
  })

  test('is empty after it was released, and its memory serves others', () => {
    const chunks = new Chunks()
    chunks.reserve(CHUNK_BYTES)
    const { buffer } = chunks
    chunks.add(Buffer.from('x'))
    chunks.end()
    chunks.release()
    assert.deepEqual([chunks.bytes, chunks.records, chunks.buffers.length], [0, 0, 0])
    const next = new Chunks()
    next.reserve(CHUNK_BYTES)
    assert.equal(next.buffer, buffer)
    chunks.add(Buffer.from('again'))
    chunks.end()
    assert.equal(all(chunks), 'again')
    assert.equal(chunks.records, 1)
  })
})
