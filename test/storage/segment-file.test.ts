import assert from 'node:assert/strict'
import { existsSync, readFileSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { crc32 } from 'node:zlib'
import { INDEX_LINE } from '../../src/storage/index-lines.ts'
import { SegmentFile, segmentName } from '../../src/storage/segment-file.ts'
import { NsqError } from '../../src/util/errors.ts'
import { overwrite, replaceFs, systemError } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function index(offset: number, bytes: Buffer, count: number): Buffer {
  const line = Buffer.alloc(INDEX_LINE)
  for (const [i, value] of [offset, bytes.length, crc32(bytes), count].entries())
    line.writeUInt32BE(value, i * 4)
  return line
}

const one = Buffer.from('first batch')
const two = [Buffer.from('second '), Buffer.from('batch in '), Buffer.from('slices')]
const joined = Buffer.concat(two)
const lines = Buffer.concat([index(0, one, 3), index(one.length, joined, 4)])

function sync(file: SegmentFile): Promise<Error | null> {
  return new Promise(resolve => file.sync(resolve))
}

function read(file: SegmentFile, offset: number, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    file.read(offset, length, (error, bytes) => (error === null ? resolve(bytes) : reject(error)))
  })
}

/** The folders that are synced from now on. */
function syncedFolders(t: TestContext): string[] {
  const folders: string[] = []
  replaceFs(t, 'fsync', original => (fd: number, done: (error: Error | null) => void) => {
    folders.push(readlinkSync(`/proc/self/fd/${fd}`))
    original(fd, done)
  })
  replaceFs(t, 'fsyncSync', original => (fd: number) => {
    folders.push(readlinkSync(`/proc/self/fd/${fd}`))
    original(fd)
  })
  return folders
}

/** The text of bytes, with a dot for each zero. */
function seen(bytes: Buffer): string {
  return bytes.toString('latin1').replaceAll('\0', '.')
}

/** Of each write in the background, its length and where it goes, as they come. */
function watchWrites(t: TestContext): [length: number, at: number][] {
  const written: [length: number, at: number][] = []
  replaceFs(
    t,
    'write',
    original => (fd: number, bytes: Buffer, from: number, length: number, at: number, done: () => void) => {
      written.push([length, at])
      original(fd, bytes, from, length, at, done)
    },
  )
  return written
}

