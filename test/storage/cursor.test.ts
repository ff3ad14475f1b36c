import assert from 'node:assert/strict'
import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { MemoryBudget } from '../../src/storage/memory-budget.ts'
import { recover } from '../../src/storage/recovery.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import {
  append,
  bodies,
  openLog,
  overwrite,
  put,
  Reader,
  replaceFs,
  startOf,
  systemError,
  u32,
} from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { seeded } from './random.ts'

/** With this limit a cursor reads 64 KiB at once. */
const TIGHT = 1

function tight(): MemoryBudget {
  return new MemoryBudget(TIGHT)
}

/** The log in a folder, as a restart finds it: nothing is in memory. */
function reopen(t: TestContext, folder: string, budget = tight()): TopicLog {
  const { segments } = recover(folder, new Map())
  return openLog(t, folder, { segments, budget, firstNumber: 1000 })
}

/** Counts reads, each as [offset, length]. */
function watchReads(t: TestContext): number[][] {
  const reads: number[][] = []
  replaceFs(t, 'read', original => (...given: [number, Buffer, number, number, number, () => void]) => {
    reads.push([given[4], given[3]])
    Reflect.apply(original, undefined, given)
  })
  return reads
}

describe('a cursor', () => {
  test('follows what is written, in memory', t => {
    const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 1000 })
    const reader = new Reader(log)
    const reads = watchReads(t)
    for (let i = 0; i < 100; i += 10) {
      put(log, ...bodies(10, i))
      assert.deepEqual(reader.take(), bodies(10, i))
      assert.equal(reader.cursor.ordinal, i + 10)
    }
    assert.deepEqual(reads, [])
  })

  test('reads a log that is on disk, one stretch ahead', async t => {
    const folder = temporaryFolder()
    const all = bodies(3000, 0, 100)
    put(openLog(t, folder), ...all)
    const log = reopen(t, folder)
    const reads = watchReads(t)
    const reader = new Reader(log)
    const first = reader.event()
    assert.equal(reader.next(), undefined)
    assert.deepEqual(reads, [[0, 65_536]])
    await first
    assert.equal(reader.next(), all[0])
    // 489 messages of 134 bytes are whole in the first stretch.
    assert.deepEqual(reads.slice(1), [[489 * 134, 65_536]])
    assert.deepEqual(await reader.readUntil(3000), all.slice(1))
    assert.equal(reads.length, Math.ceil(3000 / 489))
    assert.equal(reader.next(), undefined)
  })

  test('goes from disk to memory and back', async t => {
    const random = seeded(text => t.diagnostic(text))
    const budget = new MemoryBudget(300_000)
    const log = openLog(t, temporaryFolder(), { budget, maxSegmentBytes: 150_000 })
    const readers = Array.from({ length: 3 }, () => ({ reader: new Reader(log), got: [] as string[] }))
    const all: string[] = []
    for (let step = 0; step < 300; step++) {
      const more = Array.from({ length: random.int(0, 30) }, (_, i) =>
        `${all.length + i} `.padEnd(random.chance(0.05) ? random.int(0, 90_000) : random.int(0, 300), 'x'),
      )
      append(log, ...more)
      if (more.length > 0) log.commit()
      all.push(...more)
      if (random.chance(0.05)) log.forgetBlocks()
      for (const { reader, got } of readers) {
        // One that keeps up, one that does now and then, and one that mostly lags.
        if (reader !== readers[0]?.reader && random.chance(reader === readers[1]?.reader ? 0.9 : 0.97))
          continue
        got.push(...(await reader.readUntil(log.endOrdinal)))
      }
    }
    for (const { reader, got } of readers) {
      got.push(...(await reader.readUntil(log.endOrdinal)))
      assert.equal(got.length, all.length)
      assert.ok(got.every((text, i) => text === all[i]))
      assert.deepEqual(reader.failures, [])
      assert.deepEqual(reader.damage, [])
    }
  })

  test('reads records larger than a stretch, wherever they lie', async t => {
    const folder = temporaryFolder()
    const all = [
      'a',
      'b'.repeat(200_000),
      'c',
      'd',
      'e'.repeat(65_536 - 34),
      'f'.repeat(65_536),
      'g'.repeat(70_000),
    ]
    put(openLog(t, folder), ...all)
    const reader = new Reader(reopen(t, folder))
    const texts = await reader.readUntil(all.length)
    assert.deepEqual(
      texts.map(text => text.length),
      all.map(text => text.length),
    )
    assert.equal(texts.join(), all.join())
  })

  test('jumps while a read is under way: what comes of it is not taken', async t => {
    const folder = temporaryFolder()
    const all = bodies(2000, 0, 100)
    put(openLog(t, folder), ...all)
    const log = reopen(t, folder)
    const reader = new Reader(log)
    assert.equal(reader.next(), undefined)
    reader.cursor.jump({ segment: log.first, offset: 1000 * 134, index: 1000 })
    assert.equal(reader.next(), undefined)
    assert.deepEqual(await reader.readUntil(2000), all.slice(1000))
    reader.cursor.jump(startOf(log))
    assert.deepEqual(await reader.readUntil(2000), all)
  })

  test('is told nothing any more once it is closed', async t => {
    const folder = temporaryFolder()
    put(openLog(t, folder), ...bodies(10))
    const reader = new Reader(reopen(t, folder))
    let isTold = false
    assert.equal(reader.next(), undefined)
    void reader.event().then(() => (isTold = true))
    reader.cursor.close()
    await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(isTold, false)
  })

  test('lets go of memory, and gets it again', async t => {
    const budget = tight()
    const folder = temporaryFolder()
    const all = bodies(2000, 0, 100)
    put(openLog(t, folder), ...all)
    const log = reopen(t, folder, budget)
    const reader = new Reader(log)
    const first = await reader.readUntil(100)
    assert.equal(budget.diskReaders, 1)
    // Not while it reads ahead.
    await until(() => {
      reader.cursor.release()
      return reader.cursor.block === undefined
    })
    assert.equal(budget.diskReaders, 0)
    assert.deepEqual([...first, ...(await reader.readUntil(2000))], all)
    reader.cursor.close()
    assert.equal(budget.diskReaders, 0)
  })

  test('counts as a reader of the disk only as long as it is one', async t => {
    const budget = tight()
    const folder = temporaryFolder()
    put(openLog(t, folder), 'a')
    const log = reopen(t, folder, budget)
    const reader = new Reader(log)
    assert.deepEqual(await reader.readUntil(1), ['a'])
    assert.equal(budget.diskReaders, 1)
    put(log, 'b')
    assert.deepEqual(reader.take(), ['b'])
    assert.equal(budget.diskReaders, 0)
  })
})

