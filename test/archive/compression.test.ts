/** What every compression keeps to. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ByteSource } from '../../src/archive/byte-source.ts'
import { type Compression, loadCompression } from '../../src/archive/compression.ts'
import { until } from '../support/wait.ts'
import { collect, encoded, inPieces } from './pieces.ts'
import { filtered, isInstalled } from './tools.ts'

async function read(compression: Compression, file: Buffer, size?: number): Promise<Buffer> {
  const { all, error } = await collect(compression.decompress(inPieces(file, size)))
  if (error !== undefined) throw error
  return Buffer.concat(all)
}

/** Where members end, and what is in them. */
async function walk(compression: Compression, file: Buffer, size?: number) {
  const contents: Buffer[] = []
  const source = new ByteSource(inPieces(file, size))
  const { all, error } = await collect(compression.members(source, bytes => contents.push(bytes)))
  if (error !== undefined) throw error
  return { ends: all, content: Buffer.concat(contents) }
}

function lines(count: number): Buffer {
  return Buffer.from(Array.from({ length: count }, (_, i) => `line ${i}, ${i * 7919}\n`).join(''))
}

const inputs: [name: string, buffers: Buffer[]][] = [
  ['a little', [Buffer.from('one\n')]],
  ['many small buffers', Array.from({ length: 1000 }, (_, i) => Buffer.from(`${i}\n`))],
  ['chunks', [lines(5000), lines(5000), lines(4), lines(5000)]],
  ['a large one between small ones', [Buffer.from('a'), Buffer.alloc(2_000_000, 'x'), Buffer.from('b')]],
  ['what cannot be compressed', [randomBytes(200_000), randomBytes(10), randomBytes(131_072)]],
]

