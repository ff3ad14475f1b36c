import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { MAX_INDEX } from '../../src/protocol/message-id.ts'
import { decodeMessage } from '../../src/protocol/message.ts'
import { MemoryBudget } from '../../src/storage/memory-budget.ts'
import { recover } from '../../src/storage/recovery.ts'
import type { Segment } from '../../src/storage/segment.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { append, bodies, openLog, overwrite, put, Reader, replaceFs, systemError } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const OVERHEAD = 34

function segments(log: TopicLog): Segment[] {
  const all: Segment[] = []
  for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) all.push(s)
  return all
}

/** Number, messages and bytes of each segment. */
function shape(log: TopicLog): number[][] {
  return segments(log).map(({ number, committedCount, committedSize }) => [
    number,
    committedCount,
    committedSize,
  ])
}

/** What a restart would find. */
function onDisk(t: TestContext, folder: string): TopicLog {
  const { segments, warnings } = recover(folder, new Map())
  assert.deepEqual(warnings, [])
  return openLog(t, folder, { segments, firstNumber: 1000 })
}

/** Lets the nth write to a file of records from now on fail, and all behind it. */
function failWrite(t: TestContext, nth: number): () => void {
  let writes = 0
  const check = (): void => {
    if (++writes >= nth) throw systemError('ENOSPC')
  }
  const restores = [
    replaceFs(t, 'writeSync', original => (...given: Parameters<typeof original>) => {
      check()
      return original(...given)
    }),
    replaceFs(t, 'writevSync', original => (...given: Parameters<typeof original>) => {
      check()
      return original(...given)
    }),
  ]
  return () => {
    for (const restore of restores) restore()
  }
}

function sync(log: TopicLog): Promise<Error | null> {
  return new Promise(resolve => log.sync(resolve))
}

describe('append and commit', () => {
  for (const place of ['on disk', 'in memory']) {
    test(`messages are there after the commit, in order, ${place}`, t => {
      const log = openLog(t, place === 'on disk' ? temporaryFolder() : undefined)
      const reader = new Reader(log)
      append(log, ...bodies(3))
      assert.equal(log.hasUncommitted, true)
      assert.equal(log.endOrdinal, 0)
      assert.deepEqual(reader.take(), [])
      log.commit()
      assert.equal(log.hasUncommitted, false)
      assert.equal(log.endOrdinal, 3)
      assert.deepEqual(log.end, { segment: log.first, offset: 3 * (OVERHEAD + 9), index: 3 })
      assert.deepEqual(reader.take(), bodies(3))
      log.commit()
      put(log, ...bodies(2, 3))
      assert.deepEqual(reader.take(), bodies(2, 3))
    })
  }

  test('ids count up within a segment', t => {
    const log = openLog(t, undefined, { nodeId: 1023, firstNumber: 5 })
    put(log, 'a', 'b')
    const ids = [0, 35].map(at => {
      const frame = log.fetch(log.first, at, 7)
      const { id, attempts, timestamp } = decodeMessage(frame, 8, frame.length)
      assert.deepEqual([attempts, timestamp], [7, 0x1234_0000_5678n])
      return id
    })
    assert.deepEqual(ids, ['7fe0000001400000', '7fe0000001400001'])
  })

  test('short and long bodies are copied as they are', t => {
    const log = openLog(t, temporaryFolder())
    const texts = [0, 1, 23, 24, 25, 1000].map(length => 'x'.repeat(length))
    for (const text of texts) {
      const bytes = Buffer.from(`<${text}>`)
      log.append(bytes, 1, bytes.length - 1, 1, 1)
    }
    log.commit()
    assert.deepEqual(new Reader(log).take(), texts)
  })

  test('a commit is one write of records, however many blocks it spans', t => {
    const log = openLog(t, temporaryFolder())
    put(log, 'first')
    let writes = 0
    replaceFs(t, 'writevSync', original => (...given: Parameters<typeof original>) => {
      writes++
      return original(...given)
    })
    put(log, ...bodies(1000, 0, 200))
    assert.equal(writes, 1)
    assert.deepEqual(new Reader(log).take().length, 1001)
  })
})