describe('a disk that refuses a read', () => {
  test('is asked again, and nothing is left out', async t => {
    const folder = temporaryFolder()
    const all = bodies(2000, 0, 100)
    put(openLog(t, folder), ...all)
    let failing = true
    let reads = 0
    replaceFs(
      t,
      'read',
      original =>
        (...given: [number, Buffer, number, number, number, (e: Error) => void]) => {
          reads++
          if (failing) setImmediate(given[5], systemError('EIO'))
          else Reflect.apply(original, undefined, given)
        },
    )
    const reader = new Reader(reopen(t, folder))
    assert.deepEqual(await reader.readUntil(2000), [])
    assert.deepEqual([reader.failures.length, reader.cursor.ordinal], [1, 0])
    failing = false
    const some = await reader.readUntil(100)
    failing = true
    // The read ahead fails: that matters only when the cursor comes there.
    some.push(...(await reader.readUntil(2000)))
    assert.equal(reader.failures.length, 2)
    failing = false
    some.push(...(await reader.readUntil(2000)))
    assert.deepEqual(some, all)
    assert.ok(reads < 12, `${reads} reads`)
  })

  test('may also be unable to open the file', async t => {
    const folder = temporaryFolder()
    put(openLog(t, folder), 'a')
    const log = reopen(t, folder)
    const restore = replaceFs(t, 'openSync', () => () => {
      throw systemError('EMFILE')
    })
    const reader = new Reader(log)
    assert.deepEqual(await reader.readUntil(1), [])
    assert.equal(reader.failures[0]?.message, 'EMFILE: injected')
    restore()
    assert.deepEqual(await reader.readUntil(1), ['a'])
  })
})

