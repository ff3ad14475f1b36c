import type { Socket } from 'node:net'
import { identify, MAGIC_V2, nop, rdy, sub } from '../../src/protocol/command.ts'
import { FRAME_HEADER, FrameType } from '../../src/protocol/frame.ts'
import { ID_LENGTH } from '../../src/protocol/message-id.ts'
import { readWord } from '../../src/protocol/words.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'

const FIN_LINE = 'FIN 0123456789abcdef\n'
const FIN_ID_AT = 4
const MESSAGE_ID_AT = FRAME_HEADER + 10
/** FINs that go out with one write. */
const BATCH = 4096
/** More than the largest frame of a bench. */
const LARGEST_FRAME = 64 * 1024

/**
 * A consumer that does the least there is to do: finds the frames, copies each id into a buffer of FIN lines made
 * before, and writes that out after each read.
 */
export class Subscription {
  readonly #onMessages: (count: number) => void
  readonly #fail: (error: Error) => void
  readonly #look: ((bytes: Buffer, bodyAt: number) => void) | undefined
  readonly #subscribed = withResolvers()
  #socket: Socket | undefined
  #oks = 0
  #fins: Buffer = finLines()
  #count = 0
  /** A frame cut by the end of a read. */
  readonly #part: Buffer = Buffer.alloc(LARGEST_FRAME)
  #partLength = 0

  /** `look` is shown each body, as it comes. */
  constructor(
    onMessages: (count: number) => void,
    fail: (error: Error) => void,
    look?: (bytes: Buffer, bodyAt: number) => void,
  ) {
    this.#onMessages = onMessages
    this.#fail = fail
    this.#look = look
  }

  async open(port: number, topic: string, channel: string): Promise<void> {
    const socket = await dial(port, (bytes, length) => this.#read(bytes, length))
    socket.on('error', this.#fail)
    socket.on('end', () => this.#fail(new Error('the server closed the connection')))
    this.#socket = socket
    socket.write(Buffer.concat([MAGIC_V2, identify({}), sub(topic, channel)]))
    await this.#subscribed.promise
  }

  start(ready: number): void {
    this.#socket?.write(rdy(ready))
  }

  close(): void {
    this.#socket?.destroy()
  }

  #read(bytes: Buffer, length: number): void {
    let at = 0
    if (this.#partLength > 0) at = this.#completePart(bytes, length)
    while (at + FRAME_HEADER <= length) {
      const end = at + 4 + readWord(bytes, at)
      if (end > length) break
      this.#frame(bytes, at, end)
      at = end
    }
    if (at < length) this.#partLength += bytes.copy(this.#part, this.#partLength, at, length)
    this.#flush()
  }

  /** Reads the frame that the last read began; returns where the next one begins. */
  #completePart(bytes: Buffer, length: number): number {
    const part = this.#part
    let at = 0
    while (this.#partLength < FRAME_HEADER && at < length) part[this.#partLength++] = bytes[at++] ?? 0
    if (this.#partLength < FRAME_HEADER) return at
    const size = 4 + readWord(part, 0)
    const copied = bytes.copy(part, this.#partLength, at, Math.min(length, at + size - this.#partLength))
    this.#partLength += copied
    if (this.#partLength === size) {
      this.#partLength = 0
      this.#frame(part, 0, size)
    }
    return at + copied
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    if (bytes[at + 7] !== FrameType.message) {
      this.#other(bytes.toString('latin1', at + FRAME_HEADER, end))
      return
    }
    const to = this.#count * FIN_LINE.length + FIN_ID_AT
    const from = at + MESSAGE_ID_AT
    const fins = this.#fins
    for (let i = 0; i < ID_LENGTH; i++) fins[to + i] = bytes[from + i] ?? 0
    this.#look?.(bytes, from + ID_LENGTH)
    if (++this.#count === BATCH) this.#flush()
  }

  #flush(): void {
    const count = this.#count
    const socket = this.#socket
    if (count === 0 || socket === undefined) return
    socket.write(this.#fins.subarray(0, count * FIN_LINE.length))
    // What the kernel did not take at once is still read from the buffer.
    if (socket.writableLength > 0) this.#fins = finLines()
    this.#count = 0
    this.#onMessages(count)
  }

  #other(text: string): void {
    if (text === '_heartbeat_') this.#socket?.write(nop())
    else if (text !== 'OK') this.#fail(new Error(`not a message: ${text}`))
    // One for IDENTIFY, one for SUB.
    else if (++this.#oks === 2) this.#subscribed.resolve()
  }
}

function finLines(): Buffer {
  return Buffer.alloc(BATCH * FIN_LINE.length, FIN_LINE, 'latin1')
}

/** The ceiling: counts bytes, and answers as many as the FINs would take. */
export class BareSubscription {
  readonly #onMessages: (count: number) => void
  readonly #fail: (error: Error) => void
  readonly #frameLength: number
  readonly #fins: Buffer = finLines()
  #socket: Socket | undefined
  #rest = 0

  constructor(frameLength: number, onMessages: (count: number) => void, fail: (error: Error) => void) {
    this.#frameLength = frameLength
    this.#onMessages = onMessages
    this.#fail = fail
  }

  async open(port: number): Promise<void> {
    this.#socket = await dial(port, (_bytes, length) => {
      const count = Math.floor((this.#rest + length) / this.#frameLength)
      this.#rest = (this.#rest + length) % this.#frameLength
      if (count === 0) return
      this.#socket?.write(this.#fins.subarray(0, count * FIN_LINE.length))
      this.#onMessages(count)
    })
    this.#socket.on('error', this.#fail)
  }

  /** Any bytes do. */
  start(ready: number): void {
    this.#socket?.write(rdy(ready))
  }

  close(): void {
    this.#socket?.destroy()
  }
}