describe('rolling', () => {
  test('a segment that would grow over its limit is followed by another', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 100 })
    put(log, 'x'.repeat(16)) // 50 bytes
    put(log, 'y'.repeat(16)) // exactly 100
    put(log, 'z')
    put(log, 'larger than a whole segment'.padEnd(500))
    put(log, 'end')
    assert.deepEqual(shape(log), [
      [1, 2, 100],
      [2, 1, 35],
      [3, 1, 534],
      [4, 1, 37],
    ])
    assert.deepEqual(
      segments(log).map(({ firstOrdinal }) => firstOrdinal),
      [0, 2, 3, 4],
    )
    const again = onDisk(t, folder)
    assert.deepEqual(shape(again), shape(log))
    const texts = await new Reader(again).readUntil(5)
    assert.deepEqual(texts, new Reader(log).take())
  })

  test('a commit may span segments', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 1000 })
    put(log, 'before')
    append(log, ...bodies(100))
    assert.deepEqual(shape(log), [[1, 1, 40]])
    assert.deepEqual(log.end, { segment: log.first, offset: 40, index: 1 })
    log.commit()
    assert.ok(shape(log).length > 4)
    assert.equal(log.endOrdinal, 101)
    assert.deepEqual(new Reader(log).take(), ['before', ...bodies(100)])
    assert.deepEqual(shape(onDisk(t, folder)), shape(log))
  })

  test('a segment has no more messages than an id can count', t => {
    const log = openLog(t, undefined)
    put(log, 'a')
    log.last.count = log.last.committedCount = MAX_INDEX
    put(log, 'b')
    assert.equal(segments(log).length, 1)
    put(log, 'c')
    assert.equal(segments(log).length, 2)
    assert.equal(log.last.firstOrdinal, MAX_INDEX + 1)
  })

  test('a message larger than a block has a block of its own', t => {
    const log = openLog(t, temporaryFolder())
    const large = Buffer.alloc(3 * 1024 * 1024, 'large ')
    put(log, 'a', large, 'b')
    const reader = new Reader(log)
    const texts = reader.take()
    assert.deepEqual([texts[0], texts[1]?.length, texts[2]], ['a', large.length, 'b'])
    assert.equal(texts[1], large.toString())
  })

  test('a reader at the end does not step over what is not committed yet', t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 100 })
    put(log, 'a')
    const reader = new Reader(log)
    assert.deepEqual(reader.take(), ['a'])
    append(log, 'b', 'x'.repeat(90), 'c')
    reader.cursor.settle()
    assert.deepEqual(reader.take(), [])
    assert.equal(reader.cursor.ordinal, 1)
    log.commit()
    assert.deepEqual(reader.take(), ['b', 'x'.repeat(90), 'c'])
  })
})

describe('a commit that fails', () => {
  // Two writes for each segment: records and index. Three segments are touched.
  for (let nth = 1; nth <= 6; nth++) {
    test(`forgets exactly what was not committed: write ${nth}`, async t => {
      const folder = temporaryFolder()
      const log = openLog(t, folder, { maxSegmentBytes: 300 })
      put(log, ...bodies(3))
      const before = shape(log)
      const reader = new Reader(log)
      assert.deepEqual(reader.take(), bodies(3))
      append(log, ...bodies(14, 100))
      const restore = failWrite(t, nth)
      assert.throws(() => log.commit(), { code: 'ENOSPC' })
      restore()
      assert.deepEqual(shape(log), before)
      assert.equal(log.hasUncommitted, false)
      assert.equal(log.endOrdinal, 3)
      assert.deepEqual(reader.take(), [])
      assert.deepEqual(readdirSync(folder).sort(), ['0000000001.idx', '0000000001.log'])
      assert.deepEqual(shape(onDisk(t, folder)), before)
      // And goes on as if nothing had been.
      put(log, ...bodies(14, 200))
      assert.deepEqual(reader.take(), bodies(14, 200))
      const again = onDisk(t, folder)
      assert.deepEqual(shape(again), shape(log))
      assert.deepEqual(await new Reader(again).readUntil(17), [...bodies(3), ...bodies(14, 200)])
    })
  }

  test('right at the beginning of a segment', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 100 })
    put(log, 'x'.repeat(66))
    for (let i = 0; i < 3; i++) {
      append(log, 'b', 'c')
      const restore = failWrite(t, 1)
      assert.throws(() => log.commit(), { code: 'ENOSPC' })
      restore()
      assert.equal(log.endOrdinal, 1)
    }
    put(log, 'd', 'e')
    put(log, 'f')
    assert.deepEqual(new Reader(log).take(), ['x'.repeat(66), 'd', 'e', 'f'])
    assert.deepEqual(await new Reader(onDisk(t, folder)).readUntil(4), ['x'.repeat(66), 'd', 'e', 'f'])
  })

  test('in a log that is still empty', t => {
    const log = openLog(t, temporaryFolder())
    append(log, 'a', Buffer.alloc(50_000), 'b')
    const restore = failWrite(t, 1)
    assert.throws(() => log.commit(), { code: 'ENOSPC' })
    restore()
    put(log, 'c')
    assert.deepEqual(new Reader(log).take(), ['c'])
  })
})

