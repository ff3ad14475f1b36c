import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { formatLines, INDEX_LINE } from '../../src/storage/index-lines.ts'
import { parseBatches, soundBatchAfter } from '../../src/storage/batches.ts'
import { LINE_BYTES } from '../../src/storage/segment.ts'
import { type SegmentFile } from '../../src/storage/segment-file.ts'
import { append, bodies, openLog, overwrite, put, replaceFs } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Bytes of a message of `bodies(…, 12)`. */
const LENGTH = 46

/** A segment of batches of two messages each. */
function segment(t: TestContext, batches: number): SegmentFile {
  const log = openLog(t, temporaryFolder())
  for (let i = 0; i < batches; i++) put(log, ...bodies(2, 2 * i, 12))
  const { file } = log.first
  assert.ok(file)
  return file
}

function named(file: SegmentFile): number[][] {
  return parseBatches(file.readIndexNow()).map(({ offset, length, count, firstIndex }) => [
    offset,
    length,
    count,
    firstIndex,
  ])
}

describe('parseBatches', () => {
  test('gives places and counts of messages', t => {
    const file = segment(t, 3)
    assert.deepEqual(named(file), [
      [0, 92, 2, 0],
      [92, 92, 2, 2],
      [184, 92, 2, 4],
    ])
    assert.deepEqual(parseBatches(Buffer.alloc(0)), [])
    const lines = file.readIndexNow()
    assert.deepEqual(formatLines(parseBatches(lines)), lines)
  })

  test('ends before a line that is not whole', t => {
    const file = segment(t, 3)
    for (let cut = 1; cut <= INDEX_LINE; cut++) {
      truncateSync(file.indexPath, 3 * INDEX_LINE - cut)
      assert.equal(named(file).length, 2)
    }
  })

  test('ends before a line that does not join the one before, or says nothing', t => {
    for (const [at, bytes] of [
      [INDEX_LINE + 3, '\x0b'], // offset
      [INDEX_LINE + 4, '\0\0\0\0'], // length
      [INDEX_LINE + 12, '\0\0\0\0'], // count
    ] as const) {
      const file = segment(t, 3)
      overwrite(file.indexPath, at, bytes)
      assert.equal(named(file).length, 1, `byte ${at}`)
    }
  })
})

describe('a commit', () => {
  test('has a line of the index for about 64 KiB, at the bounds of messages; a longer one has its own', t => {
    const log = openLog(t, temporaryFolder())
    const record = 34 + 10_000
    append(log, ...bodies(13, 0, 10_000))
    append(log, ...bodies(1, 13, 200_000), ...bodies(2, 14, 10_000))
    log.commit()
    put(log, ...bodies(2, 16, 10_000))
    const { file } = log.first
    assert.ok(file)
    assert.deepEqual(named(file), [
      [0, 6 * record, 6, 0],
      [6 * record, 6 * record, 6, 6],
      [12 * record, record, 1, 12],
      [13 * record, 200_034, 1, 13],
      [13 * record + 200_034, 2 * record, 2, 14],
      [15 * record + 200_034, 2 * record, 2, 16],
    ])
    for (const [, length = 0, count = 0] of named(file)) assert.ok(length <= LINE_BYTES || count === 1)
  })

  test('that is refused leaves no bounds behind', t => {
    const log = openLog(t, temporaryFolder())
    const restore = replaceFs(t, 'writevSync', () => () => {
      throw Object.assign(new Error('no'), { code: 'EIO' })
    })
    replaceFs(t, 'writeSync', original => original)
    append(log, ...bodies(5, 0, 1_100_000))
    assert.throws(() => log.commit(), { code: 'EIO' })
    restore()
    put(log, ...bodies(3, 0, 12))
    const { file } = log.first
    assert.ok(file)
    assert.deepEqual(named(file), [[0, 3 * LENGTH, 3, 0]])
  })
})

describe('soundBatchAfter', () => {
  test('finds the first batch behind a place that is whole', t => {
    const file = segment(t, 4)
    const end = 8 * LENGTH
    assert.equal(soundBatchAfter(file, 0, end)?.offset, 92)
    assert.equal(soundBatchAfter(file, 91, end)?.offset, 92)
    assert.equal(soundBatchAfter(file, 92, end)?.offset, 184)
    assert.equal(soundBatchAfter(file, 92, end - 1)?.offset, 184)
    assert.equal(soundBatchAfter(file, 184, end - 1), undefined)
    overwrite(file.logPath, 100, 'X')
    overwrite(file.logPath, 200, 'X')
    assert.equal(soundBatchAfter(file, 0, end)?.firstIndex, 6)
    assert.equal(soundBatchAfter(file, 276, end), undefined)
  })

  test('needs no sound line before that of the batch', t => {
    const file = segment(t, 4)
    overwrite(file.indexPath, INDEX_LINE, '\0'.repeat(2 * INDEX_LINE))
    assert.deepEqual(soundBatchAfter(file, 0, 8 * LENGTH)?.firstIndex, 6)
  })

  test('reads each byte of a damaged stretch about once', t => {
    const file = segment(t, 500)
    overwrite(file.logPath, 0, '\0'.repeat(499 * 92))
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
    assert.equal(soundBatchAfter(file, 0, 500 * 92)?.offset, 499 * 92)
    assert.ok(read <= 2 * 500 * 92, `${read} bytes were read`)
  })
})
