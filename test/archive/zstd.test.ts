import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteSource } from '../../src/archive/byte-source.ts'
import { loadCompression } from '../../src/archive/compression.ts'
import { readFrame } from '../../src/archive/zstd-frame.ts'
import { nativeLibrary, packageLibrary } from '../../src/archive/zstd-library.ts'
import { collect, inPieces } from './pieces.ts'
import { filtered, isInstalled } from './tools.ts'

const skip = isInstalled('zstd') ? false : 'zstd is not installed'

const CHECKSUM_FLAG = 4
const DAMAGED = { code: 'E_ARCHIVE_DAMAGED' }

function frame(...parts: readonly (string | readonly number[])[]): Buffer {
  return Buffer.concat(
    parts.map(part => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([...part]))),
  )
}

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]
/** One segment, 1 byte of content size. */
const SMALL = 0x20

/** The header of the last block. */
function last(type: number, size: number): number[] {
  const header = 1 | (type << 1) | (size << 3)
  return [header & 255, (header >> 8) & 255, header >> 16]
}

async function read(file: Buffer): Promise<Buffer> {
  const { all, error } = await collect((await loadCompression('zstd')).decompress(inPieces(file, 5)))
  if (error !== undefined) throw error
  return Buffer.concat(all)
}

describe('both ways to zstd', () => {
  const libraries = [
    ['Node', nativeLibrary],
    ['the package', packageLibrary],
  ] as const
  const contents = ['', 'a', 'one\n'.repeat(1000)].map(text => Buffer.from(text))

  for (const [name, load] of libraries) {
    test(`${name}: frames say how long their content is, and have a checksum`, async t => {
      const library = await load()
      if (library === undefined) {
        t.skip('this Node has no zstd')
        return
      }
      for (const content of contents) {
        const bytes = Buffer.concat(await library.compress(content, 3))
        assert.equal((bytes[4] ?? 0) & CHECKSUM_FLAG, CHECKSUM_FLAG)
        const read = await readFrame(new ByteSource(inPieces(bytes, 3)))
        assert.deepEqual(read, { bytes, contentBytes: content.length, isSkippable: false })
        assert.deepEqual(await library.decompress(bytes, content.length), content)
      }
    })

    test(`${name}: the checksum is looked at`, async t => {
      const library = await load()
      if (library === undefined) {
        t.skip('this Node has no zstd')
        return
      }
      const bytes = Buffer.concat(await library.compress(Buffer.from('one\n'), 3))
      bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)
      await assert.rejects(library.decompress(bytes, 4))
    })

    test(`${name}: the system's zstd takes its frames`, { skip }, async t => {
      const library = await load()
      if (library === undefined) {
        t.skip('this Node has no zstd')
        return
      }
      for (const content of contents) {
        const bytes = Buffer.concat(await library.compress(content, 3))
        assert.deepEqual(filtered('zstd', ['-dc'], bytes), content)
      }
    })
  }
})

describe('frames of others', () => {
  test('raw and repeated blocks', async () => {
    const raw = frame(MAGIC, [SMALL, 3], last(0, 3), 'abc')
    const repeated = frame(MAGIC, [SMALL, 5], last(1, 5), 'x')
    assert.equal((await read(Buffer.concat([raw, repeated]))).toString(), 'abcxxxxx')
  })

  test('frames to be skipped', async () => {
    const skipped = frame([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], 'abc')
    const data = frame(MAGIC, [SMALL, 1], last(0, 1), 'z')
    assert.equal((await read(Buffer.concat([skipped, data, skipped]))).toString(), 'z')
    await assert.rejects(read(skipped.subarray(0, -1)), DAMAGED)
  })

  test('a frame that does not say how large it is', { skip }, async () => {
    const content = Buffer.from('some line of text\n'.repeat(50_000))
    const file = filtered('zstd', ['--no-content-size', '--no-check', '-c'], content)
    assert.ok((await read(file)).equals(content))
  })

  const bad: [name: string, file: Buffer][] = [
    ['a reserved bit', frame(MAGIC, [SMALL | 8, 3], last(0, 3), 'abc')],
    ['a reserved block', frame(MAGIC, [SMALL, 3], last(3, 3), 'abc')],
    ['a block that is too large', frame(MAGIC, [SMALL, 3], last(1, 128 * 1024 + 1), 'x')],
    ['a size that no block can have', frame(MAGIC, [0xe0, 0, 0, 0, 0, 1, 0, 0, 0], last(0, 3), 'abc')],
    ['a size that is too small', frame(MAGIC, [SMALL, 2], last(0, 3), 'abc')],
    ['a size that is too large', frame(MAGIC, [SMALL, 3], last(0, 2), 'ab')],
    ['another beginning', Buffer.from('hello')],
    ['nothing at all', Buffer.alloc(0)],
  ]
  for (const [name, file] of bad) {
    test(`${name} is damage`, () => assert.rejects(read(file), DAMAGED))
  }
})
