import { FRAME_HEADER, FrameType } from './frame.ts'
import { ID_LENGTH, writeId } from './message-id.ts'
import { writeWord } from './words.ts'

/**
 * A message frame:
 *
 *     0        4        8                16         18            34
 *     | size   | type 2 | timestamp (ns) | attempts | message id  | body …
 *     | u32 BE | u32 BE | i64 BE         | u16 BE   | 16 hex      |
 */

export { FRAME_HEADER }
/** Bytes of a message before its body: timestamp, attempts and id. */
export const MESSAGE_HEADER: number = 8 + 2 + ID_LENGTH
/** Bytes of a message frame before the body. */
export const MESSAGE_OVERHEAD: number = FRAME_HEADER + MESSAGE_HEADER

const ATTEMPTS_AT = 8
/** Where the id is in the data of a message frame. */
export const MESSAGE_ID_AT = 10

/** A received message. */
export interface DecodedMessage {
  /** When nsqd took the message, in nanoseconds since 1970. */
  timestamp: bigint
  /** Deliveries so far, this one included; nsqd stops counting at 65535. */
  attempts: number
  /** The id, to be given back in FIN, REQ and TOUCH. */
  id: string
  /** A view of the bytes that were decoded, not a copy. */
  body: Buffer
}

/** Writes the 34 bytes that go before a body. The timestamp is its upper and lower 32 bits, unsigned. */
export function writeMessageHeader(
  target: Buffer,
  at: number,
  bodyLength: number,
  timestampHigh: number,
  timestampLow: number,
  attempts: number,
  idHigh: number,
  idLow: number,
): void {
  if (at < 0 || at + MESSAGE_OVERHEAD > target.length) throw new RangeError('no room for a message header')
  writeWord(target, at, MESSAGE_HEADER + 4 + bodyLength)
  writeWord(target, at + 4, FrameType.message)
  writeWord(target, at + 8, timestampHigh)
  writeWord(target, at + 12, timestampLow)
  target[at + 16] = attempts >>> 8
  target[at + 17] = attempts
  writeId(target, at + 18, idHigh, idLow)
}

// The parts of the data of a message frame, which begins at `start` and has at least MESSAGE_HEADER bytes: a client that
// wants one of them does not pay for all.

export function messageTimestamp(bytes: Buffer, start: number): bigint {
  return bytes.readBigInt64BE(start)
}

export function messageAttempts(bytes: Buffer, start: number): number {
  return ((bytes[start + ATTEMPTS_AT] ?? 0) << 8) | (bytes[start + ATTEMPTS_AT + 1] ?? 0)
}

export function messageId(bytes: Buffer, start: number): string {
  return bytes.toString('latin1', start + MESSAGE_ID_AT, start + MESSAGE_HEADER)
}

export function messageBody(bytes: Buffer, start: number, end: number): Buffer {
  return bytes.subarray(start + MESSAGE_HEADER, end)
}

/**
 * Decodes the data of a message frame, as a FrameReader hands it over.
 *
 * @throws RangeError when it is shorter than a message's header.
 */
export function decodeMessage(bytes: Buffer, start: number, end: number): DecodedMessage {
  if (end - start < MESSAGE_HEADER) throw new RangeError(`a message of ${end - start} bytes is too short`)
  return {
    timestamp: messageTimestamp(bytes, start),
    attempts: messageAttempts(bytes, start),
    id: messageId(bytes, start),
    body: messageBody(bytes, start, end),
  }
}
