import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type Place,
  readCheckpoint,
  removeCheckpointLitter,
  type TopicCheckpoint,
  writeCheckpoint,
} from '../../src/storage/checkpoint.ts'
import { replaceFs, systemError, u32 as u32Bytes } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Random, seeded } from './random.ts'

const NOWHERE: Place = { segment: 0, offset: 0, index: 0 }
const EMPTY: TopicCheckpoint = { segments: [], distributed: NOWHERE, channels: [] }

const SMALL: TopicCheckpoint = {
  segments: [{ number: 1, count: 2, size: 3 }],
  distributed: { segment: 4, offset: 5, index: 6 },
  channels: [
    {
      name: 'ch',
      cursor: { segment: 7, offset: 8, index: 9 },
      skips: [{ from: { segment: 10, offset: 11, index: 12 }, to: { segment: 13, offset: 14, index: 15 } }],
      held: [{ idSegment: 16, idIndex: 17, segment: 18, offset: 19, attempts: 20, dueMs: 1.5 }],
    },
  ],
}

function u32(random: Random): number {
  return random.pick([0, 1, 2 ** 31 - 1, 2 ** 32 - 1, random.int(0, 2 ** 32 - 1)])
}

function list<T>(random: Random, most: number, make: () => T): T[] {
  return Array.from({ length: random.int(0, most) }, make)
}

function checkpoint(random: Random): TopicCheckpoint {
  const number = (): number => u32(random)
  const place = (): Place => ({ segment: number(), offset: number(), index: number() })
  return {
    segments: list(random, 5, () => ({ number: number(), count: number(), size: number() })),
    distributed: place(),
    channels: list(random, 4, () => ({
      name: random.pick(['c', 'x'.repeat(64), 'tail#ephemeral', 'é']),
      cursor: place(),
      skips: list(random, 3, () => ({ from: place(), to: place() })),
      held: list(random, random.pick([0, 3, 300]), () => ({
        idSegment: number(),
        idIndex: number(),
        segment: number(),
        offset: number(),
        attempts: random.int(0, 65_535),
        dueMs: random.pick([0, 1_700_000_000_000, random.fraction() * 2e12]),
      })),
    })),
  }
}

function hex(numbers: readonly number[]): string {
  return numbers.map(n => n.toString(16).padStart(8, '0')).join('')
}

describe('a checkpoint', () => {
  test('has a fixed layout', () => {
    const words = [1, 1, 2, 3, 4, 5, 6, 1, 2]
    const channel = [7, 8, 9, 1, 10, 11, 12, 13, 14, 15, 1, 16, 17, 18, 19, 20]
    const bytes = encodeCheckpoint(SMALL)
    assert.equal(bytes.toString('latin1', 0, 8), 'nsqtscp2')
    assert.equal(bytes.readUInt32BE(12), bytes.length - 16)
    assert.equal(bytes.toString('hex', 16), `${hex(words)}6368${hex(channel)}3ff8000000000000`)
  })

  test('of the first version is still read: what was emptied is left out by every channel', () => {
    const words = [1, 1, 2, 3, 4, 5, 6, 1, 10, 11, 12, 13, 14, 15, 1, 2]
    const channel = [7, 8, 9, 1, 16, 17, 18, 19, 20]
    const rest = Buffer.from(`${hex(words)}6368${hex(channel)}3ff8000000000000`, 'hex')
    const bytes = Buffer.concat([Buffer.from('nsqtscp1'), u32Bytes(crc32(rest)), u32Bytes(rest.length), rest])
    assert.deepEqual(decodeCheckpoint(bytes), SMALL)
  })

  test('comes back as it was', t => {
    const random = seeded(text => t.diagnostic(text))
    for (const known of [EMPTY, SMALL]) assert.deepEqual(decodeCheckpoint(encodeCheckpoint(known)), known)
    for (let i = 0; i < 200; i++) {
      const made = checkpoint(random)
      assert.deepEqual(decodeCheckpoint(encodeCheckpoint(made)), made)
    }
  })

  test('is not taken when it is cut off anywhere, or longer', () => {
    const bytes = encodeCheckpoint(SMALL)
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(decodeCheckpoint(bytes.subarray(0, length)), undefined, `${length}`)
    }
    assert.equal(decodeCheckpoint(Buffer.concat([bytes, Buffer.alloc(1)])), undefined)
  })

  test('is not taken when any bit is wrong', () => {
    const bytes = encodeCheckpoint(SMALL)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const wrong = Buffer.from(bytes)
      wrong.writeUInt8(wrong.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(decodeCheckpoint(wrong), undefined, `${bit}`)
    }
  })
})

