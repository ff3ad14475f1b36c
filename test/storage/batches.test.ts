import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { countSound, readBatches, soundBatchAfter } from '../../src/storage/batches.ts'
import { INDEX_LINE, SegmentFile } from '../../src/storage/segment-file.ts'
import { overwrite, replaceFs } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A segment of batches of these lengths, of two messages each. */
function segment(t: TestContext, ...lengths: number[]): SegmentFile {
  const file = new SegmentFile(temporaryFolder(), 1)
  t.after(() => file.close())
  let offset = 0
  for (const [i, length] of lengths.entries()) {
    file.append([Buffer.alloc(length, `batch ${i}`)], offset, 2)
    offset += length
  }
  return file
}

const offsets = (file: SegmentFile): number[] => readBatches(file).map(({ offset }) => offset)

describe('readBatches', () => {
  test('gives places and counts of messages', t => {
    const file = segment(t, 10, 20, 30)
    assert.deepEqual(
      readBatches(file).map(({ offset, length, count, firstIndex }) => [offset, length, count, firstIndex]),
      [
        [0, 10, 2, 0],
        [10, 20, 2, 2],
        [30, 30, 2, 4],
      ],
    )
    assert.deepEqual(readBatches(new SegmentFile(temporaryFolder(), 2)), [])
  })

  test('ends before a line that is not whole', t => {
    for (let cut = 1; cut <= INDEX_LINE; cut++) {
      const file = segment(t, 10, 20, 30)
      truncateSync(file.indexPath, 3 * INDEX_LINE - cut)
      assert.deepEqual(offsets(file), [0, 10])
    }
  })

  test('ends before a line that does not join the one before, or says nothing', t => {
    for (const [at, bytes] of [
      [INDEX_LINE + 3, '\x0b'], // offset
      [INDEX_LINE + 4, '\0\0\0\0'], // length
      [INDEX_LINE + 12, '\0\0\0\0'], // count
    ] as const) {
      const file = segment(t, 10, 20, 30)
      overwrite(file.indexPath, at, bytes)
      assert.deepEqual(offsets(file), [0], `byte ${at}`)
    }
  })
})

describe('countSound', () => {
  test('counts up to the first batch that is not what was written', t => {
    const file = segment(t, 10, 20, 30)
    assert.equal(countSound(file, readBatches(file)), 3)
    for (const [at, expected] of [
      [59, 2],
      [30, 2],
      [29, 1],
      [0, 0],
    ] as const) {
      overwrite(file.logPath, at, 'X')
      assert.equal(countSound(file, readBatches(file)), expected, `byte ${at}`)
    }
  })

  test('does not take a batch that the file has not whole', t => {
    const file = segment(t, 10, 20, 30)
    for (const [length, expected] of [
      [59, 2],
      [30, 2],
      [29, 1],
      [0, 0],
    ] as const) {
      truncateSync(file.logPath, length)
      assert.equal(countSound(file, readBatches(file)), expected, `length ${length}`)
    }
  })

  test('reads large files in stretches, and batches larger than one', t => {
    const MIB = 1024 * 1024
    const file = segment(t, MIB, 3 * MIB + 5, 7, 5 * MIB, 10)
    assert.equal(countSound(file, readBatches(file)), 5)
    overwrite(file.logPath, 9 * MIB + 12, 'X')
    assert.equal(countSound(file, readBatches(file)), 4)
    overwrite(file.logPath, 8 * MIB, 'X')
    assert.equal(countSound(file, readBatches(file)), 3)
  })
})

describe('soundBatchAfter', () => {
  test('finds the first batch behind a place that is whole', t => {
    const file = segment(t, 10, 20, 30, 40)
    assert.equal(soundBatchAfter(file, 0)?.offset, 10)
    assert.equal(soundBatchAfter(file, 9)?.offset, 10)
    assert.equal(soundBatchAfter(file, 10)?.offset, 30)
    overwrite(file.logPath, 15, 'X')
    overwrite(file.logPath, 35, 'X')
    assert.deepEqual(soundBatchAfter(file, 0)?.firstIndex, 6)
    assert.equal(soundBatchAfter(file, 60), undefined)
  })

  test('reads each byte of a damaged stretch about once', t => {
    const lengths = Array.from({ length: 500 }, () => 100)
    const file = segment(t, ...lengths)
    overwrite(file.logPath, 0, '\0'.repeat(49_900))
    let read = 0
    replaceFs(
      t,
      'readSync',
      original => (fd: number, bytes: Buffer, from: number, length: number, at: number) => {
        const got = original(fd, bytes, from, length, at)
        read += got
        return got
      },
    )
    assert.equal(soundBatchAfter(file, 0)?.offset, 49_900)
    assert.ok(read <= 100_000, `${read} bytes were read`)
  })
})
