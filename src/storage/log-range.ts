import { ordinalAt, type Position } from './position.ts'
import type { Segment } from './segment.ts'
import type { Stretch } from './stretch.ts'
import type { TopicLog } from './topic-log.ts'

/** The messages of a log between two places, as far as they are still there. */
export class LogRange {
  /** In order. Between two of them lie segments that went before older ones. */
  readonly stretches: readonly Stretch[]
  readonly messages: number
  /** Of whole records. */
  readonly bytes: number
  /** By the numbers of their segments: the first ordinal of each. */
  readonly #firstOrdinals = new Map<number, number>()

  constructor(log: TopicLog, from: Position, to: Position) {
    const stretches: Stretch[] = []
    let messages = 0
    let bytes = 0
    for (const part of parts(log, from, to)) {
      const { segment } = part.from
      this.#firstOrdinals.set(segment.number, segment.firstOrdinal)
      messages += part.to.index - part.from.index
      bytes += part.to.offset - part.from.offset
      const last = stretches.at(-1)
      if (last === undefined || ordinalAt(last.to) < ordinalAt(part.from)) stretches.push(part)
      else stretches[stretches.length - 1] = { from: last.from, to: part.to }
    }
    this.stretches = stretches
    this.messages = messages
    this.bytes = bytes
  }

  /** Whether the message with this id, of this segment and index there, is among them. */
  has(segmentNumber: number, index: number): boolean {
    const first = this.#firstOrdinals.get(segmentNumber)
    if (first === undefined) return false
    const ordinal = first + index
    return this.stretches.some(({ from, to }) => ordinal >= ordinalAt(from) && ordinal < ordinalAt(to))
  }
}

/** What each segment of the chain has between two places. */
function* parts(log: TopicLog, from: Position, to: Position): Generator<Stretch, void, undefined> {
  for (let segment: Segment | undefined = log.first; segment !== undefined; segment = segment.next) {
    if (segment.number < from.segment.number) continue
    if (segment.number > to.segment.number) return
    const start = segment === from.segment ? from : { segment, offset: 0, index: 0 }
    const end =
      segment === to.segment ? to : { segment, offset: segment.committedSize, index: segment.committedCount }
    if (start.index < end.index) yield { from: start, to: end }
  }
}