describe('memory', () => {
  test('old blocks leave it, and their messages are read from disk', async t => {
    const budget = new MemoryBudget(1_200_000)
    const log = openLog(t, temporaryFolder(), { budget })
    const reader = new Reader(log)
    const all = bodies(8000, 0, 600)
    for (const body of all) {
      put(log, body)
      assert.ok(budget.used <= 1_200_000, `${budget.used}`)
    }
    assert.ok(log.memoryOrdinal > 2000)
    assert.deepEqual(await reader.readUntil(8000), all)
    log.close()
    assert.equal(budget.used, 0)
  })

  test('messages larger than all that is allowed are not lost', async t => {
    const budget = new MemoryBudget(1000)
    const folder = temporaryFolder()
    const log = openLog(t, folder, { budget })
    const all = bodies(5, 0, 40_000)
    append(log, ...all.slice(0, 3))
    log.commit()
    append(log, ...all.slice(3))
    log.commit()
    const same = (texts: string[]): boolean => texts.join() === all.join()
    assert.ok(same(await new Reader(log).readUntil(5)))
    assert.ok(same(await new Reader(onDisk(t, folder)).readUntil(5)))
  })

  test('several logs share it', async t => {
    const budget = new MemoryBudget(200_000)
    const logs = Array.from({ length: 8 }, () => openLog(t, temporaryFolder(), { budget }))
    const readers = logs.map(log => new Reader(log))
    const all = bodies(2000, 0, 100)
    for (let i = 0; i < all.length; i += 10) {
      for (const log of logs) append(log, ...all.slice(i, i + 10))
      for (const log of logs) log.commit()
    }
    assert.ok(budget.used <= 8 * 1024 * 1024, `${budget.used}`)
    for (const reader of readers) assert.deepEqual(await reader.readUntil(2000), all)
  })

  test('is let go of when nothing happens', async t => {
    const budget = new MemoryBudget(10_000_000)
    const log = openLog(t, temporaryFolder(), { budget })
    const reader = new Reader(log)
    put(log, ...bodies(1000, 0, 100))
    assert.deepEqual(reader.take(10), bodies(10, 0, 100))
    append(log, 'uncommitted')
    log.forgetBlocks()
    assert.notEqual(budget.used, 0)
    log.commit()
    log.forgetBlocks()
    log.closeFiles()
    assert.equal(budget.used, 0)
    assert.equal(log.memoryOrdinal, 1001)
    put(log, 'more')
    assert.equal(log.memoryOrdinal, 1001)
    assert.deepEqual(await reader.readUntil(1002), [...bodies(990, 10, 100), 'uncommitted', 'more'])
  })

  test('before an ordinal is let go of block by block, but for the newest', t => {
    const budget = new MemoryBudget(10_000_000)
    const log = openLog(t, undefined, { budget })
    for (let i = 0; i < 100; i++) put(log, ...bodies(10, 10 * i, 200))
    log.forgetBlocksBefore(500)
    assert.ok(log.memoryOrdinal <= 500 && log.memoryOrdinal > 300, `${log.memoryOrdinal}`)
    assert.ok(log.positionOf(500))
    assert.equal(log.positionOf(log.memoryOrdinal - 1), undefined)
    log.forgetBlocksBefore(5000)
    assert.ok(log.memoryOrdinal < 1000)
    assert.equal(new Reader(log, log.positionOf(999)).next(), bodies(1, 999, 200)[0])
  })
})

describe('places', () => {
  test('positionOf gives the place of each message in memory, and of the end', t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 500 })
    const all = bodies(50)
    put(log, ...all)
    for (const [ordinal, body] of all.entries()) {
      const position = log.positionOf(ordinal)
      assert.ok(position)
      assert.equal(position.segment.firstOrdinal + position.index, ordinal)
      assert.equal(new Reader(log, position).next(), body)
    }
    assert.deepEqual(log.positionOf(50), log.end)
    assert.equal(log.positionOf(51), undefined)
    assert.equal(log.positionOf(-1), undefined)
    log.forgetBlocks()
    assert.equal(log.positionOf(10), undefined)
  })

  test('a message is fetched from memory or disk alike', t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 500 })
    put(log, ...bodies(20), 'x'.repeat(9000))
    const places = Array.from({ length: 21 }, (_, ordinal) => log.positionOf(ordinal) ?? log.end)
    const fetch = (): unknown[] =>
      places.map(({ segment, offset }) => [
        log.fetch(segment, offset, 2),
        log.copyRecord(segment, offset),
        log.publishedMs(segment, offset),
      ])
    const hot = fetch()
    log.forgetBlocks()
    assert.equal(log.blockAt(log.first, 0), undefined)
    assert.deepEqual(fetch(), hot)
  })

  test('of messages that left memory for good are refused', t => {
    const log = openLog(t, undefined)
    put(log, 'a')
    log.forgetBlocks()
    assert.throws(() => log.fetch(log.first, 0, 2), RangeError)
  })
})

