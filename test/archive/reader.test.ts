import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loadCompression } from '../../src/archive/compression.ts'
import { decodeRecord } from '../../src/archive/jsonl.ts'
import { readRecords } from '../../src/archive/reader.ts'
import type { FramingName } from '../../src/archive/record-format.ts'
import { collect, COMPRESSIONS, encoded, FRAMINGS, inPieces } from './pieces.ts'
import { filtered, isInstalled } from './tools.ts'

const BODIES = [
  'one',
  'two\\n three\\\\',
  '{"a":"b"}',
  'ünï cödé',
  Buffer.alloc(100_000, 'abcdefg').toString(),
  ...Array.from({ length: 1000 }, (_, i) => `message ${i}`),
]

/** Bodies that `lines` cannot tell apart. */
const BINARY = [
  Buffer.of(0xff, 0x0a, 0x0d, 0x5c, 0x6e),
  Buffer.from('a\nb\r\n\n'),
  Buffer.alloc(70_000, '\n'),
]

function bodyOf(framing: FramingName, record: Buffer): Buffer {
  return framing === 'jsonl' ? decodeRecord(record).body : record
}

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.from('a\n')
  throw new Error('the disk is gone')
}

for (const name of COMPRESSIONS) {
  describe(`readRecords, ${name}`, async () => {
    const compression = await loadCompression(name)
    const read = (file: Buffer, framing: FramingName, size?: number) =>
      collect(readRecords(inPieces(file, size), framing, compression))

    for (const framing of FRAMINGS) {
      const bodies = [...BODIES.map(body => Buffer.from(body)), ...(framing === 'lines' ? [] : BINARY)]

      test(`${framing}: gives back what was written`, async () => {
        const file = Buffer.concat(await compression.compress(encoded(framing, bodies)))
        for (const size of [100, 65_536, file.length]) {
          const { all, error } = await read(file, framing, size)
          assert.equal(error, undefined)
          const records = all.flat().map(record => bodyOf(framing, record))
          assert.equal(records.length, bodies.length)
          assert.ok(records.every((record, i) => record.equals(bodies[i] ?? Buffer.alloc(0))))
        }
      })

      test(`${framing}: a torn file, after what is whole`, async () => {
        const first = Buffer.concat(await compression.compress(encoded(framing, ['one', 'two'])))
        const file = Buffer.concat([first, ...(await compression.compress(encoded(framing, ['three'])))])
        for (let length = first.length + 1; length < file.length; length++) {
          const { all, error } = await read(file.subarray(0, length), framing, 7)
          assert.ok(error instanceof Error && 'code' in error && error.code === 'E_ARCHIVE_DAMAGED')
          const found = all.flat().map(record => bodyOf(framing, record).toString())
          assert.deepEqual(found.slice(0, 2), ['one', 'two'])
          // gzip gives what it has before it sees that the checksum is torn.
          assert.ok(found.length === 2 || (name === 'gzip' && found[2] === 'three'))
        }
      })

      if (name === 'none') continue
      test(`${framing}: from and to the system's ${name}`, { skip: !isInstalled(name) }, async () => {
        const plain = Buffer.concat(encoded(framing, bodies))
        const ours = Buffer.concat(await compression.compress(encoded(framing, bodies)))
        assert.ok(filtered(name, ['-dc'], ours).equals(plain))
        const { all, error } = await read(filtered(name, ['-c'], plain), framing)
        assert.equal(error, undefined)
        const records = all.flat().map(record => bodyOf(framing, record))
        assert.ok(Buffer.concat(records).equals(Buffer.concat(bodies)))
      })
    }

    test('a file of nothing', async () => {
      const { all, error } = await read(await compression.empty(), 'lines')
      assert.equal(error, undefined)
      assert.deepEqual(all, [])
    })
  })
}

describe('readRecords', async () => {
  const none = await loadCompression('none')

  test('lines: empty ones, too', async () => {
    const { all } = await collect(readRecords(inPieces(Buffer.from('\na\n\n')), 'lines', none))
    assert.deepEqual(all.flat().map(String), ['', 'a', ''])
  })

  const bad: [framing: FramingName, bytes: string, before: string[], message: RegExp][] = [
    ['escaped', 'a\nb\\q\nc\n', ['a'], /\\q is no escape/],
    ['escaped', 'a\nb\\\n', ['a'], /ends with a single backslash/],
    ['escaped', 'a\n\nb\n', ['a', 'b'], /empty record/],
    ['length', '\0\0\0\x01a\0\0\0\0', ['a'], /empty record/],
    ['length', '\0\0\0\x01a\xff\xff\xff\xff', ['a'], /larger than/],
    ['length', '\0\0\0\x01a\0\0', ['a'], /ends within a length/],
    ['lines', 'a\nb', ['a'], /the last record is torn/],
  ]
  for (const [framing, bytes, before, message] of bad) {
    test(`${framing}: ${JSON.stringify(bytes)}`, async () => {
      const { all, error } = await collect(readRecords(inPieces(Buffer.from(bytes, 'latin1')), framing, none))
      assert.deepEqual(all.flat().map(String), before)
      assert.ok(error instanceof Error && 'code' in error && error.code === 'E_ARCHIVE_DAMAGED')
      assert.match(error.message, message)
    })
  }

  test('an error of the input is passed on', async () => {
    const { all, error } = await collect(readRecords(failing(), 'lines', none))
    assert.deepEqual(all.flat().map(String), ['a'])
    assert.match(String(error), /the disk is gone/)
  })
})
