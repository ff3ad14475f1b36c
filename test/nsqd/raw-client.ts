import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MAGIC_V2, nop } from '../../src/protocol/command.ts'
import { FrameReader, FrameType } from '../../src/protocol/frame.ts'
import { decodeMessage } from '../../src/protocol/message.ts'
import type { Endpoint } from '../../src/util/address.ts'
import { until } from '../support/wait.ts'

export interface RawMessage {
  id: string
  attempts: number
  timestamp: bigint
  body: string
}

const PATIENCE_MS = 30_000
const MAX_FRAME = 64 * 1024 * 1024

/** Items that come, and those who wait for them. */
class Inbox<T> {
  readonly items: T[] = []
  #wake: (() => void) | undefined

  push(item: T): void {
    this.items.push(item)
    this.wake()
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Resolves after the next `wake`. */
  change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

/** A connection to nsqd that does what it is told and nothing else, but for answering heartbeats. */
export class RawClient {
  readonly socket: Socket
  answersHeartbeats = true
  heartbeats = 0
  isClosed = false
  /** Reads no further than a reply that begins like this, as what follows is of another layer; until `through`. */
  stopsAt: string | undefined
  /** What it speaks through: the socket, or what was put over it. */
  #stream: Duplex
  readonly #reader = new FrameReader(this, MAX_FRAME)
  readonly #read = (chunk: Buffer): void => this.#reader.push(chunk)
  readonly #replies = new Inbox<string>()
  readonly #messages = new Inbox<RawMessage>()

  constructor(endpoint: Endpoint) {
    this.socket = connect(endpoint)
    this.socket.setNoDelay(true)
    this.#stream = this.socket
    this.socket.on('data', this.#read)
    // A connection that nsqd ends may be reset; `isClosed` says so.
    this.socket.on('error', () => undefined)
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
    this.socket.write(MAGIC_V2)
  }

  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === FrameType.message) {
      const message = decodeMessage(bytes, start, end)
      this.#messages.push({ ...message, body: message.body.toString() })
      return
    }
    const text = bytes.toString('utf8', start, end)
    if (text !== '_heartbeat_') {
      if (this.stopsAt !== undefined && text.startsWith(this.stopsAt)) this.#reader.paused = true
      this.#replies.push(text)
      return
    }
    this.heartbeats++
    if (this.answersHeartbeats) this.send(nop())
  }

  /** Takes its hands off the stream it speaks through, so that another can be put over it. */
  release(): Duplex {
    this.#stream.pause()
    this.#stream.off('data', this.#read)
    const rest = this.#reader.takeRest()
    if (rest.length > 0) this.#stream.unshift(rest)
    return this.#stream
  }

  /** Speaks through this stream from now on. */
  through(stream: Duplex): void {
    this.#stream = stream
    this.#reader.resume()
    stream.on('error', () => undefined)
    stream.on('data', this.#read)
    // Later than the socket's, when there is still something to decode.
    stream.on('close', () => this.#wake())
  }

  send(...commands: readonly Buffer[]): void {
    this.#stream.write(Buffer.concat(commands))
  }

  /** Says that nothing more will come; replies may still. */
  end(): void {
    this.#stream.end()
  }

  /** Sends a command and gives the next reply: its text, `OK` or `E_…`. */
  ask(...commands: readonly Buffer[]): Promise<string> {
    this.send(...commands)
    return this.reply()
  }

  /** The next response or error. */
  reply(): Promise<string> {
    return this.#next(this.#replies, 'a reply')
  }

  message(): Promise<RawMessage> {
    return this.#next(this.#messages, 'a message')
  }

  async messages(count: number): Promise<RawMessage[]> {
    const all: RawMessage[] = []
    while (all.length < count) all.push(await this.message())
    return all
  }

  /** Messages that have come and that nobody took. */
  get waiting(): readonly RawMessage[] {
    return this.#messages.items
  }

  /** Takes the messages that have come. */
  takeAll(): RawMessage[] {
    return this.#messages.items.splice(0)
  }

  /** Resolves when nsqd has read everything that was sent: it answers commands in their order. */
  async settled(): Promise<void> {
    // Not an id: the answer is an error that ends nothing.
    const text = await this.ask(Buffer.from(`TOUCH ${'~'.repeat(16)}\n`))
    if (!text.startsWith('E_TOUCH_FAILED TOUCH ~')) throw new Error(`unexpected reply: ${text}`)
  }

  /** Resolves when the connection is closed, by either side. */
  closed(): Promise<void> {
    return until(
      () => this.isClosed,
      () => 'the connection is still open',
    )
  }

  /** Ends the connection as a killed process does. */
  destroy(): void {
    this.socket.destroy()
  }

  #wake(): void {
    this.#replies.wake()
    this.#messages.wake()
  }

  async #next<T>(inbox: Inbox<T>, what: string): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS
    for (;;) {
      const item = inbox.items.shift()
      if (item !== undefined) return item
      if (this.isClosed && this.#stream.closed)
        throw new Error(`the connection was closed before ${what} came`)
      if (Date.now() > deadline) throw new Error(`${what} did not come`)
      const timer = setTimeout(() => inbox.wake(), PATIENCE_MS)
      await inbox.change()
      clearTimeout(timer)
    }
  }
}