describe('SegmentFile', () => {
  test('names its files by number', () => {
    const folder = temporaryFolder()
    assert.equal(segmentName(42), '0000000042')
    assert.equal(new SegmentFile(folder, 42).logPath, join(folder, '0000000042.log'))
    assert.equal(new SegmentFile(folder, 2 ** 31 - 1).indexPath, join(folder, '2147483647.idx'))
    assert.equal(new SegmentFile(folder, 42, 0, '.kept').logPath, join(folder, '0000000042.kept'))
  })

  test('appends batches, each with a line in the index', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    file.append(two, one.length, 4)
    assert.equal(readFileSync(file.logPath, 'utf8'), 'first batchsecond batch in slices')
    assert.deepEqual(readFileSync(file.indexPath), lines)
    assert.deepEqual(file.readIndexNow(), lines)
    assert.deepEqual(file.readIndexNow(), lines)
    assert.equal(file.sizeNow(), one.length + joined.length)
    assert.equal(file.readNow(6, 5).toString(), 'batch')
    assert.equal((await read(file, one.length, 1000)).toString(), 'second batch in slices')
    assert.equal((await read(file, 1000, 5)).length, 0)
    assert.equal(await sync(file), null)
    file.syncNow()
  })

  test('syncs the folder, too, until that has worked once', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    const restore = replaceFs(t, 'fsync', () => (_fd: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    assert.equal((await sync(file))?.message, 'EIO: injected')
    restore()
    const folders = syncedFolders(t)
    assert.equal(await sync(file), null)
    // And the one that its own name is in: a new topic's may not be on the disk either.
    assert.deepEqual(folders.sort(), [dirname(dirname(file.logPath)), dirname(file.logPath)].sort())
    assert.equal(await sync(file), null)
    assert.equal(folders.length, 2)
  })

  test('does so for a file that a killed process has left, too: nobody knows whether that has synced its name', async t => {
    const folder = temporaryFolder()
    const killed = new SegmentFile(folder, 1)
    killed.append([one], 0, 3)
    killed.close()
    const file = new SegmentFile(folder, 1, INDEX_LINE)
    t.after(() => file.close())
    const folders = syncedFolders(t)
    assert.equal(await sync(file), null)
    assert.ok(folders.includes(folder))
    const again = new SegmentFile(folder, 1, INDEX_LINE)
    t.after(() => again.close())
    folders.length = 0
    again.syncNow()
    assert.deepEqual(folders.sort(), [dirname(folder), folder].sort())
    again.syncNow()
    assert.equal(folders.length, 2)
  })

  test('goes on behind what was there when its index size is given', () => {
    const folder = temporaryFolder()
    const first = new SegmentFile(folder, 1)
    first.append([one], 0, 3)
    first.close()
    const second = new SegmentFile(folder, 1, INDEX_LINE)
    second.append(two, one.length, 4)
    second.close()
    assert.deepEqual(readFileSync(second.indexPath), lines)
  })

  test('takes the last append back', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    file.append(two, one.length, 4)
    file.undoAppend(one.length)
    assert.deepEqual(readFileSync(file.logPath), one)
    assert.deepEqual(readFileSync(file.indexPath), lines.subarray(0, INDEX_LINE))
    file.append(two, one.length, 4)
    assert.deepEqual(readFileSync(file.indexPath), lines)
  })

  test('gives descriptors back, and opens the files again when needed', async t => {
    const folder = temporaryFolder()
    const file = new SegmentFile(folder, 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    file.close()
    file.append(two, one.length, 4)
    // While a read and a sync are under way the descriptors must stay.
    const reading = read(file, 0, 5)
    const syncing = sync(file)
    file.close()
    assert.equal((await reading).toString(), 'first')
    assert.equal(await syncing, null)
    file.close()
    assert.equal(file.readNow(0, 5).toString(), 'first')
    assert.deepEqual(readFileSync(file.indexPath), lines)
  })

  test('removes both files, whether they are there or not', () => {
    const file = new SegmentFile(temporaryFolder(), 1)
    file.append([one], 0, 3)
    file.remove()
    assert.deepEqual([existsSync(file.logPath), existsSync(file.indexPath)], [false, false])
    file.remove()
  })

  test('keeps aside what it cuts', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    file.append(two, one.length, 4)
    file.cut(one.length)
    file.cutIndex(INDEX_LINE)
    assert.deepEqual(readFileSync(file.logPath), one)
    assert.deepEqual(readFileSync(file.indexPath), lines.subarray(0, INDEX_LINE))
    assert.deepEqual(readFileSync(`${file.logPath}.bad-${one.length}`), joined)
    file.append(two, one.length, 4)
    assert.deepEqual(readFileSync(file.indexPath), lines)
    file.cut(one.length + joined.length)
    file.cutIndex(2 * INDEX_LINE)
    assert.equal(existsSync(`${file.logPath}.bad-${one.length + joined.length}`), false)
  })

  test('keeps aside no more than there is, in pieces', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    const large = Buffer.alloc(2.5 * 1024 * 1024, 'abc')
    file.append([large], 0, 1)
    file.keepAside(1, large.length + 100)
    assert.deepEqual(readFileSync(file.asidePath(1)), large.subarray(1))
  })

  test('keeps no zeros aside, nor what it has kept', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([Buffer.alloc(100_000), one, Buffer.alloc(100)], 0, 1)
    file.keepAside(0, 100_000)
    assert.equal(existsSync(file.asidePath(0)), false)
    file.keepAside(100_000, one.length)
    assert.deepEqual(readFileSync(file.asidePath(100_000)), one)
    writeFileSync(file.logPath, Buffer.alloc(100_100, 'x'))
    file.keepAside(100_000, one.length)
    assert.deepEqual(readFileSync(file.asidePath(100_000)), one)
  })

  test('hides bad bytes that could not be blanked', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([Buffer.from('0123456789')], 0, 1)
    file.hide([
      { offset: 2, length: 3 },
      { offset: 8, length: 5 },
    ])
    assert.equal(seen(file.readNow(0, 10)), '01...567..')
    assert.equal(seen(await read(file, 3, 3)), '..5')
    assert.equal(seen(file.readNow(5, 3)), '567')
  })

  test('reads one record, of any length', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    const record = Buffer.alloc(10_000, 'x')
    record.writeUInt32BE(record.length - 4, 0)
    record.writeUInt32BE(2, 4)
    const small = Buffer.from(record.subarray(0, 40))
    small.writeUInt32BE(36, 0)
    file.append([small, record, small], 0, 3)
    assert.deepEqual(file.readRecordNow(0, 10_080), small)
    assert.deepEqual(file.readRecordNow(40, 10_080), record)
    assert.deepEqual(file.readRecordNow(10_040, 10_080), small)
    const bad: [why: string, offset: number, end: number][] = [
      ['nothing there', 10_080, 20_000],
      ['no header', 10_050, 20_000],
      ['no type', 41, 10_080],
      ['too long', 40, 10_039],
      ['bytes of a body', 100, 10_080],
    ]
    for (const [why, offset, end] of bad) {
      assert.throws(() => file.readRecordNow(offset, end), { code: 'E_DAMAGED' }, why)
    }
    file.cut(5000)
    assert.throws(() => file.readRecordNow(40, 10_080), { code: 'E_DAMAGED' })
  })

  test('tells of a folder that is not there', async () => {
    const file = new SegmentFile(join(temporaryFolder(), 'none'), 1)
    assert.throws(() => file.append([one], 0, 1), { code: 'ENOENT' })
    await assert.rejects(read(file, 0, 1), { code: 'ENOENT' })
    const error = await sync(file)
    assert.ok(error !== null && 'code' in error && error.code === 'ENOENT', String(error))
  })

  test('tells of a sync that fails, once', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 1)
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    let calls = 0
    const error = await new Promise<Error | null>(resolve => {
      file.sync(failure => {
        calls++
        resolve(failure)
      })
    })
    await new Promise(resolve => setImmediate(resolve))
    assert.deepEqual([error?.message, calls], ['EIO: injected', 1])
    restore()
    assert.equal(await sync(file), null)
  })
})

