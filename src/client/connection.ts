import type { Duplex } from 'node:stream'
import { dial } from '../net/dial.ts'
import { SocketWriter } from '../net/writer.ts'
import { cls, identify, MAGIC_V2, nop } from '../protocol/command.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { FrameReader, FrameType } from '../protocol/frame.ts'
import type { IdentifyRequest, IdentifyResponse } from '../protocol/identify.ts'
import { MESSAGE_HEADER } from '../protocol/message.ts'
import { parseAddress } from '../util/address.ts'
import { NsqError } from '../util/errors.ts'
import { Queue } from '../util/queue.ts'
import { errorFromFrame, toNsqError } from './errors.ts'
import { FinBuffer } from './fin-buffer.ts'
import type { ResolvedConnectionOptions } from './options.ts'

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
  /** A FIN, REQ or TOUCH came too late: nsqd no longer holds the message for this connection. */
  refused(error: NsqError): void
  /** The connection is gone. Called once, before the replies that were still awaited are told. */
  closed(error: NsqError): void
}

/** Time over twice the heartbeat interval before a silent connection is given up. */
const SILENCE_SLACK_MS = 1000
/** How long nsqd may take to close its side after `end`. */
const END_TIMEOUT_MS = 1000
const NOT_FATAL: ReadonlySet<string> = new Set(['E_FIN_FAILED', 'E_REQ_FAILED', 'E_TOUCH_FAILED'])
const HEARTBEAT = '_heartbeat_'
const O = 0x4f
const K = 0x4b

/**
 * One connection to one nsqd, after IDENTIFY. What is written in a turn of the event loop leaves in one write at the
 * end of the turn. It ends in a typed error: `E_DISCONNECTED` (closed by the other side, or reset), `E_READ_TIMEOUT`
 * (half open: not even heartbeats come), `E_PROTOCOL` (what came is not NSQ), nsqd's own code, or `E_CLOSED` (`end`).
 */
export class Connection {
  readonly address: string
  /** What nsqd granted. A limit that an old nsqd does not tell is the official default. */
  identity: Pick<IdentifyResponse, 'max_rdy_count' | 'msg_timeout' | 'max_msg_timeout'> = {
    max_rdy_count: 2500,
    msg_timeout: 60_000,
    max_msg_timeout: 900_000,
  }

  readonly #handler: ConnectionHandler
  readonly #reader: FrameReader
  readonly #replies = new Queue<Reply>()
  readonly #fins = new FinBuffer()
  // What commands go through: the socket, or what an upgrade puts over it.
  #stream: Duplex
  #writer: SocketWriter
  #silence: NodeJS.Timeout
  #silenceMs: number
  #chunks = 0
  #isFlushScheduled = false
  #end: NsqError | undefined

  /**
   * Connects and identifies, unless the signal is aborted before that is done.
   *
   * @throws NsqError `E_CONNECT`, or what the connection ended with during IDENTIFY
   */
  static async open(
    address: string,
    options: ResolvedConnectionOptions,
    handler: ConnectionHandler,
    request: Partial<IdentifyRequest>,
    signal: AbortSignal,
  ): Promise<Connection> {
    const { connectTimeoutMs: timeoutMs } = options
    const socket = await dial(parseAddress(address), { timeoutMs, keepAlive: true, signal })
    const connection = new Connection(address, socket, options, handler)
    try {
      await connection.#identify(options, request, signal)
    } catch (error) {
      connection.destroy(toNsqError(error))
    }
    if (connection.error !== undefined) throw connection.error
    return connection
  }

