import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { errorText } from '../util/errors.ts'
import { countSound, readBatches } from './batches.ts'
import { Segment } from './segment.ts'
import { INDEX_LINE, SegmentFile } from './segment-file.ts'
import { STRAGGLER_SUFFIX } from './stragglers.ts'

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
 * Finds a topic's segments after a stop of any kind. The newest one is checked against the CRCs of its batches, and
 * cut behind the last good one; what is cut is kept aside. Older ones were complete when the next was begun: their
 * totals come from the checkpoint or, without it, from their index.
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
    const segment = recoverSegment(directory, number, firstOrdinal, newest, known, warnings)
    if (segment.count === 0 && !newest) {
      segment.file?.remove()
      continue
    }
    segments.push(segment)
    firstOrdinal += segment.count
  }
  removeOrphans(directory)
  const stragglers = segmentNumbers(directory, STRAGGLER_SUFFIX).map(number =>
    recoverStragglers(directory, number),
  )
  return { segments, stragglers, warnings }
}

/** Removes each index without records: what a crash left of a segment that was being deleted. */
function removeOrphans(directory: string): void {
  const names = new Set(readdirSync(directory))
  for (const name of names) {
    if (!SEGMENT_NAME.test(name) || !name.endsWith(INDEX_SUFFIX)) continue
    const stem = name.slice(0, -INDEX_SUFFIX.length)
    if (!names.has(stem + LOG_SUFFIX) && !names.has(stem + STRAGGLER_SUFFIX)) rmSync(join(directory, name))
  }
}

function recoverStragglers(directory: string, number: number): Segment {
  const probe = new SegmentFile(directory, number, 0, STRAGGLER_SUFFIX)
  const batches = readBatches(probe)
  probe.close()
  const last = batches.at(-1)
  const file = new SegmentFile(directory, number, batches.length * INDEX_LINE, STRAGGLER_SUFFIX)
  if (last === undefined) return new Segment(number, 0, file)
  return new Segment(number, 0, file, last.firstIndex + last.count, last.offset + last.length)
}

function recoverSegment(
  directory: string,
  number: number,
  firstOrdinal: number,
  newest: boolean,
  known: SegmentTotals | undefined,
  warnings: string[],
): Segment {
  const file = new SegmentFile(directory, number)
  const fileSize = file.sizeNow()
  if (known !== undefined && fileSize >= known.size) {
    file.close()
    return new Segment(number, firstOrdinal, file, known.count, known.size)
  }
  const named = readBatches(file).filter(batch => batch.offset + batch.length <= fileSize)
  const batches = newest ? named.slice(0, countSound(file, named)) : named
  const last = batches.at(-1)
  const size = last === undefined ? 0 : last.offset + last.length
  const count = last === undefined ? 0 : last.firstIndex + last.count
  const segment = new Segment(number, firstOrdinal, file, count, size)
  try {
    file.cut(size, batches.length * INDEX_LINE)
    if (fileSize > size) {
      warnings.push(
        `${file.logPath}: cut behind its last good message at byte ${size}; ` +
          `the ${fileSize - size} bytes behind it are in ${file.logPath}.bad-${size}`,
      )
    }
  } catch (error) {
    // A full disk, most likely. Nothing is cut that is not safe; the next start tries again.
    segment.isClosed = true
    warnings.push(
      `${file.logPath}: damaged behind its last good message at byte ${size}, and could not be cut ` +
        `(${errorText(error)}); new messages go to a new segment`,
    )
  }
  file.close()
  return segment
}
