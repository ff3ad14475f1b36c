import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errorText } from '../util/errors.ts'
import { parseBatches } from './batches.ts'
import { mend } from './mend.ts'
import { Segment } from './segment.ts'
import { INDEX_LINE } from './index-lines.ts'
import { SegmentFile } from './segment-file.ts'
import { STRAGGLER_SUFFIX } from './stragglers.ts'
import { type Survey, survey } from './survey.ts'

/** What a checkpoint remembers of a segment that was complete, so that it need not be looked through again. */
export interface SegmentTotals {
  readonly number: number
  readonly count: number
  readonly size: number
}

export interface Recovered {
  readonly segments: Segment[]
  /** Segments of stragglers, complete. */
  readonly stragglers: Segment[]
  /** What was wrong, and what was done about it; for the log. */
  readonly warnings: string[]
}

const SEGMENT_NAME = /^\d{10}\.\w+$/
const LITTER = /^\d{10}\.(idx|(log|kept)\.bad-\d+)\.tmp$/
const LOG_SUFFIX = '.log'
const INDEX_SUFFIX = '.idx'

/** The numbers of the segments in a topic's folder, oldest first; `kind` is the end of their files' names. */
function segmentNumbers(directory: string, kind: string): number[] {
  const numbers: number[] = []
  for (const name of readdirSync(directory)) {
    if (SEGMENT_NAME.test(name) && name.endsWith(kind)) numbers.push(Number.parseInt(name, 10))
  }
  return numbers.sort((a, b) => a - b)
}

/** The highest segment number that a topic's folder has used. */
export function highestNumber(directory: string): number {
  return Math.max(0, ...segmentNumbers(directory, LOG_SUFFIX), ...segmentNumbers(directory, STRAGGLER_SUFFIX))
}

/**
 * Finds a topic's segments after a stop of any kind. Those that no checkpoint vouches for are looked through and mended: the
 * newest, and what was begun since the checkpoint, or was not synced then.
 */
export function recover(directory: string, totals: ReadonlyMap<number, SegmentTotals>): Recovered {
  mkdirSync(directory, { recursive: true })
  const segments: Segment[] = []
  const warnings: string[] = []
  const numbers = segmentNumbers(directory, LOG_SUFFIX)
  let firstOrdinal = 0
  for (const [i, number] of numbers.entries()) {
    const newest = i === numbers.length - 1
    const known = newest ? undefined : totals.get(number)
    const segment = recoverSegment(directory, number, firstOrdinal, known, warnings)
    if (segment.count === 0 && !newest && !segment.isClosed) {
      segment.file?.remove()
      continue
    }
    segments.push(segment)
    firstOrdinal += segment.count
  }
  removeLitter(directory)
  const stragglers = segmentNumbers(directory, STRAGGLER_SUFFIX).map(number =>
    recoverStragglers(directory, number),
  )
  return { segments, stragglers, warnings }
}

/** Removes what a crash left of a segment that was being deleted, or mended: an index without records, a file half written. */
function removeLitter(directory: string): void {
  const names = new Set(readdirSync(directory))
  for (const name of names) {
    const isUnfinished = LITTER.test(name)
    const isIndex = SEGMENT_NAME.test(name) && name.endsWith(INDEX_SUFFIX)
    if (!isUnfinished && !isIndex) continue
    const stem = name.slice(0, -INDEX_SUFFIX.length)
    if (isUnfinished || !(names.has(stem + LOG_SUFFIX) || names.has(stem + STRAGGLER_SUFFIX))) {
      rmSync(join(directory, name))
    }
  }
}

/** Its messages are found by where a checkpoint says that they are: as long as there are bytes, they may be there. */
function recoverStragglers(directory: string, number: number): Segment {
  const probe = new SegmentFile(directory, number, 0, STRAGGLER_SUFFIX)
  const index = probe.readIndexNow()
  probe.close()
  // Behind all lines, sound or not: those behind a bad one still count.
  const indexSize = index.length - (index.length % INDEX_LINE)
  const file = new SegmentFile(directory, number, indexSize, STRAGGLER_SUFFIX)
  const count = parseBatches(index).reduce((sum, batch) => sum + batch.count, 0)
  return new Segment(number, 0, file, count, file.sizeNow())
}

function recoverSegment(
  directory: string,
  number: number,
  firstOrdinal: number,
  known: SegmentTotals | undefined,
  warnings: string[],
): Segment {
  const file = new SegmentFile(directory, number)
  if (known !== undefined && file.sizeNow() >= known.size) {
    return new Segment(number, firstOrdinal, file, known.count, known.size)
  }
  const found = survey(file)
  const segment = new Segment(number, firstOrdinal, file, found.count, found.size)
  segment.isVouchedFor = false
  segment.isDamaged = found.pieces.some(({ state }) => state !== 'sound')
  try {
    mend(file, found)
    warnings.push(...describe(file, found, true))
  } catch (error) {
    // A full disk, most likely. Nothing is given up that is not safe; the next start tries again.
    segment.isClosed = true
    file.hide(found.pieces.filter(({ state }) => state === 'damaged'))
    warnings.push(
      `${file.logPath}: is damaged, and could not be mended (${errorText(error)}): what is bad is left out, ` +
        'new messages go to a new segment, and the next start tries again',
      ...describe(file, found, false),
    )
  }
  file.close()
  return segment
}

/** What was wrong with a segment; `isKept`: and that the bad bytes are kept aside. */
function describe(
  file: SegmentFile,
  { pieces, size, fileSize, lostAtEnd, wrongLines }: Survey,
  isKept: boolean,
): string[] {
  const where = (offset: number): string => (isKept ? `, which are in ${file.asidePath(offset)}` : '')
  const said: string[] = []
  for (const { state, offset, length, count } of pieces) {
    if (state !== 'damaged') continue
    said.push(
      `${file.logPath}: damaged at byte ${offset}: ${count} messages are lost, in ${length} bytes${where(offset)}`,
    )
  }
  if (wrongLines > 0) {
    said.push(
      `${file.indexPath}: ${wrongLines} lines were wrong, and were made anew; that has cost no message`,
    )
  }
  if (fileSize > size) {
    const lost = lostAtEnd > 0 ? `about ${lostAtEnd} messages are lost, in` : 'behind it lie'
    said.push(
      `${file.logPath}: cut behind its last good message at byte ${size}: ${lost} ${fileSize - size} bytes${where(size)}`,
    )
  }
  if (fileSize === size && lostAtEnd > 0) {
    said.push(
      `${file.logPath}: ends at byte ${size}, where about ${lostAtEnd} messages more should be: they are lost`,
    )
  }
  return said
}
