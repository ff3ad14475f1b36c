import type { Socket } from 'node:net'
import { cls, identify, MAGIC_V2, nop, rdy, sub } from '../../src/protocol/command.ts'
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

/** All reads of a process, one after the other, and the FINs that answer one: there may be thousands of consumers. */
const INPUT = Buffer.alloc(256 * 1024)
let fins = finLines()

export interface FinisherEvents {
  messages(count: number): void
  /** Every message that it was to have is finished. */
  done(): void
  failed(error: Error): void
}

/** A consumer of one channel of thousands, or of an exact number of messages; it does the least there is to do. */
export class Finisher {
  readonly #events: FinisherEvents
  readonly #subscribed = withResolvers()
  #socket: Socket | undefined
  #oks = 0
  /** FINs that are in the buffer and not sent. */
  #count = 0
  /** A frame cut by the end of a read. */
  #part: Buffer | undefined
  #ready = 0
  #left = Infinity
  /** FINs that wait for the last message. */
  #held: Buffer[] = []

  constructor(events: FinisherEvents) {
    this.#events = events
  }

  async open(port: number, topic: string, channel: string): Promise<void> {
    const socket = await dial(port, (bytes, length) => this.#read(bytes, length), INPUT)
    socket.on('error', error => this.#events.failed(error))
    socket.on('end', () => this.#events.failed(new Error('the server closed the connection')))
    this.#socket = socket
    socket.write(Buffer.concat([MAGIC_V2, identify({}), sub(topic, channel)]))
    await this.#subscribed.promise
  }

  /**
   * Takes messages, `limit` of them and not one more: nothing is in flight afterwards, so that what waits for others is
   * known. The server has sent no more than was finished, and `ready`; so the last FINs wait for the last message, and
   * CLS goes before them.
   */
  start(ready: number, limit = Infinity): void {
    this.#ready = Math.min(ready, limit)
    this.#left = limit
    this.#socket?.write(rdy(this.#ready))
  }

  close(): void {
    this.#socket?.destroy()
  }

  #read(input: Buffer, inputLength: number): void {
    let bytes = input
    let length = inputLength
    if (this.#part !== undefined) {
      bytes = Buffer.concat([this.#part, input.subarray(0, inputLength)])
      length = bytes.length
      this.#part = undefined
    }
    let at = 0
    while (at + FRAME_HEADER <= length) {
      const end = at + 4 + readWord(bytes, at)
      if (end > length) break
      this.#frame(bytes, at, end)
      at = end
    }
    if (at < length) this.#part = Buffer.from(bytes.subarray(at, length))
    this.#flush()
  }

  #frame(bytes: Buffer, at: number, end: number): void {
    if (bytes[at + 7] !== FrameType.message) {
      this.#other(bytes.toString('latin1', at + FRAME_HEADER, end))
      return
    }
    const to = this.#count * FIN_LINE.length + FIN_ID_AT
    const from = at + MESSAGE_ID_AT
    for (let i = 0; i < ID_LENGTH; i++) fins[to + i] = bytes[from + i] ?? 0
    if (++this.#count === BATCH) this.#flush()
  }

  #flush(): void {
    const count = this.#count
    const socket = this.#socket
    if (count === 0 || socket === undefined) return
    this.#count = 0
    this.#left -= count
    // So many more bring the rest: see `start`.
    const now = Math.max(0, Math.min(count, this.#left + count - this.#ready))
    if (now > 0) socket.write(fins.subarray(0, now * FIN_LINE.length))
    if (now < count)
      this.#held.push(Buffer.from(fins.subarray(now * FIN_LINE.length, count * FIN_LINE.length)))
    if (this.#left === 0) socket.write(Buffer.concat([cls(), ...this.#held.splice(0)]))
    // What the kernel did not take at once is still read from the buffer.
    if (socket.writableLength > 0) fins = finLines()
    this.#events.messages(count)
    if (this.#left < 0) this.#events.failed(new Error('more messages came than were asked for'))
  }

  #other(text: string): void {
    if (text === '_heartbeat_') this.#socket?.write(nop())
    else if (text === 'CLOSE_WAIT') this.#events.done()
    else if (text !== 'OK') this.#events.failed(new Error(`not a message: ${text}`))
    // One for IDENTIFY, one for SUB.
    else if (++this.#oks === 2) this.#subscribed.resolve()
  }
}

function finLines(): Buffer {
  return Buffer.alloc(BATCH * FIN_LINE.length, FIN_LINE, 'latin1')
}
