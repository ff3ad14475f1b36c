import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  DelimitedFraming,
  type Framing,
  FramingError,
  LengthFraming,
  UnescapedFraming,
  WholeFraming,
} from '../../src/archive/framing.ts'

function cut(framing: Framing, chunks: readonly Buffer[]): { bodies: string[]; empty: number } {
  const bodies: Buffer[] = []
  for (const chunk of chunks) framing.push(chunk, bodies)
  framing.end(bodies)
  return { bodies: bodies.map(body => body.toString('latin1')), empty: framing.empty }
}

function whole(framing: Framing, input: string): { bodies: string[]; empty: number } {
  return cut(framing, [Buffer.from(input, 'latin1')])
}

/** Every way to feed it that has ever mattered: at once, byte by byte, and in random pieces. */
function splits(input: Buffer): Buffer[][] {
  const all = [[input], Array.from(input, byte => Buffer.of(byte))]
  for (let round = 0; round < 50; round++) {
    const chunks: Buffer[] = []
    for (let at = 0; at < input.length;) {
      const size = Math.floor(Math.random() * 9)
      chunks.push(input.subarray(at, at + size))
      at += size
    }
    all.push(chunks)
  }
  return all
}

const cases: [name: string, make: () => Framing, input: string, bodies: string[], empty: number][] = [
  ['lines', () => new DelimitedFraming(Buffer.from('\n'), 100), 'one\ntwo\n', ['one', 'two'], 0],
  [
    'a last line without a newline',
    () => new DelimitedFraming(Buffer.from('\n'), 100),
    'one\ntwo',
    ['one', 'two'],
    0,
  ],
  ['empty lines', () => new DelimitedFraming(Buffer.from('\n'), 100), '\n\na\n\nb\n\n', ['a', 'b'], 4],
  ['no input', () => new DelimitedFraming(Buffer.from('\n'), 100), '', [], 0],
  [
    'bytes that are not UTF-8',
    () => new DelimitedFraming(Buffer.from('\n'), 100),
    '\xff\r\n\xfe\0',
    ['\xff\r', '\xfe\0'],
    0,
  ],
  ['a NUL delimiter', () => new DelimitedFraming(Buffer.of(0), 100), 'a\nb\0c', ['a\nb', 'c'], 0],
  [
    'two bytes',
    () => new DelimitedFraming(Buffer.from('\r\n'), 100),
    'a\r\nb\rc\nd\r\n\r\n',
    ['a', 'b\rc\nd'],
    1,
  ],
  [
    'a delimiter that repeats itself',
    () => new DelimitedFraming(Buffer.from('aab'), 100),
    'xaaabyaabaab',
    ['xa', 'y'],
    1,
  ],
  [
    'a delimiter of one repeated byte',
    () => new DelimitedFraming(Buffer.from('---'), 100),
    'a-----b---',
    ['a', '--b'],
    0,
  ],
  [
    'messages of exactly the largest size',
    () => new DelimitedFraming(Buffer.from('::'), 3),
    'abc::def',
    ['abc', 'def'],
    0,
  ],
  [
    'escapes',
    () => new UnescapedFraming(Buffer.from('\n'), 100),
    'a\\nb\\\\n\\r\n\n\\\\\nplain\\n',
    ['a\nb\\n\r', '\\', 'plain\n'],
    1,
  ],
  [
    'escapes before another delimiter',
    () => new UnescapedFraming(Buffer.from('::'), 4),
    '\\n\\n\\n\\n::a\n:b::',
    ['\n\n\n\n', 'a\n:b'],
    0,
  ],
  ['lengths', () => new LengthFraming(100), '\0\0\0\x03abc\0\0\0\x01\n\0\0\0\0', ['abc', '\n'], 1],
  ['the whole', () => new WholeFraming(100), 'a\nb\n', ['a\nb\n'], 0],
  ['the whole of nothing', () => new WholeFraming(100), '', [], 1],
]

