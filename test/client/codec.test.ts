import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeWith, json, raw, text } from '../../src/client/codec.ts'
import { NsqError } from '../../src/util/errors.ts'

function failure(act: () => unknown): NsqError {
  let thrown: unknown
  try {
    act()
  } catch (error) {
    thrown = error
  }
  assert.ok(thrown instanceof NsqError, `threw ${String(thrown)}`)
  return thrown
}

function bytesOf(encoded: Buffer | Uint8Array | string): Buffer {
  return Buffer.from(encoded)
}

const NOT_UTF8 = Buffer.from([0x61, 0xff, 0x62])

test('raw gives and takes bytes as they are', () => {
  const bytes = Buffer.from([0, 0xff, 1])
  assert.equal(raw.decode(bytes), bytes)
  assert.equal(raw.encode(bytes), bytes)
  assert.equal(raw.encode('text'), 'text')
})

test('text comes out as it went in', () => {
  for (const value of ['a', 'é€\u{1f600}', '\ufeffwith a mark', '\u0000', 'x'.repeat(5000)]) {
    assert.equal(text.decode(bytesOf(text.encode(value))), value)
  }
})

test('text is strictly UTF-8', () => {
  // An overlong slash, half of a surrogate pair, and a character that is cut off.
  for (const bytes of [
    NOT_UTF8,
    Buffer.from([0xc0, 0xaf]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from([0xe2, 0x82]),
  ]) {
    assert.throws(() => text.decode(bytes), TypeError)
    assert.throws(() => json.decode(bytes), TypeError)
  }
  // Programs without types could pass anything.
  const loose: { encode(value: unknown): unknown } = text
  assert.throws(() => loose.encode(Buffer.from('x')), /not object/)
  assert.throws(() => loose.encode(null), /not null/)
})

test('json comes out as it went in', () => {
  for (const value of [null, true, 1.5, 'é\u{1f600}', [], { a: [{ b: 'c' }] }]) {
    assert.deepEqual(json.decode(bytesOf(json.encode(value))), value)
  }
})

test('what has no JSON does not encode', () => {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  for (const value of [undefined, () => 1, Symbol('s'), 1n, cycle])
    assert.throws(() => json.encode(value), TypeError)
})

test('what does not decode is E_DECODE: it names the message, and shows nothing of it', () => {
  for (const body of ['hunter2', '{"password": hunter2}', '{"password": "hunter2"', '']) {
    const error = failure(() => decodeWith(json, Buffer.from(body), 'message 0a1b of orders'))
    assert.equal(error.code, 'E_DECODE')
    assert.match(error.message, /^message 0a1b of orders does not decode: it is not JSON/)
    assert.ok(!`${error.stack} ${String(error.cause)}`.includes('hunter2'), error.message)
  }
  const error = failure(() => decodeWith(text, NOT_UTF8, 'message 0a1b of orders'))
  assert.equal(error.code, 'E_DECODE')
  assert.ok(error.cause instanceof TypeError)
  assert.equal(decodeWith(text, Buffer.from('fine'), 'it'), 'fine')
})

test('a decoder of your own may throw anything', () => {
  const mine = {
    decode: (): number => {
      throw new RangeError('not of mine')
    },
  }
  assert.match(failure(() => decodeWith(mine, NOT_UTF8, 'it')).message, /it does not decode: not of mine/)
})