describe('what a sync has failed to write', () => {
  test('is written once more before the next sync, as the system may have dropped it', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    assert.equal(await sync(file), null)
    file.append(two, one.length, 4)
    let fails = true
    replaceFs(t, 'fdatasync', original => (fd: number, done: (error: Error | null) => void) => {
      if (fails) setImmediate(done, systemError('EIO'))
      else original(fd, done)
    })
    const written = watchWrites(t)
    assert.equal((await sync(file))?.message, 'EIO: injected')
    assert.deepEqual(written, [])
    assert.equal((await sync(file))?.message, 'EIO: injected')
    const more = Buffer.from('more')
    file.append([more], one.length + joined.length, 1)
    fails = false
    written.length = 0
    assert.equal(await sync(file), null)
    assert.deepEqual(written, [
      [joined.length + more.length, one.length],
      [2 * INDEX_LINE, INDEX_LINE],
    ])
    assert.deepEqual(readFileSync(file.logPath), Buffer.concat([one, joined, more]))
    assert.deepEqual(readFileSync(file.indexPath).subarray(0, lines.length), lines)
    // That is over now.
    file.append([one], one.length + joined.length + more.length, 1)
    assert.equal(await sync(file), null)
    assert.equal(written.length, 2)
  })

  test('stays to be written as long as that fails', async t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    const restoreSync = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    assert.equal((await sync(file))?.message, 'EIO: injected')
    restoreSync()
    let writes = 0
    const restoreWrite = replaceFs(t, 'write', () => (...args: unknown[]) => {
      writes++
      const done = args.at(-1)
      if (typeof done === 'function') setImmediate(() => done(systemError('ENOSPC')))
    })
    assert.equal((await sync(file))?.message, 'ENOSPC: injected')
    restoreWrite()
    assert.equal(writes, 1)
    assert.equal(await sync(file), null)
  })

  /** A file whose first batch is synced, and not what was written since, of which one line has two mebibytes. */
  async function halfSynced(t: TestContext): Promise<SegmentFile> {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    assert.equal(await sync(file), null)
    file.append(two, one.length, 4)
    file.append([large], one.length + joined.length, 1)
    file.append([one], one.length + joined.length + large.length, 3)
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    assert.equal((await sync(file))?.message, 'EIO: injected')
    restore()
    return file
  }
  const large = Buffer.alloc(2 * 1024 * 1024, 'large ')
  const indexed = Buffer.concat([
    lines,
    index(one.length + joined.length, large, 1),
    index(one.length + joined.length + large.length, one, 3),
  ])

  test('is written in pieces, of which each is what it was', async t => {
    const file = await halfSynced(t)
    assert.equal(await sync(file), null)
    assert.deepEqual(readFileSync(file.logPath), Buffer.concat([one, joined, large, one]))
    assert.deepEqual(readFileSync(file.indexPath), indexed)
  })

  const drops: [what: string, damagedAt: number, drop: (file: SegmentFile) => void][] = [
    [
      'the first of them',
      one.length,
      file => overwrite(file.logPath, one.length, Buffer.alloc(joined.length)),
    ],
    [
      'one byte in the middle',
      one.length + joined.length,
      file => overwrite(file.logPath, one.length + joined.length + 1_500_000, '!'),
    ],
    [
      'the end',
      one.length + joined.length + large.length,
      file => truncateSync(file.logPath, one.length + joined.length + large.length + 1),
    ],
    ['the lines', one.length, file => truncateSync(file.indexPath, INDEX_LINE)],
    ['half a line', one.length + joined.length, file => truncateSync(file.indexPath, 2 * INDEX_LINE + 7)],
    [
      'the page of a line',
      one.length + joined.length,
      file => overwrite(file.indexPath, 2 * INDEX_LINE, Buffer.alloc(INDEX_LINE)),
    ],
    [
      'a line, of which there is an older one',
      one.length,
      file => overwrite(file.indexPath, INDEX_LINE, lines.subarray(0, INDEX_LINE)),
    ],
  ]
  for (const [what, damagedAt, drop] of drops) {
    test(`is not taken for synced when the system has dropped it: ${what}`, async t => {
      const file = await halfSynced(t)
      drop(file)
      const before = readFileSync(file.logPath)
      for (let i = 0; i < 2; i++) {
        const error = await sync(file)
        assert.ok(error instanceof NsqError && error.code === 'E_DAMAGED', String(error))
        assert.match(error.message, new RegExp(`damaged at byte ${damagedAt}:`))
      }
      assert.deepEqual(readFileSync(file.logPath), before)
    })
  }

  test('is left where it is damaged; all else of it is written and synced', async t => {
    const file = await halfSynced(t)
    overwrite(file.logPath, one.length + joined.length, '!')
    const written = watchWrites(t)
    let syncs = 0
    replaceFs(t, 'fdatasync', original => (fd: number, done: (error: Error | null) => void) => {
      syncs++
      original(fd, done)
    })
    await sync(file)
    assert.deepEqual(written, [
      [joined.length, one.length],
      [one.length, one.length + joined.length + large.length],
      [3 * INDEX_LINE, INDEX_LINE],
    ])
    assert.equal(syncs, 2)
  })

  test('is all of a file that was there at the start', async t => {
    const folder = temporaryFolder()
    const before = new SegmentFile(folder, 1)
    before.append([one], 0, 3)
    before.append(two, one.length, 4)
    before.close()
    const file = new SegmentFile(folder, 1)
    t.after(() => file.close())
    file.cut(one.length + joined.length)
    file.cutIndex(2 * INDEX_LINE)
    const restore = replaceFs(t, 'fdatasync', () => (_: number, done: (error: Error) => void) => {
      setImmediate(done, systemError('EIO'))
    })
    assert.equal((await sync(file))?.message, 'EIO: injected')
    restore()
    overwrite(file.logPath, 0, Buffer.alloc(1))
    assert.match(String(await sync(file)), /damaged at byte 0/)
    overwrite(file.logPath, 0, one)
    assert.equal(await sync(file), null)
  })
})

