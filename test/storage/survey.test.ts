import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { INDEX_LINE } from '../../src/storage/index-lines.ts'
import { mend } from '../../src/storage/mend.ts'
import { SegmentFile } from '../../src/storage/segment-file.ts'
import { survey } from '../../src/storage/survey.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { bodies, openLog, overwrite, put } from './fixtures.ts'

/** Bytes of a message of `bodies(…, 10)`. */
const LENGTH = 44
const COUNT = 50

/** A segment with a line for each of its messages. */
function written(t: TestContext): { file: SegmentFile; index: string; log: string } {
  const folder = temporaryFolder()
  const log = openLog(t, folder)
  for (const body of bodies(COUNT, 0, 10)) put(log, body)
  log.close()
  const file = new SegmentFile(folder, 1)
  t.after(() => file.close())
  return { file, index: join(folder, '0000000001.idx'), log: join(folder, '0000000001.log') }
}

describe('a survey', () => {
  test('keeps nothing of lines that are as they should be, however many', t => {
    const { file } = written(t)
    const found = survey(file)
    assert.equal(found.soundIndex, COUNT * INDEX_LINE)
    assert.deepEqual(found.pieces, [])
    assert.deepEqual([found.size, found.count, found.wrongLines], [COUNT * LENGTH, COUNT, 0])
  })

  test('has pieces from the first line on that is not; those before stay as they are when it is mended', t => {
    const { file, index, log } = written(t)
    const before = readFileSync(index)
    overwrite(log, 20 * LENGTH + 40, '?')
    const found = survey(file)
    assert.equal(found.soundIndex, 20 * INDEX_LINE)
    assert.deepEqual(
      found.pieces.map(({ state }) => state),
      ['damaged', ...Array.from({ length: COUNT - 21 }, () => 'sound')],
    )
    assert.deepEqual([found.size, found.count], [COUNT * LENGTH, COUNT])
    mend(file, found)
    const after = readFileSync(index)
    assert.equal(after.length, before.length)
    assert.deepEqual(after.subarray(0, 20 * INDEX_LINE), before.subarray(0, 20 * INDEX_LINE))
    assert.deepEqual(after.subarray(21 * INDEX_LINE), before.subarray(21 * INDEX_LINE))
    const again = survey(file)
    assert.deepEqual([again.count, again.wrongLines, again.pieces[0]?.state], [COUNT, 0, 'blank'])
  })

  test('a wrong count in a line is told, and the lines before it are not', t => {
    const { file, index } = written(t)
    overwrite(index, 30 * INDEX_LINE + 15, '\u0007')
    const found = survey(file)
    assert.equal(found.soundIndex, 30 * INDEX_LINE)
    assert.deepEqual([found.count, found.wrongLines], [COUNT, 1])
  })
})