for (const name of ['gzip', 'zstd'] as const) {
  describe(name, async () => {
    const compression = await loadCompression(name)
    const skip = isInstalled(name) ? false : `${name} is not installed`

    for (const [what, buffers] of inputs) {
      test(`${what}: comes back whole, however it is read`, async () => {
        const content = Buffer.concat(buffers)
        const file = Buffer.concat(await compression.compress(buffers))
        for (const size of [1000, 65_536, file.length]) {
          assert.ok((await read(compression, file, size)).equals(content))
          const walked = await walk(compression, file, size)
          assert.ok(walked.content.equals(content))
          assert.equal(walked.ends.at(-1), file.length)
        }
      })

      test(`${what}: the system's ${name} reads it`, { skip }, async () => {
        const file = Buffer.concat(await compression.compress(buffers))
        filtered(name, ['-t'], file)
        assert.ok(filtered(name, ['-dc'], file).equals(Buffer.concat(buffers)))
      })
    }

    test('members are about 128 KiB', async () => {
      const buffers = Array.from({ length: 40 }, () => randomBytes(20_000))
      const file = Buffer.concat(await compression.compress(buffers))
      const { ends } = await walk(compression, file)
      const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0))
      assert.ok(sizes.every(size => size < 140_000))
      assert.equal(sizes.length, 7)
    })

    test('files one behind the other are a file', async () => {
      const first = Buffer.concat(await compression.compress([Buffer.from('one\n')]))
      const file = Buffer.concat([first, await compression.empty(), first])
      assert.equal((await read(compression, file)).toString(), 'one\none\n')
      assert.deepEqual((await walk(compression, file)).ends.length, 3)
    })

    test('nothing to compress is no member; a file of nothing has one', async () => {
      assert.deepEqual(await compression.compress([]), [])
      const empty = await compression.empty()
      assert.equal((await read(compression, empty)).length, 0)
      assert.deepEqual((await walk(compression, empty)).ends, [empty.length])
      if (skip === false) filtered(name, ['-t'], empty)
    })

    test('levels', async () => {
      const bodies = Array.from({ length: 700 }, (_, i) => `{"i":${i},"user":"user ${(i * 7919) % 97}"}`)
      const content = Buffer.concat(encoded('jsonl', bodies))
      const sizes: number[] = []
      for (const level of [1, 9]) {
        const members = await (await loadCompression(name, level)).compress([content])
        sizes.push(Buffer.concat(members).length)
      }
      assert.ok((sizes[1] ?? 0) < (sizes[0] ?? 0))
    })

    test(`what the system's ${name} has written`, { skip }, async () => {
      for (const content of [lines(50_000), Buffer.from('a'), Buffer.alloc(1_000_000), Buffer.alloc(0)]) {
        for (const flags of [['-1'], ['-9']]) {
          const file = filtered(name, flags, content)
          assert.ok((await read(compression, file)).equals(content))
        }
      }
    })

    test('a file that is cut anywhere is damaged, unless between members', async () => {
      const members = [await compression.compress([lines(20)]), await compression.compress([lines(30)])]
      const file = Buffer.concat(members.flat())
      const seam = Buffer.concat(members[0] ?? []).length
      for (let length = 0; length <= file.length; length++) {
        const { error } = await collect(compression.decompress(inPieces(file.subarray(0, length), 100)))
        const isWhole = length === seam || length === file.length
        assert.equal(
          error instanceof Error && 'code' in error ? error.code : error,
          isWhole ? undefined : 'E_ARCHIVE_DAMAGED',
        )
        const { ends } = await walk(compression, file.subarray(0, length))
        assert.deepEqual(ends, length === file.length ? [seam, length] : length >= seam ? [seam] : [])
      }
    })

    test('a bit that changes is never taken for content', async () => {
      const content = lines(80)
      const file = Buffer.concat(await compression.compress([content]))
      for (let at = 0; at < file.length; at++) {
        const changed = Buffer.from(file)
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
        const walked = await walk(compression, changed)
        if (walked.ends.length > 0) assert.ok(walked.content.equals(content), `byte ${at}`)
        const { all, error } = await collect(compression.decompress(inPieces(changed)))
        if (error === undefined) assert.ok(Buffer.concat(all).equals(content), `byte ${at}`)
      }
    })

    for (const [what, garbage] of [
      ['zeros', Buffer.alloc(5000)],
      ['a zero', Buffer.alloc(1)],
      ['text', Buffer.from('text')],
    ] as const) {
      test(`${what} behind the last member`, async () => {
        const file = Buffer.concat(await compression.compress([Buffer.from('one\n')]))
        const longer = Buffer.concat([file, garbage])
        assert.deepEqual((await walk(compression, longer)).ends, [file.length])
        await assert.rejects(read(compression, longer), { code: 'E_ARCHIVE_DAMAGED' })
      })
    }

    test('an error of the input is passed on', async () => {
      const failing = async function* (): AsyncGenerator<Buffer> {
        yield* inPieces(Buffer.concat(await compression.compress([Buffer.from('one\n')])), 10)
        throw new Error('the disk is gone')
      }
      assert.match(String((await collect(compression.decompress(failing()))).error), /the disk is gone/)
      const members = compression.members(new ByteSource(failing()), () => {})
      assert.match(String((await collect(members)).error), /the disk is gone/)
    })
  })
}

describe('none', async () => {
  const compression = await loadCompression('none')

  test('leaves everything as it is', async () => {
    const buffers = [Buffer.from('one\n'), Buffer.from('two\n')]
    assert.deepEqual(await compression.compress(buffers), buffers)
    assert.equal((await compression.empty()).length, 0)
    assert.equal((await read(compression, Buffer.concat(buffers), 3)).toString(), 'one\ntwo\n')
  })
})

test('a gzip member says in its header how long it is', async () => {
  const compression = await loadCompression('gzip')
  const member = Buffer.concat(await compression.compress([Buffer.from('one\n')]))
  assert.equal(member.subarray(10, 16).toString('latin1'), '\x08\0NQ\x04\0')
  assert.equal(member.readUInt32LE(16), member.length)
  assert.equal(gunzipSync(member).toString(), 'one\n')
})

for (const name of ['none', 'gzip', 'zstd'] as const) {
  test(`who wants only the beginning lets go of the input: ${name}`, async () => {
    const codec = await loadCompression(name)
    const packed = await codec.compress([Buffer.from('one'), Buffer.from('two')])
    let isOpen = true
    async function* input(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.concat(packed)
        yield* await codec.compress([Buffer.from('three')])
      } finally {
        isOpen = false
      }
    }
    for await (const _ of codec.decompress(input())) break
    await until(() => !isOpen)
  })
}