  private constructor(
    address: string,
    stream: Duplex,
    options: ResolvedConnectionOptions,
    handler: ConnectionHandler,
  ) {
    this.address = address
    this.#handler = handler
    this.#reader = new FrameReader(this, options.maxFrameBytes)
    this.#silenceMs = options.connectTimeoutMs
    this.#silence = setTimeout(this.#onSilence, this.#silenceMs)
    this.#stream = stream
    this.#writer = this.#attach(stream)
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

  /** The same as a promise of the answer's text. When the signal is aborted before it comes, the connection ends. */
  async request(command: Buffer, signal?: AbortSignal): Promise<string> {
    const giveUp = (): void => this.destroy()
    signal?.addEventListener('abort', giveUp)
    if (signal?.aborted) giveUp()
    try {
      return await new Promise<string>((resolve, reject) => {
        this.ask(command, { ok: resolve, refused: reject, lost: reject })
      })
    } finally {
      signal?.removeEventListener('abort', giveUp)
    }
  }

  /** Asks nsqd to send no more messages; resolves when it has heard (CLOSE_WAIT). */
  async stopMessages(): Promise<void> {
    await this.request(cls())
  }

  /** Sends what is written, closes, and resolves when the socket is closed: nsqd has read all of it by then. */
  end(): Promise<void> {
    if (this.#end !== undefined) return Promise.resolve()
    const stream = this.#stream
    return new Promise(resolve => {
      const timer = setTimeout(() => stream.destroy(), END_TIMEOUT_MS)
      stream.once('close', () => {
        clearTimeout(timer)
        resolve()
      })
      this.#writeFins()
      this.#close(new NsqError('E_CLOSED', `the connection to nsqd ${this.address} was closed`))
      this.#writer.end()
    })
  }

  /** Closes at once; what was not yet sent is dropped. */
  destroy(error = new NsqError('E_CLOSED', `the connection to nsqd ${this.address} was closed`)): void {
    this.#close(error)
    this.#stream.destroy()
  }

  async #identify(
    options: ResolvedConnectionOptions,
    request: Partial<IdentifyRequest>,
    signal: AbortSignal,
  ): Promise<void> {
    const command = identify({
      client_id: options.clientId,
      hostname: options.hostname,
      user_agent: options.userAgent,
      feature_negotiation: true,
      heartbeat_interval: options.heartbeatIntervalMs,
      ...request,
    })
    this.send(MAGIC_V2)
    const text = await this.request(command, signal)
    // An nsqd that does not negotiate answers OK.
    if (text !== 'OK') this.#readIdentity(text)
    this.#silenceMs = 2 * options.heartbeatIntervalMs + SILENCE_SLACK_MS
    clearTimeout(this.#silence)
    if (this.isOpen) this.#silence = setTimeout(this.#onSilence, this.#silenceMs)
  }

  #readIdentity(text: string): void {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw this.#garbage('its answer to IDENTIFY is not JSON', error)
    }
    if (typeof value !== 'object' || value === null)
      throw this.#garbage('its answer to IDENTIFY is no object')
    const granted = new Map<string, unknown>(Object.entries(value))
    const number = (key: 'max_rdy_count' | 'msg_timeout' | 'max_msg_timeout'): number => {
      const item = granted.get(key)
      return typeof item === 'number' ? item : this.identity[key]
    }
    this.identity = {
      max_rdy_count: number('max_rdy_count'),
      msg_timeout: number('msg_timeout'),
      max_msg_timeout: number('max_msg_timeout'),
    }
  }

  /** Ends the connection and returns why. */
  #garbage(what: string, cause?: unknown): NsqError {
    const error = new NsqError('E_PROTOCOL', `nsqd ${this.address}: ${what}`, {
      cause,
      remedy: "Check that this is nsqd's TCP address (port 4150 by default), not its HTTP address.",
    })
    this.destroy(error)
    return error
  }

  #attach(stream: Duplex): SocketWriter {
    stream.on('data', this.#onData)
    stream.on('error', error => this.#lose(error))
    stream.on('close', () => this.#lose())
    return new SocketWriter(stream)
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#end !== undefined) return
    this.#chunks++
    this.#silence.refresh()
    try {
      this.#reader.push(chunk)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#garbage(error.message, error)
    }
  }

  readonly #onSilence = (): void => {
    const heard = this.#chunks
    // After a suspended laptop or a long computation this timer comes before the bytes that have been waiting.
    setImmediate(() => {
      if (heard !== this.#chunks || this.#end !== undefined) return
      this.destroy(
        new NsqError('E_READ_TIMEOUT', `nsqd ${this.address} has sent nothing for ${this.#silenceMs} ms`),
      )
    })
  }

  /** For the frame reader. */
  frame(type: number, bytes: Buffer, start: number, end: number): void {
    if (this.#end !== undefined) return
    if (type === FrameType.message) {
      if (end - start < MESSAGE_HEADER) this.#garbage('a message frame is too short')
      else this.#handler.message(bytes, start, end)
    } else if (type === FrameType.response) {
      this.#onResponse(bytes, start, end)
    } else if (type === FrameType.error) {
      this.#onError(errorFromFrame(this.address, bytes.toString('utf8', start, end)))
    } else {
      this.#garbage(`a frame of unknown type ${type}`)
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
    if (reply === undefined) this.#garbage(`"${text.slice(0, 100)}" answers nothing that was asked`)
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

  #lose(cause?: Error): void {
    const why = cause === undefined ? 'was closed by nsqd' : `was lost: ${cause.message}`
    this.destroy(new NsqError('E_DISCONNECTED', `the connection to nsqd ${this.address} ${why}`, { cause }))
  }

  #close(error: NsqError): void {
    if (this.#end !== undefined) return
    this.#end = error
    clearTimeout(this.#silence)
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
