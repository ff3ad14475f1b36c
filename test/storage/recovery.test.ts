import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { highestNumber, recover, type Recovered, type SegmentTotals } from '../../src/storage/recovery.ts'
import { Stragglers } from '../../src/storage/stragglers.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { bodies, openLog, overwrite, put, Reader, replaceFs, systemError } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Bytes of a message of `bodies(…, 10)`. */
const LENGTH = 44
const NOTHING_KNOWN: ReadonlyMap<number, SegmentTotals> = new Map()

/** Three batches of three messages, in segments of at most `most` messages. */
function written(t: TestContext, most = 1000): { folder: string; log: TopicLog } {
  const folder = temporaryFolder()
  const log = openLog(t, folder, { maxSegmentBytes: most * LENGTH })
  for (const from of [0, 3, 6]) put(log, ...bodies(3, from, 10))
  log.close()
  return { folder, log }
}

function open(t: TestContext, folder: string, { segments }: Recovered): TopicLog {
  return openLog(t, folder, { segments, firstNumber: 1000 })
}

let copies = 0

/** Recovers a copy of the folder after it was damaged, and checks that `kept` messages come back, and more go in. */
async function recoverCopy(
  t: TestContext,
  folder: string,
  kept: number,
  damage: (log: string, index: string) => void,
): Promise<{ recovered: Recovered; copy: string }> {
  const copy = join(temporaryFolder(), 'copy')
  cpSync(folder, copy, { recursive: true })
  damage(join(copy, '0000000001.log'), join(copy, '0000000001.idx'))
  const recovered = recover(copy, NOTHING_KNOWN)
  const log = open(t, copy, recovered)
  assert.equal(log.endOrdinal, kept)
  assert.deepEqual(await new Reader(log).readUntil(kept), bodies(kept, 0, 10))
  // Not for each of hundreds of copies.
  if (copies++ % 8 > 0) return { recovered, copy }
  put(log, 'and on')
  log.close()
  const again = recover(copy, NOTHING_KNOWN)
  assert.deepEqual(again.warnings, [])
  const texts = await new Reader(open(t, copy, again)).readUntil(kept + 1)
  assert.deepEqual(texts, [...bodies(kept, 0, 10), 'and on'])
  return { recovered, copy }
}

describe('recovery', () => {
  test('finds all segments again', async t => {
    const { folder, log } = written(t, 4)
    const recovered = recover(folder, NOTHING_KNOWN)
    assert.deepEqual(
      recovered.segments.map(({ number, firstOrdinal, count, size }) => [number, firstOrdinal, count, size]),
      [
        [1, 0, 4, 4 * LENGTH],
        [2, 4, 4, 4 * LENGTH],
        [3, 8, 1, LENGTH],
      ],
    )
    assert.deepEqual(recovered.warnings, [])
    const again = open(t, folder, recovered)
    assert.equal(again.last.number, log.last.number)
    assert.deepEqual(await new Reader(again).readUntil(9), bodies(9, 0, 10))
  })

  test('makes the folder of a new topic', () => {
    const folder = join(temporaryFolder(), 'new', 'topic')
    assert.deepEqual(recover(folder, NOTHING_KNOWN), { segments: [], stragglers: [], warnings: [] })
    assert.ok(existsSync(folder))
    assert.equal(highestNumber(folder), 0)
  })

  test('leaves other files alone', t => {
    const { folder } = written(t)
    const others = [
      '0000000009.log.bad-0',
      'notes.txt',
      '123.log',
      'checkpoint',
      '00000000010.log',
      '0000000011.logs',
    ]
    for (const name of others) writeFileSync(join(folder, name), '')
    const { segments } = recover(folder, NOTHING_KNOWN)
    assert.deepEqual(
      segments.map(({ number }) => number),
      [1],
    )
    assert.equal(highestNumber(folder), 1)
    for (const name of others) assert.ok(existsSync(join(folder, name)), name)
  })

  test('trusts what a checkpoint knows of a complete segment', t => {
    const { folder } = written(t, 4)
    rmSync(join(folder, '0000000001.idx'))
    const known = new Map([[1, { number: 1, count: 4, size: 4 * LENGTH }]])
    const { segments, warnings } = recover(folder, known)
    assert.deepEqual([segments.length, segments[0]?.count, warnings], [3, 4, []])
  })

  test('does not trust it where the file is shorter, or is the newest', t => {
    const { folder } = written(t, 4)
    truncateSync(join(folder, '0000000001.log'), 3 * LENGTH)
    const known = new Map([1, 2, 3].map(number => [number, { number, count: 4, size: 4 * LENGTH }]))
    const { segments } = recover(folder, known)
    assert.deepEqual(
      segments.map(({ count }) => count),
      [3, 4, 1],
    )
  })

  test('deletes segments without a message, but for the newest', t => {
    const { folder } = written(t, 4)
    for (const number of ['0000000001', '0000000003']) {
      truncateSync(join(folder, `${number}.log`), 0)
      truncateSync(join(folder, `${number}.idx`), 0)
    }
    const { segments } = recover(folder, NOTHING_KNOWN)
    assert.deepEqual(
      segments.map(({ number, firstOrdinal, count }) => [number, firstOrdinal, count]),
      [
        [2, 0, 4],
        [3, 4, 0],
      ],
    )
    assert.equal(existsSync(join(folder, '0000000001.log')), false)
    assert.equal(existsSync(join(folder, '0000000003.log')), true)
  })

  test('deletes an index that a deleted segment left behind', t => {
    const { folder } = written(t)
    writeFileSync(join(folder, '0000000000.idx'), 'left over')
    recover(folder, NOTHING_KNOWN)
    assert.deepEqual(readdirSync(folder).sort(), ['0000000001.idx', '0000000001.log'])
  })

  test('finds stragglers', t => {
    const { folder, log } = written(t, 4)
    let number = 50
    const stragglers = new Stragglers(folder, 1000, { next: () => number++, use: () => undefined })
    stragglers.take(log.first, [0, LENGTH])
    stragglers.take(log.first, [LENGTH])
    stragglers.close()
    assert.equal(highestNumber(folder), 50)
    const recovered = recover(folder, NOTHING_KNOWN)
    assert.deepEqual(
      recovered.stragglers.map(({ number, count, size }) => [number, count, size]),
      [[50, 3, 3 * LENGTH]],
    )
  })
})

