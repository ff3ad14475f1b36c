import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { printable, unescapeBytes } from '../../src/cli/escape.ts'

describe('unescapeBytes', () => {
  test('reads every escape, and leaves the rest', () => {
    const expected = Buffer.concat([Buffer.from('a\n\r\t\0\\é'), Buffer.of(0xff, 0x1e, 0x21)])
    assert.deepEqual(unescapeBytes('a\\n\\r\\t\\0\\\\é\\xFF\\x1e!'), expected)
    assert.deepEqual(unescapeBytes(''), Buffer.alloc(0))
    assert.deepEqual(unescapeBytes('\n'), Buffer.from('\n'))
  })

  for (const bad of ['\\q', 'a\\', '\\x1', '\\xzz']) {
    test(`refuses ${bad}`, () => assert.throws(() => unescapeBytes(bad), RangeError))
  }
})

describe('printable', () => {
  const cases: [name: string, bytes: Buffer, text: string][] = [
    ['text', Buffer.from('a\tb\nç漢😀'), 'a\tb\nç漢😀'],
    ['terminal sequences', Buffer.from('\x1b[2J\x07\r\x7f'), '\\x1b[2J\\x07\\x0d\\x7f'],
    ['C1 controls', Buffer.from('\u009b31m'), '\\x9b31m'],
    ['bidirectional overrides', Buffer.from('\u202ex'), '\\u202ex'],
    ['bytes that are not UTF-8', Buffer.of(0x61, 0xff, 0xc3, 0x28, 0xe6, 0xbc), 'a\\xff\\xc3(\\xe6\\xbc'],
    ['a real U+FFFD', Buffer.from('\uFFFD'), '\uFFFD'],
    ['nothing', Buffer.alloc(0), ''],
  ]
  for (const [name, bytes, text] of cases) {
    test(name, () => assert.equal(printable(bytes), text))
  }
})
