import type { FileHandle } from 'node:fs/promises'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { OwnFiles } from './own-files.ts'
import type { Position } from './position.ts'
import { isPlausible, publishedMsOf } from './record.ts'
import type { Segment } from './segment.ts'
import { INDEX_LINE } from './index-lines.ts'
import type { TopicLog } from './topic-log.ts'

/** How many lines of an index are read at once. */
const LINES = 16 * 1024

/**
 * Finds places in a log by time, with a few small reads in the background and no look at the messages themselves: the
 * segment by bisection, then the batch, whose messages were published at one time. It opens files of its own.
 * Times are taken to rise along the log; where a clock was set back, the place is one of those that fit.
 */
export class TimeSearch {
  readonly #log: TopicLog
  readonly #files = new OwnFiles()

  constructor(log: TopicLog) {
    this.#log = log
  }

  /**
   * The place of the first message that was published at this time (Unix ms) or later, or the end.
   *
   * @throws SegmentGoneError
   */
  async find(ms: number): Promise<Position> {
    const segments: Segment[] = []
    for (let s: Segment | undefined = this.#log.first; s !== undefined; s = s.next) {
      if (s.committedCount > 0) segments.push(s)
    }
    const after = await bisect(
      segments.length,
      async i => {
        const segment = segments[i]
        return segment === undefined ? undefined : this.#firstMs(segment)
      },
      ms,
    )
    const segment = segments[after - 1]
    if (segment !== undefined) return this.#findIn(segment, ms)
    return { segment: this.#log.first, offset: 0, index: 0 }
  }

  /**
   * When the oldest message was published that is there, in Unix ms; undefined when there is none.
   *
   * @throws SegmentGoneError
   */
  async oldestMs(): Promise<number | undefined> {
    for (let s: Segment | undefined = this.#log.first; s !== undefined; s = s.next) {
      const ms = s.committedCount > 0 ? await this.#firstMs(s) : undefined
      if (ms !== undefined) return ms
    }
    return undefined
  }

  close(): Promise<void> {
    return this.#files.close()
  }

  /** The place in a segment whose first message is older. */
  async #findIn(segment: Segment, ms: number): Promise<Position> {
    if (segment.file === undefined) throw new RangeError(`segment ${segment.number} has no file`)
    const index = await this.#files.open(segment.file.indexPath)
    const lines = Math.floor((await index.stat()).size / INDEX_LINE)
    const line = Buffer.alloc(INDEX_LINE)
    const after = await bisect(
      lines,
      async i => {
        await index.read(line, 0, INDEX_LINE, i * INDEX_LINE)
        const offset = line.readUInt32BE(0)
        return offset < segment.committedSize ? this.#publishedMs(segment, offset) : Infinity
      },
      ms,
    )
    return placeOfBatch(segment, index, after)
  }

  async #firstMs(segment: Segment): Promise<number | undefined> {
    segment.firstMs ??= (await this.#publishedMs(segment, 0)) ?? Number.NaN
    return Number.isNaN(segment.firstMs) ? undefined : segment.firstMs
  }

  /** When the message at this place was published; undefined when there is none. */
  async #publishedMs(segment: Segment, offset: number): Promise<number | undefined> {
    if (segment.file === undefined) return undefined
    const file = await this.#files.open(segment.file.logPath)
    const header = Buffer.alloc(MESSAGE_OVERHEAD)
    const { bytesRead } = await file.read(header, 0, MESSAGE_OVERHEAD, offset)
    return isPlausible(header, 0, bytesRead) ? publishedMsOf(header, 0) : undefined
  }
}

/**
 * How many of `count` items, which are in the order of their times, have a time before `ms`. One whose time cannot be
 * told is taken to have that of the next one.
 */
async function bisect(
  count: number,
  timeOf: (i: number) => Promise<number | undefined>,
  ms: number,
): Promise<number> {
  let low = 0
  let high = count
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    let known = middle
    let time = await timeOf(known)
    while (time === undefined && ++known < high) time = await timeOf(known)
    if (time !== undefined && time < ms) low = known + 1
    else high = middle
  }
  return low
}

/** Where the batch with this number begins: the index says where each batch lies, and how many messages it has. */
async function placeOfBatch(segment: Segment, index: FileHandle, number: number): Promise<Position> {
  const lines = Buffer.alloc(Math.min(number, LINES) * INDEX_LINE)
  let offset = 0
  let messages = 0
  for (let done = 0; done < number;) {
    const wanted = Math.min(number - done, LINES) * INDEX_LINE
    const { bytesRead } = await index.read(lines, 0, wanted, done * INDEX_LINE)
    if (bytesRead < wanted) break
    for (let at = 0; at < wanted; at += INDEX_LINE) {
      // Behind a line that does not fit, none can be trusted; better too much than too little.
      if (lines.readUInt32BE(at) !== offset) return { segment, offset, index: messages }
      offset += lines.readUInt32BE(at + 4)
      messages += lines.readUInt32BE(at + 12)
    }
    done += wanted / INDEX_LINE
  }
  return { segment, offset, index: messages }
}
