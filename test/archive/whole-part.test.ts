import assert from 'node:assert/strict'
import { ftruncateSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { type Compression, loadCompression } from '../../src/archive/compression.ts'
import type { FramingName } from '../../src/archive/record-format.ts'
import { wholePart, type WholePart } from '../../src/archive/whole-part.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { COMPRESSIONS, encoded, FRAMINGS } from './pieces.ts'

/** Batches of bodies; each is compressed by itself, as the archive commits it. */
const BATCHES = [['one'], ['two', 'three {"a":"b"}', 'x'.repeat(60)], ['four', 'five\\']]

interface Written {
  readonly bytes: Buffer
  /** Where a file may end so that everything in it is whole, and how many records there are then. */
  readonly ends: readonly WholePart[]
}

async function write(
  framing: FramingName,
  compression: Compression,
  batches: readonly (readonly (string | Buffer)[])[] = BATCHES,
): Promise<Written> {
  let bytes = Buffer.alloc(0)
  let records = 0
  const ends = [{ bytes: 0, records }]
  for (const bodies of batches) {
    // Without compression a file may end after every record.
    const steps = compression.name === 'none' ? bodies.map(body => [body]) : [bodies]
    for (const step of steps) {
      bytes = Buffer.concat([bytes, ...(await compression.compress(encoded(framing, step)))])
      records += step.length
      ends.push({ bytes: bytes.length, records })
    }
  }
  return { bytes, ends }
}

/** The end that is the last up to there. */
function before({ ends }: Written, length: number): WholePart {
  return ends.findLast(({ bytes }) => bytes <= length) ?? { bytes: 0, records: 0 }
}

/** One file that is written over: to make a new one takes longer than to look at it. */
class Scratch {
  readonly #file: FileHandle

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(t: TestContext): Promise<Scratch> {
    const file = await open(join(temporaryFolder(), 'part'), 'w+')
    t.after(() => file.close())
    return new Scratch(file)
  }

  whole(bytes: Buffer, framing: FramingName, compression: Compression, from?: number): Promise<WholePart> {
    ftruncateSync(this.#file.fd)
    writeSync(this.#file.fd, bytes, 0, bytes.length, 0)
    return wholePart(this.#file, framing, compression, from)
  }
}

for (const name of COMPRESSIONS) {
  describe(`wholePart, ${name}`, async () => {
    const compression = await loadCompression(name)

    for (const framing of FRAMINGS) {
      test(`${framing}: a file that is cut at any byte`, async t => {
        const scratch = await Scratch.open(t)
        const written = await write(framing, compression)
        for (let length = 0; length <= written.bytes.length; length++) {
          const whole = await scratch.whole(written.bytes.subarray(0, length), framing, compression)
          assert.deepEqual(whole, before(written, length), `${length} bytes`)
        }
      })

      test(`${framing}: zeros behind any byte`, async t => {
        const scratch = await Scratch.open(t)
        const written = await write(framing, compression)
        for (let length = 0; length <= written.bytes.length; length += 7) {
          const torn = Buffer.concat([written.bytes.subarray(0, length), Buffer.alloc(4096)])
          const whole = await scratch.whole(torn, framing, compression)
          // A record or member that ends with zeros is whole again. Lengths without checksums also find a body in zeros.
          const least = before(written, length + trailingZeros(written.bytes, length))
          if (framing === 'length' && name === 'none') assert.ok(whole.records >= least.records)
          else assert.deepEqual(whole, least, `${length} bytes`)
        }
      })

      test(`${framing}: what is before is not looked at`, async t => {
        const scratch = await Scratch.open(t)
        const written = await write(framing, compression)
        const garbage = Buffer.from('garbage\0\n\xff', 'latin1')
        const bytes = Buffer.concat([garbage, written.bytes, Buffer.from('\0')])
        const whole = await scratch.whole(bytes, framing, compression, garbage.length)
        assert.deepEqual(whole, {
          bytes: garbage.length + written.bytes.length,
          records: before(written, Infinity).records,
        })
      })

      test(`${framing}: members and records larger than what is read at once`, async t => {
        const scratch = await Scratch.open(t)
        const large = Array.from({ length: 4 }, (_, i) => noise(i, 700_000 + i))
        const written = await write(framing, compression, [[large[0] ?? ''], large.slice(1), ['end']])
        assert.deepEqual(await scratch.whole(written.bytes, framing, compression), before(written, Infinity))
        for (const { bytes } of written.ends.slice(1)) {
          for (const length of [bytes - 1, bytes + 1, bytes - 300_000]) {
            const torn = written.bytes.subarray(0, length)
            const whole = await scratch.whole(torn, framing, compression)
            // Members of a batch end anywhere: only where a record does, too, a file may end.
            const expected = before(written, torn.length)
            if (name === 'none') assert.deepEqual(whole, expected)
            else assert.ok(whole.bytes >= expected.bytes && whole.records >= expected.records)
            const again = await scratch.whole(torn.subarray(0, whole.bytes), framing, compression)
            assert.deepEqual(again, whole)
          }
        }
      })
    }

    if (name === 'none') return

    test('a byte that changes anywhere', async t => {
      const scratch = await Scratch.open(t)
      const written = await write('lines', compression)
      for (let at = 0; at < written.bytes.length; at++) {
        const changed = Buffer.from(written.bytes)
        changed[at] = (changed[at] ?? 0) ^ 0x55
        const whole = await scratch.whole(changed, 'lines', compression)
        // Bytes that mean nothing, as the time in a gzip header, may change.
        if (whole.bytes < changed.length) assert.deepEqual(whole, before(written, at), `byte ${at}`)
        else assert.deepEqual(whole, before(written, Infinity))
      }
    })

    test('a member that ends within a record is whole only with the next', async t => {
      const scratch = await Scratch.open(t)
      const first = Buffer.concat(await compression.compress([Buffer.from('one\ntw')]))
      const second = Buffer.concat(await compression.compress([Buffer.from('o\n')]))
      const both = Buffer.concat([first, second])
      assert.deepEqual(await scratch.whole(both, 'lines', compression), { bytes: both.length, records: 2 })
      const torn = both.subarray(0, -1)
      assert.deepEqual(await scratch.whole(torn, 'lines', compression), { bytes: 0, records: 0 })
    })

    test('a file of nothing is whole', async t => {
      const scratch = await Scratch.open(t)
      const empty = await compression.empty()
      assert.deepEqual(await scratch.whole(empty, 'lines', compression), { bytes: empty.length, records: 0 })
    })
  })
}

describe('wholePart, records that are none', async () => {
  const compression = await loadCompression('none')
  const cases: [framing: FramingName, bytes: string, whole: WholePart][] = [
    ['jsonl', '{"a":1}\nnope\n{"a":2}\n', { bytes: 8, records: 1 }],
    ['jsonl', '{"a":1}\n{"a":"\0"}\n', { bytes: 8, records: 1 }],
    ['jsonl', '{"a":1}\n\n', { bytes: 8, records: 1 }],
    ['jsonl', '{"a":1}\n{"a"\n', { bytes: 8, records: 1 }],
    ['jsonl', '{"a":1}\r\n', { bytes: 0, records: 0 }],
    ['lines', 'a\0\xff\n\nb\n\0', { bytes: 7, records: 3 }],
    ['length', '\0\0\0\x01a\0\0\0\0\0\0\0\x01b', { bytes: 5, records: 1 }],
    ['length', '\0\0\0\x01a\xff\xff\xff\xffb', { bytes: 5, records: 1 }],
  ]
  for (const [framing, bytes, whole] of cases) {
    test(`${framing}: ${JSON.stringify(bytes)}`, async t => {
      const scratch = await Scratch.open(t)
      assert.deepEqual(await scratch.whole(Buffer.from(bytes, 'latin1'), framing, compression), whole)
    })
  }
})

/** How many bytes from there on are zero, as those that a power cut leaves. */
function trailingZeros(bytes: Buffer, from: number): number {
  let at = from
  while (at < bytes.length && bytes[at] === 0) at++
  return at - from
}

/** Text that does not compress well, always the same. */
function noise(seed: number, length: number): Buffer {
  const key = `${seed} ${length}`
  const bytes = made.get(key) ?? makeNoise(seed, length)
  made.set(key, bytes)
  return bytes
}

const made = new Map<string, Buffer>()

function makeNoise(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed + 1
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[i] = 0x30 + (state >>> 26)
  }
  return bytes
}