describe('the file of a checkpoint', () => {
  test('may be missing or damaged', () => {
    const folder = temporaryFolder()
    assert.equal(readCheckpoint(folder), 'missing')
    writeFileSync(join(folder, 'checkpoint'), '')
    assert.equal(readCheckpoint(folder), 'damaged')
    writeFileSync(join(folder, 'checkpoint'), encodeCheckpoint(SMALL).subarray(0, -1))
    assert.equal(readCheckpoint(folder), 'damaged')
    rmSync(join(folder, 'checkpoint'))
    mkdirSync(join(folder, 'checkpoint'))
    assert.throws(() => readCheckpoint(folder), { code: 'EISDIR' })
  })

  test('is replaced', async () => {
    const folder = temporaryFolder()
    await writeCheckpoint(folder, encodeCheckpoint(EMPTY))
    assert.deepEqual(readCheckpoint(folder), EMPTY)
    await writeCheckpoint(folder, encodeCheckpoint(SMALL))
    assert.deepEqual(readCheckpoint(folder), SMALL)
    await writeCheckpoint(folder, encodeCheckpoint(EMPTY), { durable: false })
    assert.deepEqual(readCheckpoint(folder), EMPTY)
    assert.deepEqual(readdirSync(folder), ['checkpoint'])
  })

  test('is there for good when it is durable: the folder is synced behind its rename', async t => {
    const folder = temporaryFolder()
    const calls: string[] = []
    replaceFs(t, 'rename', original => (from: string, to: string, done: (error: Error | null) => void) => {
      calls.push('rename')
      original(from, to, done)
    })
    replaceFs(t, 'fsync', original => (fd: number, done: (error: Error | null) => void) => {
      calls.push('sync')
      original(fd, done)
    })
    await writeCheckpoint(folder, encodeCheckpoint(SMALL))
    assert.deepEqual(calls, process.platform === 'win32' ? ['rename'] : ['rename', 'sync'])
    await writeCheckpoint(folder, encodeCheckpoint(SMALL), { durable: false })
    assert.equal(calls.at(-1), 'rename')
  })

  test('that is no longer wanted leaves the old one, and nothing else', async () => {
    const folder = temporaryFolder()
    await writeCheckpoint(folder, encodeCheckpoint(SMALL))
    await writeCheckpoint(folder, encodeCheckpoint(EMPTY), { wanted: () => false })
    assert.deepEqual(readCheckpoint(folder), SMALL)
    assert.deepEqual(readdirSync(folder), ['checkpoint'])
  })

  test('of a topic that is gone does not get into that of its successor in the same folder', async () => {
    const folder = temporaryFolder()
    const channels = Array.from({ length: 2000 }, (_, i) => ({
      name: `c${i}`,
      cursor: NOWHERE,
      skips: [],
      held: [],
    }))
    const large = { ...EMPTY, channels }
    for (let i = 0; i < 20; i++) {
      const gone = writeCheckpoint(folder, encodeCheckpoint(i % 2 === 0 ? SMALL : large), {
        wanted: () => false,
      })
      const wanted = i % 2 === 0 ? large : SMALL
      await Promise.all([gone, writeCheckpoint(folder, encodeCheckpoint(wanted))])
      assert.deepEqual(readCheckpoint(folder), wanted)
    }
    assert.deepEqual(readdirSync(folder), ['checkpoint'])
  })

  test('half written by a process that was killed is removed, and nothing else', () => {
    const folder = temporaryFolder()
    for (const name of ['checkpoint', 'checkpoint.7.tmp', 'checkpoint.tmp', '0000000001.log']) {
      writeFileSync(join(folder, name), '')
    }
    removeCheckpointLitter(folder)
    assert.deepEqual(readdirSync(folder), ['0000000001.log', 'checkpoint'])
  })

  test('stays as it was when a new one cannot be written, and nothing is left over', async t => {
    const folder = temporaryFolder()
    await writeCheckpoint(folder, encodeCheckpoint(SMALL))
    replaceFs(t, 'rename', () => (_from: string, _to: string, done: (error: Error) => void) => {
      done(systemError('EIO'))
    })
    await assert.rejects(writeCheckpoint(folder, encodeCheckpoint(EMPTY)), { code: 'EIO' })
    assert.deepEqual(readCheckpoint(folder), SMALL)
    assert.deepEqual(readdirSync(folder), ['checkpoint'])
    await assert.rejects(writeCheckpoint(join(folder, 'none'), encodeCheckpoint(EMPTY)), { code: 'ENOENT' })
  })

  test('whose checksum is right, and whose counts say more than there is, is none', () => {
    const bytes = encodeCheckpoint(SMALL)
    for (let length = 16; length < bytes.length; length++) {
      const short = Buffer.from(bytes.subarray(0, length))
      short.writeUInt32BE(crc32(short.subarray(16)), 8)
      short.writeUInt32BE(length - 16, 12)
      assert.equal(decodeCheckpoint(short), undefined, `${length} bytes`)
    }
  })
})
