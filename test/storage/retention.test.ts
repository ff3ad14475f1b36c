import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Retention, type RetentionOptions, segmentBytes } from '../../src/storage/retention.ts'
import type { Segment } from '../../src/storage/segment.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { openLog, overwrite } from './fixtures.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const MIB = 1024 * 1024
const START = 1_800_000_000_000
const NONE = { retainTime: 0, retainBytes: 0 }

function publish(log: TopicLog, ms: number, length = 966): void {
  const ns = ms * 1e6
  log.append(Buffer.alloc(length), 0, length, Math.floor(ns / 2 ** 32), (ns % 2 ** 32) >>> 0)
  log.commit()
}

/** Ten segments of one message of 1,000 bytes each, a second apart. */
function tenSegments(t: TestContext): { log: TopicLog; all: Segment[] } {
  const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 1000 })
  for (let i = 0; i < 10; i++) publish(log, START + i * SECOND)
  const all: Segment[] = []
  for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) all.push(s)
  return { log, all }
}

function retention(
  t: TestContext,
  options: Partial<RetentionOptions>,
  finished = 8,
): [Retention, TopicLog, Segment[]] {
  const { log, all } = tenSegments(t)
  const made = new Retention(log, { ...NONE, ...options })
  made.finishedBefore(all[finished] ?? log.first)
  return [made, log, all]
}

describe('retention', () => {
  test('without a limit keeps nothing that is finished', t => {
    const [none, , all] = retention(t, {})
    assert.equal(none.isOn, false)
    assert.deepEqual(none.expired(START), all.slice(0, 8))
  })

  test('by bytes keeps the newest of what is finished', t => {
    const [kept, log, all] = retention(t, { retainBytes: 3500 })
    assert.equal(kept.bytes, 8000)
    assert.deepEqual(kept.expired(START), all.slice(0, 5))
    for (const segment of kept.expired(START)) {
      log.unlink(segment)
      kept.removed(segment)
    }
    assert.deepEqual([kept.bytes, kept.expired(START)], [3000, []])
  })

  test('by time keeps a segment until its last message is old enough', t => {
    const [kept, , all] = retention(t, { retainTime: 60 * SECOND })
    // The last message of a segment is older than the first of the next.
    const last = START + 3 * SECOND
    assert.deepEqual(kept.expired(last + 60 * SECOND), all.slice(0, 2))
    assert.deepEqual(kept.expired(last + 60 * SECOND + 1), all.slice(0, 3))
    assert.deepEqual(kept.expired(START + 61 * SECOND), [])
    assert.equal(kept.expired(START + 61 * SECOND + 1).length, 1)
    assert.deepEqual(kept.expired(START + 1e9), all.slice(0, 8))
    assert.equal(kept.oldestMs, START + SECOND)
  })

  test('by both keeps what both allow', t => {
    const [kept, , all] = retention(t, { retainTime: 60 * SECOND, retainBytes: 6000 })
    assert.deepEqual(kept.expired(START), all.slice(0, 2))
    assert.deepEqual(kept.expired(START + 64 * SECOND + 1), all.slice(0, 4))
  })

  test('counts anew when a channel goes back', t => {
    const [kept, log, all] = retention(t, { retainBytes: 1 })
    kept.finishedBefore(all[2] ?? log.first)
    assert.deepEqual([kept.bytes, kept.expired(START).length], [2000, 2])
    kept.finishedBefore(log.first)
    assert.deepEqual([kept.bytes, kept.expired(START).length, kept.oldestMs], [0, 0, undefined])
    kept.finishedBefore(log.last)
    assert.deepEqual([kept.bytes, kept.expired(START).length], [9000, 9])
  })

  test('takes the next time that can be read where one cannot', t => {
    const [kept, , all] = retention(t, { retainTime: 60 * SECOND })
    overwrite(all[1]?.file?.logPath ?? '', 0, Buffer.alloc(34))
    for (const segment of all) segment.firstMs = undefined
    // Blocks in memory would be asked first.
    const log = openCold(t, all)
    const cold = new Retention(log, { ...NONE, retainTime: 60 * SECOND })
    cold.finishedBefore(log.last)
    assert.deepEqual(cold.expired(START + 61 * SECOND + 1).length, 0)
    assert.deepEqual(cold.expired(START + 62 * SECOND + 1).length, 2)
    assert.equal(kept.bytes, 8000)
  })

  test('by time is not held up by a clock that was ahead for a moment', t => {
    const [kept, log, all] = retention(t, { retainTime: 60 * SECOND })
    const [, second = log.first] = all
    second.firstMs = START + 1e9
    // The next time that is past is that of the third.
    assert.equal(kept.expired(START + 62 * SECOND).length, 0)
    assert.equal(kept.expired(START + 62 * SECOND + 1).length, 2)
    for (const segment of all) segment.firstMs = START + 1e9
    assert.deepEqual(kept.expired(START + 1e6), [])
  })
})

/** The same segments, none of them in memory. */
function openCold(t: TestContext, segments: readonly Segment[]): TopicLog {
  return openLog(t, temporaryFolder(), { segments, firstNumber: 100 })
}

describe('segments', () => {
  test('are smaller where less is retained, within reason', () => {
    assert.equal(segmentBytes(NONE, 100 * MIB), 100 * MIB)
    assert.equal(segmentBytes({ ...NONE, retainTime: 1000 }, 100 * MIB), 100 * MIB)
    assert.equal(segmentBytes({ ...NONE, retainBytes: 80 * MIB }, 100 * MIB), 10 * MIB)
    assert.equal(segmentBytes({ ...NONE, retainBytes: 1000 }, 100 * MIB), MIB)
    assert.equal(segmentBytes({ ...NONE, retainBytes: 80 * MIB }, 2 * MIB), 2 * MIB)
  })

  test('are finished after an eighth of the time to retain, or a minute', t => {
    for (const [retainTime, age] of [
      [80 * MINUTE, 10 * MINUTE],
      [MINUTE, MINUTE],
    ] as const) {
      const log = openLog(t, temporaryFolder())
      const kept = new Retention(log, { ...NONE, retainTime })
      kept.rollByTime(START)
      publish(log, START)
      kept.rollByTime(START + age)
      publish(log, START + age)
      assert.equal(log.first, log.last)
      kept.rollByTime(START + age + 1)
      kept.rollByTime(START + age + 2)
      assert.equal(log.first.next, undefined)
      publish(log, START + age + 2)
      publish(log, START + age + 3)
      assert.equal(log.first.next, log.last)
      assert.deepEqual([log.first.count, log.last.count], [2, 2])
    }
  })

  test('are not finished early without --retain-time', t => {
    const log = openLog(t, temporaryFolder())
    publish(log, START)
    new Retention(log, { ...NONE, retainBytes: 5000 }).rollByTime(START + 1e9)
    publish(log, START)
    assert.equal(log.first, log.last)
  })
})