test('a file that cannot be closed is given back all the same', async t => {
  const file = new SegmentFile(temporaryFolder(), 1)
  file.append([one], 0, 3)
  let closed = 0
  const restore = replaceFs(t, 'closeSync', original => (fd: number) => {
    original(fd)
    closed++
    throw systemError('EIO')
  })
  file.close()
  restore()
  assert.equal(closed, 2)
  file.append(two, one.length, 4)
  assert.deepEqual(readFileSync(file.indexPath), lines)
  assert.equal(await sync(file), null)
  file.close()
})

/** The disk takes `room` more bytes, as one that fills up does: a short write first, then none. */
function fill(t: TestContext, room: number): () => void {
  let left = room
  const restores = [
    replaceFs(
      t,
      'writeSync',
      original => (fd: number, bytes: Buffer, from: number, length: number, at: number) => {
        if (left === 0) throw systemError('ENOSPC')
        const allowed = Math.min(left, length)
        left -= allowed
        return original(fd, bytes, from, allowed, at)
      },
    ),
    replaceFs(t, 'writevSync', original => (fd: number, slices: Buffer[], at: number) => {
      const all = Buffer.concat(slices)
      if (left === 0) throw systemError('ENOSPC')
      const allowed = all.subarray(0, left)
      left -= allowed.length
      return original(fd, [allowed], at)
    }),
  ]
  return () => {
    for (const restore of restores) restore()
  }
}