describe('damage', () => {
  const LENGTH = 134

  /** Batches of 10 messages in two segments, the first of which is 50 messages long; not in memory. */
  function damagedLog(
    t: TestContext,
    damage: (log: string, index: string) => void,
    keep = tight(),
  ): TopicLog {
    const folder = temporaryFolder()
    const log = openLog(t, folder, { maxSegmentBytes: 50 * LENGTH })
    for (let i = 0; i < 70; i += 10) put(log, ...bodies(10, i, 100))
    log.close()
    const { segments } = recover(folder, new Map())
    const path = segments[0]?.file?.logPath ?? ''
    damage(path, path.replace('.log', '.idx'))
    return openLog(t, folder, { segments, budget: keep })
  }

  const all = bodies(70, 0, 100)
  const cases: [
    what: string,
    message: number,
    at: number,
    bytes: Buffer,
    lost: [from: number, to: number],
  ][] = [
    ['a type', 23, 4, u32(7), [23, 30]],
    ['a size of nothing', 20, 0, u32(0), [20, 30]],
    ['a size that reaches into the next message', 23, 0, u32(LENGTH - 4 + 50), [23, 30]],
    ['a size that swallows whole messages', 23, 0, u32(3 * LENGTH - 4), [23, 30]],
    ['a size too large for the segment', 23, 0, u32(2 ** 31), [23, 30]],
    ['a size larger than a read', 3, 0, u32(100_000), [3, 10]],
    ['an id', 25, 20, Buffer.from('f'), [25, 30]],
    ['zeros over several batches', 5, 0, Buffer.alloc(27 * LENGTH), [5, 40]],
    ['the first message', 0, 0, Buffer.alloc(LENGTH), [0, 10]],
    ['the last message', 49, 4, u32(0), [49, 50]],
  ]
  for (const [what, message, at, bytes, [from, to]] of cases) {
    test(`in ${what} leaves out the rest of its batch, which is kept aside`, async t => {
      const log = damagedLog(t, path => overwrite(path, message * LENGTH + at, bytes))
      const reader = new Reader(log)
      // The id of a swallowing message is right, its length is not: what follows it shows that.
      const texts = await reader.readUntil(70)
      const swallowed = what.includes('swallows') || what.includes('reaches')
      const expected = [...all.slice(0, from), ...all.slice(to)]
      assert.deepEqual(
        texts.filter(text => text.length === 100),
        expected,
      )
      if (!swallowed) assert.deepEqual(texts, expected)
      const [damage] = reader.damage
      assert.ok(damage)
      assert.equal(reader.damage.length, 1)
      const kept = readFileSync(`${log.first.file?.logPath}.bad-${damage.offset}`)
      assert.equal(kept.length, damage.bytes)
      assert.equal(damage.offset + damage.bytes, to * LENGTH)
      if (!swallowed)
        assert.deepEqual(damage, { offset: from * LENGTH, bytes: (to - from) * LENGTH, messages: to - from })
    })
  }

  test('of the index as well leaves out no more', async t => {
    const log = damagedLog(t, (path, index) => {
      overwrite(path, 23 * LENGTH, Buffer.alloc(LENGTH))
      overwrite(index, 16, Buffer.alloc(4, 0xff))
    })
    assert.deepEqual(await new Reader(log).readUntil(70), [...all.slice(0, 23), ...all.slice(30)])
  })

  test('in several places is left out for each', async t => {
    const log = damagedLog(t, path => {
      overwrite(path, 12 * LENGTH, Buffer.alloc(8))
      overwrite(path, 33 * LENGTH, Buffer.alloc(8))
    })
    const expected = [...all.slice(0, 12), ...all.slice(20, 33), ...all.slice(40)]
    assert.deepEqual(await new Reader(log).readUntil(70), expected)
    // And for each reader.
    assert.deepEqual(await new Reader(log).readUntil(70), expected)
  })

  test('may be a file that is too short', async t => {
    const log = damagedLog(t, path => {
      truncateSync(path, 33 * LENGTH + 20)
    })
    const reader = new Reader(log)
    assert.deepEqual(await reader.readUntil(70), [...all.slice(0, 33), ...all.slice(50)])
    assert.deepEqual(reader.damage, [{ offset: 33 * LENGTH, bytes: 17 * LENGTH, messages: 17 }])
  })

  test('that cannot be kept aside is not passed over', async t => {
    const log = damagedLog(t, path => overwrite(path, 23 * LENGTH, Buffer.alloc(8)))
    const restore = replaceFs(t, 'openSync', original => (path: string, flags: string) => {
      if (path.includes('.bad-')) throw systemError('ENOSPC')
      return original(path, flags)
    })
    const reader = new Reader(log)
    assert.deepEqual(await reader.readUntil(70), all.slice(0, 23))
    assert.deepEqual([reader.failures[0]?.message, reader.cursor.ordinal], ['ENOSPC: injected', 23])
    // It is for whoever was told to try again.
    const again = reader.event().then(() => 'again')
    assert.notEqual(await Promise.race([again, new Promise(resolve => setTimeout(resolve, 30))]), 'again')
    assert.equal(existsSync(`${log.first.file?.logPath}.bad-${23 * LENGTH}`), false)
    restore()
    assert.deepEqual(await reader.readUntil(70), all.slice(30))
  })
})
