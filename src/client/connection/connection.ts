import type { Socket } from 'node:net'
import { dial } from '../../net/dial.ts'
import type { Layer } from '../../net/layer.ts'
import { Transport, type TransportHandler } from '../../net/transport.ts'
import type { SocketWriter } from '../../net/writer.ts'
import { cls, MAGIC_V2, nop } from '../../protocol/command.ts'
import { ProtocolError } from '../../protocol/errors.ts'
import { type FrameHandler, FrameReader, FrameType } from '../../protocol/frame.ts'
import { type IdentifyAnswer, type IdentifyRequest, parseIdentifyAnswer } from '../../protocol/identify.ts'
import { MESSAGE_HEADER } from '../../protocol/message.ts'
import { parseEndpoint } from '../../util/address.ts'
import type { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import { closedError, errorFromFrame, lossOf, notNsq, tooLate, toNsqError } from '../errors.ts'
import { FinBuffer } from './fin-buffer.ts'
import { type HandshakeLine, shakeHands } from './handshake.ts'
import type { ResolvedConnectionOptions } from '../options.ts'
import { inTime, SilenceWatch } from './timeouts.ts'

/** Waits for nsqd's answer to one command. One of these is called, once. */
export interface Reply {
  /** `OK`, or what else nsqd answered. */
  ok(text: string): void
  /** nsqd answered with an error frame. */
  refused(error: NsqError): void
  /** The connection ended before the answer came: the command may have been carried out or not. */
  lost(error: NsqError): void
}

/** What comes over a connection without being asked for. */
export interface ConnectionHandler {
  /** The data of a message frame, see `decodeMessage`. */
  message(bytes: Buffer, start: number, end: number): void
  /**
   * A FIN, REQ or TOUCH came too late: nsqd no longer holds the message for this connection. A FIN that was sent last may
   * be refused after `closed`, until `end` has resolved.
   */
  refused(error: NsqError): void
  /** The connection is gone. Called once, before the replies that were still awaited are told. */
  closed(error: NsqError): void
}

/** How long nsqd may take to close its side after `end`. */
const END_TIMEOUT_MS = 1000
const NOT_FATAL: ReadonlySet<string> = new Set(['E_FIN_FAILED', 'E_REQ_FAILED', 'E_TOUCH_FAILED'])
const HEARTBEAT = '_heartbeat_'
const O = 0x4f
const K = 0x4b

/**
 * One connection to one nsqd, after the handshake. What is written in a turn of the event loop leaves in one write at
 * the end of the turn. It ends in a typed error: `E_DISCONNECTED` (closed by the other side, or reset), `E_READ_TIMEOUT`
 * (half open: not even heartbeats come), `E_PROTOCOL` (what came is not NSQ), `E_TLS`, `E_SNAPPY` or `E_DEFLATE` (what
 * came cannot be decoded), nsqd's own code, or `E_CLOSED` (`end`).
 */
export class Connection implements FrameHandler, HandshakeLine, TransportHandler {
  /** `host:port`, or the path of a unix socket. */
  readonly address: string
  /** What nsqd granted. */
  identity: IdentifyAnswer = parseIdentifyAnswer('OK')

  readonly #handler: ConnectionHandler
  readonly #reader: FrameReader
  readonly #replies = new Queue<Reply>()
  readonly #fins = new FinBuffer()
  readonly #transport: Transport
  readonly #writer: SocketWriter
  readonly #silence = new SilenceWatch(silenceMs =>
    this.destroy(tooLate(`nsqd ${this.address} has sent nothing, not even a heartbeat,`, silenceMs)),
  )
  /** What a step of the handshake may take. */
  readonly #stepMs: number
  #isFlushScheduled = false
  #end: NsqError | undefined
  /** Nothing more is sent, and nsqd may still have to say something about what was. */
  #isEnding = false
  #onClosed: (() => void) | undefined

  /**
   * Connects, identifies, and upgrades to what the options ask for, unless the signal is aborted before that is done.
   *
   * @throws NsqError `E_CONNECT`, what `shakeHands` throws, or what the connection ended with meanwhile
   */
  static async open(
    address: string,
    options: ResolvedConnectionOptions,
    handler: ConnectionHandler,
    request: Partial<IdentifyRequest>,
    signal: AbortSignal,
  ): Promise<Connection> {
    const { connectTimeoutMs: timeoutMs } = options
    const socket = await dial(parseEndpoint(address), { timeoutMs, keepAlive: true, signal })
    const connection = new Connection(address, socket, options, handler)
    const giveUp = (): void => connection.destroy()
    signal.addEventListener('abort', giveUp)
    if (signal.aborted) giveUp()
    try {
      await connection.#shakeHands(options, request)
    } catch (error) {
      // It knows better than the connection, for which it is just lost.
      const reason = toNsqError(error)
      connection.destroy(reason)
      throw reason
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
    return connection
  }

  private constructor(
    address: string,
    socket: Socket,
    options: ResolvedConnectionOptions,
    handler: ConnectionHandler,
  ) {
    this.address = address
    this.#handler = handler
    this.#stepMs = options.connectTimeoutMs
    this.#reader = new FrameReader(this, options.maxFrameBytes)
    this.#transport = new Transport(socket, this)
    this.#writer = this.#transport.writer
  }

  get isOpen(): boolean {
    return this.#end === undefined
  }

  /** Why it ended; undefined while it is open. */
  get error(): NsqError | undefined {
    return this.#end
  }

  /** Sends a command that has no answer, or whose answer is an error that `ConnectionHandler.refused` gets. */
  send(command: Buffer): void {
    if (this.#end !== undefined) return
    this.#writeFins()
    this.#writer.write(command)
    this.#flushLater()
  }

  /** Sends FIN for the message whose 16-byte id is at `idAt`. */
  finish(bytes: Buffer, idAt: number): void {
    if (this.#end !== undefined) return
    if (!this.#fins.add(bytes, idAt)) {
      this.#writeFins()
      this.#fins.add(bytes, idAt)
    }
    this.#flushLater()
  }

  /** Sends a command that nsqd answers. Answers come in the order of the commands. */
  ask(command: Buffer, reply: Reply): void {
    if (this.#end !== undefined) {
      reply.lost(this.#end)
      return
    }
    this.#replies.push(reply)
    this.send(command)
  }

  /**
   * The same as a promise of the answer's text, which may take as long as connecting may. When the signal is aborted
   * before it comes, the connection ends.
   */
  async request(command: Buffer, signal?: AbortSignal): Promise<string> {
    const giveUp = (): void => this.destroy()
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted) giveUp()
    try {
      return await this.#inTime('what was asked', this.#asked(command))
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  /** Asks nsqd to send no more messages; resolves when it has heard (CLOSE_WAIT), whenever that is. */
  async stopMessages(): Promise<void> {
    await this.#asked(cls())
  }

  /** Sends what is written, closes, and resolves when the socket is closed: nsqd has read all of it by then. */
  end(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve()
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#transport.destroy(), END_TIMEOUT_MS)
      this.#onClosed = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#writeFins()
      this.#isEnding = true
      this.#close(closedError(this.address))
      this.#transport.end()
    })
  }

  /** Closes at once; what was not yet sent is dropped. */
  destroy(error = closedError(this.address)): void {
    this.#close(error)
    this.#transport.destroy()
  }

  /** For the handshake. */
  answer(step: string, command: Buffer): Promise<string> {
    const answer = this.#nextAnswer(command)
    this.#resumeReader()
    return this.#inTime(step, answer)
  }

  /** For the handshake. */
  upgrade(step: string, layer: Layer): Promise<string> {
    const rest = this.#reader.takeRest()
    // Before anything can go wrong, so that it is told.
    const answer = this.#nextAnswer()
    this.#transport.upgrade(layer, rest).then(
      () => this.#resumeReader(),
      (error: unknown) => this.#lose(error),
    )
    return this.#inTime(step, answer)
  }

  /** Ends the connection and returns why. */
  garbage(what: string, cause?: unknown): NsqError {
    const error = notNsq(this.address, what, cause)
    this.destroy(error)
    return error
  }

  async #shakeHands(options: ResolvedConnectionOptions, request: Partial<IdentifyRequest>): Promise<void> {
    this.send(MAGIC_V2)
    this.identity = await shakeHands(this, options, request)
    if (this.#end === undefined) this.#silence.start(options.heartbeatIntervalMs)
    this.#resumeReader()
    if (this.#end !== undefined) throw this.#end
  }

  /** The answer after which the reader stops; see `HandshakeLine`. */
  #nextAnswer(command?: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      const ok = (text: string): void => {
        this.#reader.paused = true
        resolve(text)
      }
      const reply = { ok, refused: reject, lost: reject }
      if (command !== undefined) this.ask(command, reply)
      else if (this.#end === undefined) this.#replies.push(reply)
      else reject(this.#end)
    })
  }

  #asked(command: Buffer): Promise<string> {
    return new Promise((resolve, reject) => {
      this.ask(command, { ok: resolve, refused: reject, lost: reject })
    })
  }

  #inTime<T>(step: string, done: Promise<T>): Promise<T> {
    return inTime(done, this.#stepMs, () =>
      this.destroy(tooLate(`nsqd ${this.address} did not answer ${step}`, this.#stepMs)),
    )
  }

  #resumeReader(): void {
    try {
      this.#reader.resume()
    } catch (error) {
      this.#unreadable(error)
    }
  }

  /** For the transport. */
  data(chunk: Buffer): void {
    if (this.#end !== undefined && !this.#isEnding) return
    this.#silence.heard()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#unreadable(error)
    }
  }

  /** For the transport. */
  drained(): void {}

  /** For the transport. */
  ended(): void {
    if (this.#end !== undefined) return
    // An nsqd that is told to stop ends its side first, and hears what was answered by then.
    this.#writeFins()
    this.#close(lossOf(this.address, undefined))
    this.#transport.end()
    setTimeout(() => this.#transport.destroy(), END_TIMEOUT_MS).unref()
  }

  /** For the transport. */
  closed(error?: Error): void {
    this.#lose(error)
    this.#onClosed?.()
  }

  #unreadable(error: unknown): void {
    if (!(error instanceof ProtocolError)) throw error
    this.garbage(error.message, error)
  }

  /** For the frame reader. */
  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#end !== undefined) {
      if (this.#isEnding && type === FrameType.error) this.#onLastError(bytes, start, end)
      return
    }
    if (type === FrameType.message) {
      if (end - start < MESSAGE_HEADER) this.garbage('a message frame is too short')
      else this.#handler.message(bytes, start, end)
    } else if (type === FrameType.response) {
      this.#onResponse(bytes, start, end)
    } else if (type === FrameType.error) {
      this.#onError(this.#errorIn(bytes, start, end))
    } else {
      this.garbage(`a frame of unknown type ${type}`)
    }
  }

  #onResponse(bytes: Buffer, start: number, end: number): void {
    const isOk = end - start === 2 && bytes[start] === O && bytes[start + 1] === K
    const text = isOk ? 'OK' : bytes.toString('utf8', start, end)
    if (text === HEARTBEAT) {
      this.send(nop())
      return
    }
    const reply = this.#replies.shift()
    if (reply === undefined) this.garbage(`"${text.slice(0, 100)}" answers nothing that was asked`)
    else reply.ok(text)
  }

  #onError(error: NsqError): void {
    if (NOT_FATAL.has(error.code)) {
      this.#handler.refused(error)
      return
    }
    const reply = this.#replies.shift()
    // Without a question it is about a command that has no answer; nsqd closes after such an error.
    if (reply === undefined) this.destroy(error)
    else reply.refused(error)
  }

  /** Who has finished a message wants to know that it comes again; the rest does not matter any more. */
  #onLastError(bytes: Buffer, start: number, end: number): void {
    const error = this.#errorIn(bytes, start, end)
    if (error.code === 'E_FIN_FAILED') this.#handler.refused(error)
  }

  #errorIn(bytes: Buffer, start: number, end: number): NsqError {
    return errorFromFrame(this.address, bytes.toString('utf8', start, end))
  }

  #lose(cause?: unknown): void {
    if (this.#end === undefined) this.destroy(lossOf(this.address, cause))
  }

  #close(error: NsqError): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#silence.stop()
    this.#handler.closed(error)
    for (let reply = this.#replies.shift(); reply !== undefined; reply = this.#replies.shift()) {
      reply.lost(error)
    }
  }

  #writeFins(): void {
    const fins = this.#fins.take()
    if (fins !== undefined) this.#writer.write(fins)
  }

  #flushLater(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    this.#isFlushScheduled = false
    if (this.#end !== undefined) return
    this.#writeFins()
    this.#writer.flush()
  }
}
