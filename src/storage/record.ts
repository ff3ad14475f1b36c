/**
 * How a message lies in a segment: as the frame that will be sent, so that a run of fresh messages is
 * delivered as one slice of the segment.
 *
 *     0        4        8                16         18            34
 *     | size   | type   | timestamp (ns) | attempts | message id  | body … | due
 *     | u32 BE | u32 BE | i64 BE         | u16 BE   | 16 hex      |        | f64 BE, deferred only
 *
 * `size` counts everything after itself. Type 2 is NSQ's message frame. Type 3 never reaches a wire: it is a
 * deferred message, with the time it is due (Unix ms) behind its body; readers cut that off and patch the type.
 */
import { FrameType } from '../protocol/frame.ts'
import { ID_LENGTH, idIndex, idSegment, readIdHigh, readIdLow } from '../protocol/message-id.ts'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { readWord } from '../protocol/words.ts'

export const RECORD_MESSAGE: number = FrameType.message
export const RECORD_DEFERRED = 3
export const DUE_LENGTH = 8
const ID_AT = MESSAGE_OVERHEAD - ID_LENGTH

/** Bytes of a whole record, its own size field included. */
export function recordLength(bytes: Buffer, at: number): number {
  return 4 + (readWord(bytes, at) >>> 0)
}

export function isDeferred(bytes: Buffer, at: number): boolean {
  // The type's last byte decides: the first three are zero in every record that was written here.
  return bytes[at + 7] === RECORD_DEFERRED
}

/** When a deferred record is due, in Unix ms. */
export function dueOf(bytes: Buffer, at: number): number {
  return bytes.readDoubleBE(at + recordLength(bytes, at) - DUE_LENGTH)
}

/** When a record was published, in Unix ms. */
export function publishedMsOf(bytes: Buffer, at: number): number {
  return (bytes.readUInt32BE(at + 8) * 2 ** 32 + bytes.readUInt32BE(at + 12)) / 1e6
}

/** Whether what begins at `at` looks like a record; `end` is the end of what is there. */
export function isPlausible(bytes: Buffer, at: number, end: number): boolean {
  if (at + MESSAGE_OVERHEAD > end) return false
  const type = bytes.readUInt32BE(at + 4)
  const least = MESSAGE_OVERHEAD - 4 + (type === RECORD_DEFERRED ? DUE_LENGTH : 0)
  return (type === RECORD_MESSAGE || type === RECORD_DEFERRED) && bytes.readUInt32BE(at) >= least
}

/** Whether a record of the message with this id begins at `at`, as far as one can see. */
export function isRecord(bytes: Buffer, at: number, end: number, segment: number, index: number): boolean {
  return indexOf(bytes, at, end, segment) === index
}

/** Which message of this segment begins at `at`, as far as one can see; undefined when none does. */
export function indexOf(bytes: Buffer, at: number, end: number, segment: number): number | undefined {
  if (!isPlausible(bytes, at, end)) return undefined
  const origin = originOf(bytes, at)
  return origin?.segment === segment ? origin.index : undefined
}

/** Where the message of a record was published, by its id; undefined when that is none. */
export function originOf(bytes: Buffer, at: number): { segment: number; index: number } | undefined {
  const high = readIdHigh(bytes, at + ID_AT)
  const low = readIdLow(bytes, at + ID_AT)
  // Not the node: it may have been another when the message came.
  return high >= 0 && low >= 0 ? { segment: idSegment(high, low), index: idIndex(low) } : undefined
}

/**
 * The frame to send for a record: a copy with the attempts set, and a deferred record turned into a plain message.
 */
export function frameOf(bytes: Buffer, at: number, attempts: number): Buffer {
  const deferred = isDeferred(bytes, at)
  const length = recordLength(bytes, at) - (deferred ? DUE_LENGTH : 0)
  const frame = Buffer.allocUnsafe(length)
  bytes.copy(frame, 0, at, at + length)
  frame.writeUInt32BE(length - 4, 0)
  frame.writeUInt32BE(RECORD_MESSAGE, 4)
  frame.writeUInt16BE(attempts, 16)
  return frame
}