describe('segments', () => {
  test('are taken off the log, wherever they are but at the end', async t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 100 })
    for (const body of bodies(10)) put(log, body)
    const [first, second, third] = segments(log)
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    log.unlink(second)
    assert.deepEqual(segments(log).slice(0, 2), [first, third])
    log.unlink(first)
    assert.equal(log.first, third)
    log.unlink(log.last)
    assert.equal(segments(log).length, 3)
    assert.deepEqual(await new Reader(log).readUntil(10), bodies(6, 4))
  })

  test('all get synced that were written to', async t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 100 })
    const paths = new Map<number, string>()
    let synced: string[] = []
    replaceFs(t, 'openSync', original => (path: string, flags: string) => {
      const fd = original(path, flags)
      paths.set(fd, path.slice(-14))
      return fd
    })
    replaceFs(t, 'fdatasync', () => (fd: number, done: (error: null) => void) => {
      synced.push(paths.get(fd) ?? '?')
      setImmediate(done, null)
    })
    put(log, ...bodies(5))
    assert.equal(await sync(log), null)
    const files = ['0000000001', '0000000002', '0000000003'].flatMap(name => [`${name}.idx`, `${name}.log`])
    assert.deepEqual(synced.sort(), files)
    synced = []
    put(log, 'more')
    assert.equal(await sync(log), null)
    assert.deepEqual(synced.sort(), files.slice(4))
  })

  test('a sync that fails is tried again with the next one', async t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 100 })
    let calls = 0
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    put(log, ...bodies(5))
    assert.equal((await sync(log))?.message, 'EIO: injected')
    restore()
    replaceFs(t, 'fdatasync', original => (fd: number, done: (error: Error | null) => void) => {
      calls++
      original(fd, done)
    })
    assert.equal(await sync(log), null)
    assert.equal(calls, 6)
  })

  test('what is lost in a sync that fails is told once; it is never taken for whole, and new messages go elsewhere', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder)
    const { first } = log
    const path = first.file?.logPath ?? ''
    put(log, 'one', 'two')
    assert.equal(await sync(log), null)
    put(log, 'lost')
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    assert.equal((await sync(log))?.message, 'EIO: injected')
    restore()
    // What the disk had there before.
    overwrite(path, first.size - 10, Buffer.alloc(10))
    put(log, 'three')
    assert.match((await sync(log))?.message ?? '', /damaged at byte 74: the disk did not keep/)
    assert.equal(first.isVouchedFor, false)
    put(log, 'four')
    assert.equal(await sync(log), null)
    assert.notEqual(log.last, first)
    assert.deepEqual([first.isVouchedFor, log.last.isVouchedFor], [false, true])
    log.close()
    const { segments, warnings } = recover(folder, new Map())
    assert.match(warnings.join(), /damaged at byte 74: 1 messages are lost/)
    const again = openLog(t, folder, { segments, firstNumber: 60 })
    assert.deepEqual(await new Reader(again).readUntil(5), ['one', 'two', 'three', 'four'])
  })

  test('a sync that fails does not bring a segment back that was deleted meanwhile', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 100 })
    put(log, ...bodies(10))
    const { first } = log
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    const failing = sync(log)
    log.unlink(first)
    first.file?.remove()
    assert.equal((await failing)?.message, 'EIO: injected')
    restore()
    assert.equal(await sync(log), null)
    assert.equal(existsSync(first.file?.logPath ?? ''), false)
  })

  test('a sync does not bring a deleted segment back', async t => {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 100 })
    put(log, ...bodies(5))
    const { first } = log
    log.unlink(first)
    first.file?.remove()
    assert.equal(await sync(log), null)
    assert.equal(existsSync(first.file?.logPath ?? ''), false)
  })

  test('have no descriptors open after the log was closed', t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 100 })
    const open = new Set<number>()
    replaceFs(t, 'openSync', original => (path: string, flags: string) => {
      const fd = original(path, flags)
      open.add(fd)
      return fd
    })
    replaceFs(t, 'closeSync', original => (fd: number) => {
      open.delete(fd)
      original(fd)
    })
    put(log, ...bodies(5))
    append(log, ...bodies(5))
    const restore = failWrite(t, 3)
    assert.throws(() => log.commit())
    restore()
    log.close()
    assert.equal(open.size, 0)
  })
})
