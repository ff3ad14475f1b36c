import type { Segment } from './segment.ts'

/** A place in a log: where a message begins, or where the next one will. */
export interface Position {
  readonly segment: Segment
  readonly offset: number
  /** Which message of the segment begins there. */
  readonly index: number
}

/** The ordinal of the message at this place. */
export function ordinalAt(position: Position): number {
  return position.segment.firstOrdinal + position.index
}

/** How many bytes of the log lie before this place. */
export function byteAt(position: Position): number {
  return position.segment.firstByte + position.offset
}