describe('an append that fails', () => {
  for (let room = 0; room < joined.length + INDEX_LINE; room++) {
    test(`leaves both files as they were: no room behind ${room} bytes`, t => {
      const file = new SegmentFile(temporaryFolder(), 1)
      t.after(() => file.close())
      file.append([one], 0, 3)
      const restore = fill(t, room)
      assert.throws(() => file.append(two, one.length, 4), { code: 'ENOSPC' })
      restore()
      assert.deepEqual(readFileSync(file.logPath), one)
      assert.deepEqual(readFileSync(file.indexPath), lines.subarray(0, INDEX_LINE))
      file.append(two, one.length, 4)
      assert.deepEqual(readFileSync(file.logPath), Buffer.concat([one, joined]))
      assert.deepEqual(readFileSync(file.indexPath), lines)
    })
  }

  test('survives a disk that cannot even truncate', t => {
    const file = new SegmentFile(temporaryFolder(), 1)
    t.after(() => file.close())
    file.append([one], 0, 3)
    const restoreWrite = fill(t, 5)
    const restoreTruncate = replaceFs(t, 'ftruncateSync', () => () => {
      throw systemError('EIO')
    })
    assert.throws(() => file.append(two, one.length, 4), { code: 'ENOSPC' })
    restoreWrite()
    restoreTruncate()
    assert.deepEqual(readFileSync(file.indexPath), lines.subarray(0, INDEX_LINE))
    file.append(two, one.length, 4)
    assert.deepEqual(readFileSync(file.logPath), Buffer.concat([one, joined]))
    assert.deepEqual(readFileSync(file.indexPath), lines)
  })

  test('leaves no descriptor open when the index cannot be opened', t => {
    const folder = temporaryFolder()
    const file = new SegmentFile(folder, 1)
    const opened: number[] = []
    const closed: number[] = []
    replaceFs(t, 'openSync', original => (path: string, flags: string) => {
      if (path.endsWith('.idx')) throw systemError('EMFILE')
      const fd = original(path, flags)
      opened.push(fd)
      return fd
    })
    replaceFs(t, 'closeSync', original => (fd: number) => {
      closed.push(fd)
      original(fd)
    })
    assert.throws(() => file.append([one], 0, 1), { code: 'EMFILE' })
    assert.deepEqual(closed, opened)
    writeFileSync(join(folder, 'other'), '')
  })
})
