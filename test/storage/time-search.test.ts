import assert from 'node:assert/strict'
import { rmSync, truncateSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { SegmentGoneError } from '../../src/storage/own-files.ts'
import { ordinalAt } from '../../src/storage/position.ts'
import type { Segment } from '../../src/storage/segment.ts'
import { TimeSearch } from '../../src/storage/time-search.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { openLog, overwrite } from './fixtures.ts'
import { seeded } from './random.ts'

const START = 1_800_000_000_000

/** Publishes messages of this length together, at this time. */
function publish(log: TopicLog, ms: number, ...lengths: readonly number[]): void {
  const ns = ms * 1e6
  for (const length of lengths) {
    log.append(Buffer.alloc(length), 0, length, Math.floor(ns / 2 ** 32), (ns % 2 ** 32) >>> 0)
  }
  log.commit()
}

async function find(t: TestContext, log: TopicLog, ms: number): Promise<number> {
  const search = new TimeSearch(log)
  t.after(() => search.close())
  const position = await search.find(ms)
  assert.ok(position.offset <= position.segment.committedSize)
  return ordinalAt(position)
}

function segments(log: TopicLog): Segment[] {
  const all: Segment[] = []
  for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) all.push(s)
  return all
}

/** Ten segments of ten batches of two messages, a second apart. */
function regular(t: TestContext): TopicLog {
  const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 20 * 134 })
  for (let i = 0; i < 100; i++) publish(log, START + 1000 * i, 100, 100)
  assert.equal(segments(log).length, 10)
  return log
}

describe('a search by time', () => {
  test('finds the first message of a time, or after it', async t => {
    const random = seeded(text => t.diagnostic(text))
    for (let round = 0; round < 20; round++) {
      const log = openLog(t, temporaryFolder(), { maxSegmentBytes: random.pick([300, 2000, 1_000_000]) })
      const times: number[] = []
      let ms = START
      for (let i = random.int(0, 60); i > 0; i--) {
        ms += random.pick([0.001, 1, 1, 500])
        const lengths = Array.from({ length: random.int(1, 5) }, () => random.int(0, 120))
        publish(log, ms, ...lengths)
        for (const _ of lengths) times.push(ms)
      }
      const search = new TimeSearch(log)
      const last = Math.floor(ms)
      for (const whole of [
        START - 1,
        last,
        last + 1,
        last + 2,
        ...Array.from({ length: 20 }, () => random.int(START, last)),
      ]) {
        // Between two times: a number cannot say one of today to the nanosecond.
        const wanted = whole - 0.5
        const position = await search.find(wanted)
        const before = times.filter(time => time < wanted)
        assert.equal(ordinalAt(position), before.length)
        if (position.index > 0) {
          assert.equal(
            position.offset === position.segment.committedSize,
            position.index === position.segment.count,
          )
        }
      }
      assert.equal((await search.oldestMs())?.toFixed(2), times[0]?.toFixed(2))
      await search.close()
    }
  })

  test('knows nothing of a log that is empty', async t => {
    const log = openLog(t, temporaryFolder())
    assert.equal(await find(t, log, 0), 0)
    assert.equal(await new TimeSearch(log).oldestMs(), undefined)
  })

  test('goes on where a message is damaged', async t => {
    const log = regular(t)
    const [, , third, fourth] = segments(log)
    // Its first message, and one in the middle of the next segment.
    overwrite(third?.file?.logPath ?? '', 0, Buffer.alloc(34))
    overwrite(fourth?.file?.logPath ?? '', 10 * 134, Buffer.alloc(34))
    for (const segment of segments(log)) segment.firstMs = undefined
    assert.equal(await find(t, log, START + 31_000), 62)
    assert.equal(await find(t, log, START + 34_000), 68)
    // The damaged one is taken to be as old as the next.
    assert.equal(await find(t, log, START + 36_000), 70)
    assert.equal(await find(t, log, START + 37_000), 74)
  })

  test('finds too much rather than too little where an index is damaged', async t => {
    const log = regular(t)
    const [, second] = segments(log)
    const path = second?.file?.indexPath ?? ''
    overwrite(path, 16 * 4, Buffer.alloc(4, 0xff))
    const found = await find(t, log, START + 18_000)
    assert.ok(found >= 20 && found <= 36)
    truncateSync(path, 16 * 3)
    assert.equal(await find(t, log, START + 18_000), 26)
    assert.equal(await find(t, log, START + 11_000), 22)
    assert.equal(await find(t, log, START + 20_000), 26)
    assert.equal(await find(t, log, START + 21_000), 42)
  })

  test('ends with an error when a segment is deleted meanwhile, and holds no file', async t => {
    const log = regular(t)
    for (const segment of segments(log)) segment.firstMs = undefined
    const [, , , , , sixth] = segments(log)
    rmSync(sixth?.file?.logPath ?? '')
    const search = new TimeSearch(log)
    await assert.rejects(search.find(START + 50_500), SegmentGoneError)
    await search.close()
  })
})
