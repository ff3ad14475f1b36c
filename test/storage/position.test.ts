import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byteAt, ordinalAt } from '../../src/storage/position.ts'
import { recover } from '../../src/storage/recovery.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { append, openLog } from './fixtures.ts'

/** A record of `append` has a header of this many bytes. */
const OVERHEAD = 34

function endOf(log: TopicLog): number[] {
  return [ordinalAt(log.end), byteAt(log.end)]
}

test('a place says how many messages and bytes of the log lie before it, over all segments', t => {
  const folder = temporaryFolder()
  const log = openLog(t, folder, { maxSegmentBytes: 200 })
  for (let i = 1; i <= 10; i++) {
    append(log, 'x'.repeat(50))
    assert.deepEqual([ordinalAt(log.appended), byteAt(log.appended)], [i, i * (50 + OVERHEAD)])
    assert.deepEqual(endOf(log), [i - 1, (i - 1) * (50 + OVERHEAD)], 'not committed yet')
    log.commit()
    assert.deepEqual(endOf(log), [i, i * (50 + OVERHEAD)])
  }
  assert.notEqual(log.first, log.last)

  const { segments } = recover(folder, new Map())
  assert.deepEqual(endOf(openLog(t, folder, { segments, firstNumber: 1000 })), [10, 10 * (50 + OVERHEAD)])
})
