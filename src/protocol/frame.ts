import { ChunkReader } from './chunk-reader.ts'
import { ProtocolError } from './errors.ts'
import { readWord } from './words.ts'

/**
 * What nsqd sends, one frame after the other:
 *
 *     0        4        8
 *     | size   | type   | data …
 *     | u32 BE | u32 BE | size - 4 bytes
 *
 * The size leaves out its own four bytes.
 */
export const FrameType = { response: 0, error: 1, message: 2 } as const

/** Bytes before the data of a frame: size and type. */
export const FRAME_HEADER = 8

/** An `OK`, a heartbeat, an IDENTIFY reply: any answer that is not an error. */
export function responseFrame(text: string): Buffer {
  return textFrame(FrameType.response, text)
}

/** An error; `text` is the code and the description, see `ProtocolError.frameText`. */
export function errorFrame(text: string): Buffer {
  return textFrame(FrameType.error, text)
}

function textFrame(type: number, text: string): Buffer {
  const length = Buffer.byteLength(text)
  const frame = Buffer.allocUnsafe(FRAME_HEADER + length)
  frame.writeUInt32BE(4 + length, 0)
  frame.writeUInt32BE(type, 4)
  frame.write(text, FRAME_HEADER)
  return frame
}

export const OK_FRAME: Buffer = responseFrame('OK')
export const HEARTBEAT_FRAME: Buffer = responseFrame('_heartbeat_')
export const CLOSE_WAIT_FRAME: Buffer = responseFrame('CLOSE_WAIT')

export interface FrameHandler {
  /**
   * One frame; its data is `bytes` from `start` to `end`, a view of the chunk or of a buffer made for this frame.
   * `type` is a FrameType when the peer is an nsqd of today.
   */
  frame(type: number, bytes: Buffer, start: number, end: number): void
}

/** Reads what an nsqd sends. */
export class FrameReader extends ChunkReader {
  readonly #handler: FrameHandler
  readonly #maxFrameSize: number
  #type = 0

  /** `maxFrameSize` bounds what is buffered, in bytes: the size field of a frame may not exceed it. */
  constructor(handler: FrameHandler, maxFrameSize: number) {
    super()
    this.#handler = handler
    this.#maxFrameSize = maxFrameSize
  }

  protected override read(bytes: Buffer, start: number): number {
    const end = bytes.length
    let at = start
    while (end - at >= FRAME_HEADER && !this.paused) {
      const size = readWord(bytes, at) >>> 0
      if (size < 4 || size > this.#maxFrameSize) throw this.#badSize(size)
      const type = readWord(bytes, at + 4) >>> 0
      const data = at + FRAME_HEADER
      at += 4 + size
      if (at > end) {
        this.#type = type
        this.collect(size - 4, bytes, data)
        return end
      }
      this.#handler.frame(type, bytes, data, at)
    }
    return at
  }

  protected override missing(part: Buffer, chunk: Buffer): number {
    return Math.min(FRAME_HEADER - part.length, chunk.length)
  }

  protected override deliver(bytes: Buffer, start: number, end: number): void {
    this.#handler.frame(this.#type, bytes, start, end)
  }

  #badSize(size: number): ProtocolError {
    return new ProtocolError(
      'E_BAD_FRAME',
      `invalid frame size ${size}, allowed are 4 to ${this.#maxFrameSize}`,
    )
  }
}