describe('a torn tail', () => {
  test('is cut behind the last good batch, wherever the records end', async t => {
    const { folder } = written(t)
    for (let length = 6 * LENGTH + 1; length < 9 * LENGTH; length++) {
      const { recovered, copy } = await recoverCopy(t, folder, 6, log => truncateSync(log, length))
      assert.equal(recovered.warnings.length, 1)
      assert.match(
        recovered.warnings[0] ?? '',
        /cut behind its last good message at byte 264: about 3 messages are lost, in \d+ bytes, which are in/,
      )
      assert.equal(readFileSync(join(copy, '0000000001.log.bad-264')).length, length - 6 * LENGTH)
    }
    const { recovered } = await recoverCopy(t, folder, 6, log => truncateSync(log, 6 * LENGTH))
    assert.match(recovered.warnings.join(), /ends at byte 264, where about 3 messages more should be/)
  })

  test('is cut wherever the index ends', async t => {
    const { folder } = written(t)
    for (let length = 0; length <= 3 * 16; length++) {
      const batches = Math.floor(length / 16)
      const { recovered } = await recoverCopy(t, folder, 3 * batches, (_, index) =>
        truncateSync(index, length),
      )
      assert.equal(recovered.warnings.length, batches === 3 ? 0 : 1)
    }
  })

  test('is cut at a bad byte of the last batch', async t => {
    const { folder } = written(t)
    for (let at = 6 * LENGTH; at < 9 * LENGTH; at += 5) {
      const { recovered, copy } = await recoverCopy(t, folder, 6, log => flip(log, at))
      assert.match(
        recovered.warnings.join(),
        /at byte 264: about 3 messages are lost, in 132 bytes, which are in/,
      )
      assert.equal(readFileSync(join(copy, '0000000001.log.bad-264')).length, 3 * LENGTH)
    }
  })

  test('may be a whole batch whose line was never written', async t => {
    const { folder } = written(t)
    const { recovered, copy } = await recoverCopy(t, folder, 9, log => {
      writeFileSync(log, 'a batch without a line', { flag: 'a' })
    })
    assert.equal(recovered.warnings.length, 1)
    assert.equal(readFileSync(join(copy, '0000000001.log.bad-396'), 'utf8'), 'a batch without a line')
  })

  test('without an index keeps everything aside', async t => {
    const { folder } = written(t)
    const { copy } = await recoverCopy(t, folder, 0, (_, index) => rmSync(index))
    assert.equal(readFileSync(join(copy, '0000000001.log.bad-0')).length, 9 * LENGTH)
  })

  test('stays where it is on a full disk, until there is room for it', async t => {
    const { folder } = written(t)
    writeFileSync(join(folder, '0000000001.log'), 'a torn batch', { flag: 'a' })
    const restore = replaceFs(t, 'writeSync', () => () => {
      throw systemError('ENOSPC')
    })
    const full = recover(folder, NOTHING_KNOWN)
    restore()
    assert.match(full.warnings.join(), /0000000001\.log: .* could not be mended \(ENOSPC: injected\)/)
    const log = open(t, folder, full)
    put(log, 'and on')
    log.close()
    const again = recover(folder, NOTHING_KNOWN)
    assert.deepEqual(
      again.segments.map(({ number, count }) => [number, count]),
      [
        [1, 9],
        [1000, 1],
      ],
    )
    assert.equal(readFileSync(join(folder, '0000000001.log.bad-396'), 'utf8'), 'a torn batch')
    const texts = await new Reader(open(t, folder, again)).readUntil(10)
    assert.deepEqual(texts, [...bodies(9, 0, 10), 'and on'])
  })

  test('may be empty files', async t => {
    const { folder } = written(t)
    const { recovered } = await recoverCopy(t, folder, 0, (log, index) => {
      truncateSync(log, 0)
      truncateSync(index, 0)
    })
    assert.deepEqual(recovered.warnings, [])
    await recoverCopy(t, folder, 0, log => truncateSync(log, 0))
  })
})

function flip(path: string, at: number): void {
  const byte = readFileSync(path).readUInt8(at)
  overwrite(path, at, Buffer.from([byte ^ 0x10]))
}
