import assert from 'node:assert/strict'
import { existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { recover } from '../../src/storage/recovery.ts'
import type { Segment } from '../../src/storage/segment.ts'
import { republish, Stragglers } from '../../src/storage/stragglers.ts'
import type { SegmentNumberSource } from '../../src/storage/topic-log.ts'
import { bodies, bodyAt, openLog, overwrite, put, Reader, replaceFs, systemError } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Bytes of a message of `bodies(…, 10)`. */
const LENGTH = 44

function numbersFrom(first: number): SegmentNumberSource {
  let next = first
  return { next: () => next++, use: () => undefined }
}

function setUp(t: TestContext, maxBytes = 1000): { folder: string; from: Segment; stragglers: Stragglers } {
  const folder = temporaryFolder()
  const log = openLog(t, folder)
  put(log, ...bodies(20, 0, 10))
  const stragglers = new Stragglers(folder, maxBytes, numbersFrom(50))
  t.after(() => stragglers.close())
  return { folder, from: log.first, stragglers }
}

function read(segment: Segment, offset = 0): string {
  const record = segment.file?.readRecordNow(offset, segment.committedSize)
  return record === undefined ? '' : bodyAt(record, 0).toString()
}

describe('stragglers', () => {
  test('are copied, and one is told where each is', t => {
    const { from, stragglers } = setUp(t)
    const first = stragglers.take(from, [3 * LENGTH, 7 * LENGTH])
    assert.deepEqual(
      [...first.offsets],
      [
        [3 * LENGTH, 0],
        [7 * LENGTH, LENGTH],
      ],
    )
    const second = stragglers.take(from, [0])
    assert.equal(second.segment, first.segment)
    assert.deepEqual([...second.offsets], [[0, 2 * LENGTH]])
    const texts = [0, LENGTH, 2 * LENGTH].map(offset => read(first.segment, offset))
    assert.deepEqual(texts, ['message 3.', 'message 7.', 'message 0.'])
    assert.deepEqual([first.segment.number, first.segment.count, first.segment.size], [50, 3, 3 * LENGTH])
  })

  test('survive a power cut with the name of their file before one is told', t => {
    const { from, stragglers } = setUp(t)
    let synced = 0
    replaceFs(t, 'fsyncSync', original => (fd: number) => {
      synced++
      original(fd)
    })
    stragglers.take(from, [0])
    assert.equal(synced, 2)
    stragglers.take(from, [LENGTH])
    assert.equal(synced, 2)
  })

  test('fill segments up to their limit', t => {
    const { from, stragglers } = setUp(t, 3 * LENGTH)
    const numbers = [2, 2, 1, 1, 4].map((count, i) => {
      const offsets = Array.from({ length: count }, (_, j) => (i + j) * LENGTH)
      return stragglers.take(from, offsets).segment.number
    })
    assert.deepEqual(numbers, [50, 51, 50, 51, 52])
    assert.equal(stragglers.segments.size, 3)
  })

  test('move out of a segment of stragglers into another', t => {
    const { from, stragglers } = setUp(t)
    const { segment } = stragglers.take(from, [0, LENGTH, 2 * LENGTH])
    const moved = stragglers.take(segment, [LENGTH])
    assert.notEqual(moved.segment, segment)
    assert.equal(read(moved.segment), 'message 1.')
    stragglers.unlink(segment)
    assert.deepEqual([...stragglers.segments], [moved.segment])
    assert.ok(existsSync(segment.file?.logPath ?? ''))
  })

  test('are there again after a restart', t => {
    const { folder, from, stragglers } = setUp(t)
    const { segment } = stragglers.take(from, [0, LENGTH])
    stragglers.close()
    const again = new Stragglers(folder, 1000, numbersFrom(60), recover(folder, new Map()).stragglers)
    t.after(() => again.close())
    const more = again.take(from, [5 * LENGTH])
    assert.equal(more.segment.number, segment.number)
    assert.deepEqual([...more.offsets.values()], [2 * LENGTH])
    const texts = [0, LENGTH, 2 * LENGTH].map(offset => read(more.segment, offset))
    assert.deepEqual(texts, ['message 0.', 'message 1.', 'message 5.'])
  })

  test('that cannot be written or synced leave no trace', t => {
    const { folder, from, stragglers } = setUp(t)
    stragglers.take(from, [0])
    for (const name of ['writeSync', 'fdatasyncSync'] as const) {
      const restore = replaceFs(t, name, () => () => {
        throw systemError('ENOSPC')
      })
      assert.throws(() => stragglers.take(from, [LENGTH, 2 * LENGTH]), { code: 'ENOSPC' })
      restore()
    }
    const { segment, offsets } = stragglers.take(from, [3 * LENGTH, 4 * LENGTH])
    assert.deepEqual([...offsets.values()], [LENGTH, 2 * LENGTH])
    stragglers.close()
    const [recovered] = recover(folder, new Map()).stragglers
    assert.deepEqual([recovered?.count, recovered?.size], [segment.count, segment.size])
  })

  test('that are damaged are refused', t => {
    const { from, stragglers } = setUp(t)
    overwrite(from.file?.logPath ?? '', 0, Buffer.alloc(8))
    assert.throws(() => stragglers.take(from, [0]), { code: 'E_DAMAGED' })
  })

  test('are found though the index is damaged', t => {
    const { folder, from, stragglers } = setUp(t)
    const { segment } = stragglers.take(from, [0, LENGTH])
    stragglers.take(from, [2 * LENGTH])
    stragglers.close()
    overwrite(segment.file?.indexPath ?? '', 0, Buffer.alloc(16))
    const [recovered] = recover(folder, new Map()).stragglers
    assert.ok(recovered)
    assert.deepEqual(
      [0, LENGTH, 2 * LENGTH].map(offset => read(recovered, offset)),
      ['message 0.', 'message 1.', 'message 2.'],
    )
    recovered.file?.close()
  })

  test('that nobody knows the owners of are published again, but for those that are damaged', async t => {
    const { folder, from, stragglers } = setUp(t)
    stragglers.take(from, [0, LENGTH])
    const { segment } = stragglers.take(from, [2 * LENGTH, 3 * LENGTH])
    stragglers.take(from, [4 * LENGTH])
    stragglers.close()
    overwrite(segment.file?.logPath ?? '', 3 * LENGTH, Buffer.alloc(8))
    const [recovered] = recover(folder, new Map()).stragglers
    assert.ok(recovered?.file)
    const log = openLog(t, temporaryFolder())
    const warnings = republish([recovered], log)
    assert.match(warnings.join(), /damaged at byte 88: the messages in 88 bytes are left out/)
    assert.deepEqual(await new Reader(log).readUntil(3), ['message 0.', 'message 1.', 'message 4.'])
    assert.ok(existsSync(recovered.file.asidePath(88)))
    assert.equal(existsSync(recovered.file.logPath), false)
  })

  test('with bytes that have changed are not published again, nor what was never written down whole', async t => {
    const { folder, from, stragglers } = setUp(t)
    stragglers.take(from, [0, LENGTH])
    stragglers.take(from, [2 * LENGTH])
    const { segment } = stragglers.take(from, [3 * LENGTH])
    const path = segment.file?.logPath ?? ''
    // A crash came before its line.
    const torn = Buffer.from(segment.file?.readNow(3 * LENGTH, LENGTH) ?? '')
    stragglers.close()
    overwrite(path, 2 * LENGTH + 40, Buffer.from('!'))
    overwrite(path, 4 * LENGTH, torn)
    const [recovered] = recover(folder, new Map()).stragglers
    assert.ok(recovered?.file)
    assert.equal(recovered.size, 5 * LENGTH)
    const log = openLog(t, temporaryFolder())
    const warnings = republish([recovered], log)
    assert.deepEqual(await new Reader(log).readUntil(3), ['message 0.', 'message 1.', 'message 3.'])
    assert.match(warnings[0] ?? '', /damaged at byte 88: the messages in 44 bytes are left out/)
    assert.match(warnings[1] ?? '', /damaged at byte 176: the messages in 44 bytes are left out/)
    assert.equal(warnings.length, 2)
  })

  test('are taken behind lines of the index that are damaged, which hide none of them', async t => {
    const { folder, from, stragglers } = setUp(t)
    const { segment } = stragglers.take(from, [0, LENGTH])
    stragglers.take(from, [2 * LENGTH])
    stragglers.close()
    overwrite(segment.file?.indexPath ?? '', 0, Buffer.alloc(16))
    const again = new Stragglers(folder, 1000, numbersFrom(60), recover(folder, new Map()).stragglers)
    again.take(from, [3 * LENGTH])
    again.close()
    const [recovered] = recover(folder, new Map()).stragglers
    assert.ok(recovered)
    const log = openLog(t, temporaryFolder())
    assert.deepEqual(republish([recovered], log), [])
    const expected = ['message 0.', 'message 1.', 'message 2.', 'message 3.']
    assert.deepEqual(await new Reader(log).readUntil(4), expected)
  })

  for (const [what, damage] of [
    ['is gone', (path: string) => rmSync(path)],
    ['is empty', (path: string) => truncateSync(path)],
    ['has zeros only', (path: string) => writeFileSync(path, Buffer.alloc(32))],
  ] as const) {
    test(`are taken by what they look like when all of the index ${what}`, async t => {
      const { folder, from, stragglers } = setUp(t)
      stragglers.take(from, [0, LENGTH])
      const { segment } = stragglers.take(from, [2 * LENGTH])
      stragglers.close()
      damage(segment.file?.indexPath ?? '')
      // The last one was never written whole.
      truncateSync(segment.file?.logPath ?? '', 3 * LENGTH - 1)
      const [recovered] = recover(folder, new Map()).stragglers
      assert.ok(recovered)
      const log = openLog(t, temporaryFolder())
      const warnings = republish([recovered], log)
      assert.deepEqual(await new Reader(log).readUntil(2), ['message 0.', 'message 1.'])
      assert.match(warnings.join(), /damaged at byte 88: the messages in 43 bytes are left out/)
    })
  }

  test('are on the disk under their new ids before their file goes', t => {
    const { folder, from, stragglers } = setUp(t)
    stragglers.take(from, [0, LENGTH])
    stragglers.close()
    const [recovered] = recover(folder, new Map()).stragglers
    assert.ok(recovered?.file)
    const log = openLog(t, temporaryFolder())
    const synced = new Set<number>()
    const restore = replaceFs(t, 'fdatasyncSync', () => (fd: number) => {
      synced.add(fd)
      throw systemError('EIO')
    })
    assert.throws(() => republish([recovered], log), { code: 'EIO' })
    assert.equal(synced.size, 1)
    assert.ok(existsSync(recovered.file.logPath))
    restore()
    assert.deepEqual(republish([recovered], log), [])
    assert.equal(existsSync(recovered.file.logPath), false)
  })

  test('are published again where the segment that they were in is damaged', async t => {
    const { folder, from, stragglers } = setUp(t)
    stragglers.take(from, [0, LENGTH])
    stragglers.close()
    from.file?.close()
    overwrite(from.file?.logPath ?? '', LENGTH, Buffer.alloc(100))
    const { segments, stragglers: kept } = recover(folder, new Map())
    const log = openLog(t, temporaryFolder(), { segments, firstNumber: 60 })
    const before = log.endOrdinal
    assert.deepEqual(republish(kept, log), [])
    assert.equal(log.endOrdinal - before, 2)
  })

  for (const isThere of [true, false]) {
    const where = isThere
      ? 'are not published again that are still where they were'
      : 'are published again once'
    test(`${where}, though a crash has left them twice`, async t => {
      const { folder, from, stragglers } = setUp(t, 2 * LENGTH)
      stragglers.take(from, [0, LENGTH])
      stragglers.take(from, [LENGTH])
      stragglers.close()
      const { segments, stragglers: kept } = recover(folder, new Map())
      assert.equal(kept.length, 2)
      const log = openLog(t, temporaryFolder(), isThere ? { segments, firstNumber: 60 } : {})
      const before = log.endOrdinal
      assert.deepEqual(republish(kept, log), [])
      assert.equal(log.endOrdinal - before, isThere ? 0 : 2)
      if (!isThere) assert.deepEqual(await new Reader(log).readUntil(2), ['message 0.', 'message 1.'])
    })
  }
})
