import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { Chunks } from '../../src/archive/chunks.ts'
import { encodeRecord } from '../../src/archive/jsonl.ts'
import { recordFormat } from '../../src/archive/record-format.ts'
import { encoded, plainMessage } from './pieces.ts'

function text(framing: Parameters<typeof encoded>[0], bodies: readonly (Buffer | string)[]): string {
  return Buffer.concat(encoded(framing, bodies)).toString('latin1')
}

describe('record formats', () => {
  test('lines: bodies as they are', () => {
    assert.equal(text('lines', ['one', 'a\nb', Buffer.of(0xff, 0)]), 'one\na\nb\n\xff\0\n')
  })

  test('escaped: a line each', () => {
    assert.equal(
      text('escaped', ['one', 'a\nb\r\n', 'c:\\new', '\t\0']),
      'one\na\\nb\\r\\n\nc:\\\\new\n\t\0\n',
    )
  })

  test('length: any bytes', () => {
    assert.equal(text('length', ['one', '\n']), '\0\0\0\x03one\0\0\0\x01\n')
    assert.equal(text('length', [Buffer.alloc(0x01_02_03)]).slice(0, 4), '\0\x01\x02\x03')
  })

  test('each counts its records', () => {
    for (const name of ['lines', 'escaped', 'jsonl', 'length'] as const) {
      const chunks = new Chunks()
      const format = recordFormat(name)
      assert.equal(format.name, name)
      for (let i = 0; i < 3; i++) format.append(plainMessage('a\nb'), chunks)
      assert.equal(chunks.records, 3)
      assert.equal(chunks.bytes, Buffer.concat([...chunks.buffers]).length)
    }
  })
})

describe('bodies of every size come out whole', () => {
  const sizes = [0, 1, 63 * 1024, 64 * 1024, 64 * 1024 + 1, 128 * 1024, 128 * 1024 + 1, 300 * 1024]
  for (const filler of ['x', '\n', '\\', '\x01', 'ü', '"']) {
    test(`of ${JSON.stringify(filler)}`, () => {
      for (const size of sizes) {
        const body = Buffer.alloc(size, filler)
        const escaped = body.toString('latin1').replace(/[\\\n]/g, each => (each === '\n' ? '\\n' : '\\\\'))
        assert.ok(text('lines', ['a', body, 'b']) === `a\n${body.toString('latin1')}\nb\n`)
        assert.ok(text('escaped', ['a', body, 'b']) === `a\n${escaped}\nb\n`)
        const length = Buffer.alloc(4)
        length.writeUInt32BE(size)
        const header = length.toString('latin1')
        assert.ok(text('length', [body, 'b']) === `${header}${body.toString('latin1')}\0\0\0\x01b`)
        const lines = ['a', body, 'b'].map(each => `${encodeRecord(plainMessage(each))}\n`)
        assert.ok(Buffer.concat(encoded('jsonl', ['a', body, 'b'])).equals(Buffer.from(lines.join(''))))
      }
    })
  }
})

describe('jsonl is what encodeRecord makes', () => {
  test('of every character, and of bytes that are no text', () => {
    const characters = Array.from({ length: 0x300 }, (_, i) => String.fromCharCode(i))
    const bodies = [
      ...characters,
      characters.join(''),
      '\u2028\u2029\uFEFF\uFFFD😀',
      Buffer.of(0xff),
      Buffer.of(0xed, 0xa0, 0x80),
      randomBytes(1000),
    ]
    for (const body of bodies) {
      const line = Buffer.from(`${encodeRecord(plainMessage(body))}\n`)
      assert.deepEqual(Buffer.concat(encoded('jsonl', [body])), line)
    }
  })

  test('of messages from any nsqd, in any order', () => {
    const chunks = new Chunks()
    let expected = ''
    for (const nsqd of ['a:4150', 'b:4150', 'a:4150', '/run/"nsqd" ü', 'x'.repeat(50_000)]) {
      const message = { ...plainMessage('body'), nsqd }
      recordFormat('jsonl').append(message, chunks)
      expected += `${encodeRecord(message)}\n`
    }
    assert.equal(Buffer.concat([...chunks.buffers]).toString(), expected)
  })
})
