import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { LogRange } from '../../src/storage/log-range.ts'
import { ordinalAt, type Position } from '../../src/storage/position.ts'
import type { Segment } from '../../src/storage/segment.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { bodies, openLog, put, startOf } from './fixtures.ts'

const RECORD = 134

/** Six segments of ten messages. */
function sixSegments(t: TestContext): { log: TopicLog; all: Segment[] } {
  const log = openLog(t, temporaryFolder(), { maxSegmentBytes: 10 * RECORD })
  put(log, ...bodies(60, 0, 100))
  const all: Segment[] = []
  for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) all.push(s)
  assert.equal(all.length, 6)
  return { log, all }
}

function place(segment: Segment | undefined, index: number): Position {
  assert.ok(segment !== undefined)
  return { segment, offset: index * RECORD, index }
}

function shown({ stretches, messages, bytes }: LogRange): string {
  assert.equal(bytes, messages * RECORD)
  return stretches.map(({ from, to }) => `${ordinalAt(from)}-${ordinalAt(to)}`).join(' ')
}

describe('a range of a log', () => {
  test('is one stretch over all segments', t => {
    const { log, all } = sixSegments(t)
    assert.equal(shown(new LogRange(log, startOf(log), log.end)), '0-60')
    assert.equal(shown(new LogRange(log, place(all[1], 4), place(all[3], 2))), '14-32')
    assert.equal(shown(new LogRange(log, place(all[1], 10), place(all[2], 0))), '')
    assert.equal(shown(new LogRange(log, log.end, startOf(log))), '')
  })

  test('leaves out segments that are gone, be it from the middle', t => {
    const { log, all } = sixSegments(t)
    const from = startOf(log)
    for (const i of [0, 2, 3]) if (all[i] !== undefined) log.unlink(all[i])
    const range = new LogRange(log, from, log.end)
    assert.equal(shown(range), '10-20 40-60')
    assert.equal(shown(new LogRange(log, place(all[2], 3), place(all[4], 5))), '40-45')
    assert.equal(shown(new LogRange(log, from, place(all[3], 5))), '10-20')
    const has = (i: number, index: number): boolean => range.has(all[i]?.number ?? 0, index)
    assert.deepEqual(
      [has(0, 5), has(1, 0), has(1, 9), has(3, 5), has(5, 9)],
      [false, true, true, false, true],
    )
  })

  test('knows a message by its id', t => {
    const { log, all } = sixSegments(t)
    const range = new LogRange(log, place(all[1], 4), place(all[2], 5))
    const number = all[1]?.number ?? 0
    assert.deepEqual([range.has(number, 3), range.has(number, 4)], [false, true])
    assert.deepEqual([range.has(number + 1, 4), range.has(number + 1, 5)], [true, false])
    assert.equal(range.has(number + 2, 0), false)
  })
})