describe('framing, however the input is split', () => {
  for (const [name, make, input, bodies, empty] of cases) {
    test(name, () => {
      for (const chunks of splits(Buffer.from(input, 'latin1'))) {
        assert.deepEqual(cut(make(), chunks), { bodies, empty })
      }
    })
  }

  test('random input, random delimiters, against String.split', () => {
    for (let round = 0; round < 200; round++) {
      const letters = Array.from(
        { length: Math.floor(Math.random() * 60) },
        () => 'ab\n'[Math.floor(Math.random() * 3)],
      )
      const input = letters.join('')
      const delimiter = ['\n', 'ab', 'aa', 'aba'][round % 4] ?? '\n'
      const expected = input.split(delimiter).filter(part => part !== '')
      const at = Math.floor(Math.random() * input.length)
      const bytes = Buffer.from(input)
      const framing = new DelimitedFraming(Buffer.from(delimiter), 100)
      assert.deepEqual(cut(framing, [bytes.subarray(0, at), bytes.subarray(at)]).bodies, expected)
    }
  })
})

describe('framing refuses', () => {
  test('a line that is too long, before it is whole', () => {
    const framing = new DelimitedFraming(Buffer.from('\n'), 10)
    assert.throws(() => framing.push(Buffer.alloc(11, 'x'), []), FramingError)
    assert.throws(() => whole(new DelimitedFraming(Buffer.from('\n'), 3), 'abcd\n'), FramingError)
    assert.throws(() => whole(new DelimitedFraming(Buffer.from('::'), 3), 'abcd::'), FramingError)
    assert.throws(() => whole(new DelimitedFraming(Buffer.from('::'), 3), 'abcd'), FramingError)
  })

  test('a length that is too large, before its bytes come', () => {
    assert.throws(
      () => new LengthFraming(10).push(Buffer.of(0, 0, 0, 11), []),
      /it is 11 bytes, larger than 10 bytes/,
    )
  })

  test('an input that ends within a message', () => {
    assert.throws(() => whole(new LengthFraming(10), '\0\0\0\x05abc'), /the input ends after 3 of 5 bytes/)
    assert.throws(() => whole(new LengthFraming(10), '\0\0'), /the input ends within a length/)
  })

  test('a whole that is too large', () => {
    assert.throws(() => whole(new WholeFraming(3), 'abcd'), FramingError)
  })

  const escapes: [line: string, message: RegExp][] = [
    ['b\\q', /^\\q is no escape; a backslash is written \\\\, a newline \\n, a carriage return \\r$/],
    ['\\\0', /^a backslash before byte 0 is no escape;/],
    ['\\\xff', /^a backslash before byte 255 is no escape;/],
    ['b\\n\\', /^it ends with a single backslash;/],
  ]
  for (const [line, message] of escapes) {
    test(`the escape in ${JSON.stringify(line)}, after what came before`, () => {
      const framing = new UnescapedFraming(Buffer.from('\n'), 100)
      const bodies: Buffer[] = []
      const input = Buffer.from(`a\n\n${line}\n\nc\n`, 'latin1')
      assert.throws(
        () => framing.push(input, bodies),
        (error: unknown) => error instanceof FramingError && message.test(error.message),
      )
      assert.deepEqual(bodies.map(String), ['a'])
      assert.equal(framing.empty, 1)
    })
  }

  test('a line that is too long once its escapes are read, and one that is before', () => {
    const line = new DelimitedFraming(Buffer.from('\n'), 3)
    assert.throws(() => whole(line, 'abcd\n'), FramingError)
    assert.deepEqual(whole(new UnescapedFraming(Buffer.from('\n'), 3), '\\n\\n\\n\n').bodies, ['\n\n\n'])
    assert.throws(
      () => whole(new UnescapedFraming(Buffer.from('\n'), 3), 'abcd\n'),
      /it is 4 bytes, larger than 3/,
    )
    const framing = new UnescapedFraming(Buffer.from('\n'), 3)
    const bodies: Buffer[] = []
    assert.throws(() => framing.push(Buffer.from('a\nabcdefg\nb\n'), bodies), /larger than/)
    assert.deepEqual(bodies.map(String), ['a'])
  })

  test('an empty delimiter', () => {
    assert.throws(() => new DelimitedFraming(Buffer.alloc(0), 10), RangeError)
  })
})
