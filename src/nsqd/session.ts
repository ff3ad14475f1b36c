import type { Socket } from 'node:net'
import { SocketWriter } from '../net/writer.ts'
import { type CommandHandler, CommandReader } from '../protocol/command-reader.ts'
import { ProtocolError } from '../protocol/errors.ts'
import { CLOSE_WAIT_FRAME, errorFrame, HEARTBEAT_FRAME, OK_FRAME, responseFrame } from '../protocol/frame.ts'
import { parseIdentify } from '../protocol/identify.ts'
import type { NsqError } from '../util/errors.ts'
import { errorText } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import type { Channel } from './channel.ts'
import { now } from './clock.ts'
import { Heartbeat } from './heartbeat.ts'
import { defaultSettings, negotiate, type SessionSettings } from './identify.ts'
import type { Publisher } from './intake.ts'
import type { NsqdOptions } from './options.ts'
import { Replies } from './replies.ts'
import type { Topic } from './topic.ts'
import type { Turn } from './turn.ts'

/** The numbers of the official nsqd, as `/stats` shows them. */
const State = { init: 0, disconnected: 1, subscribed: 3, closing: 4 } as const

/** A session with more bytes than this still to be sent gets no more messages until it has drained. */
const MAX_UNSENT = 1024 * 1024
/** How long a connection may take to read the error that ends it, in ms. */
const LAST_WORDS = 1000

/** What a session needs of its daemon. */
export interface SessionHost {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly turn: Turn
  topic(name: string): Topic
  sessionClosed(session: Session): void
}

interface PubCount {
  readonly topic: Topic
  count: number
}

/** One client's connection: its state, and what its commands do. The handlers carry the protocol's names. */
export class Session implements CommandHandler, Publisher {
  /** Unique in this process, never 0. */
  readonly number: number
  readonly remoteAddress: string
  readonly connectedAt: number = Date.now()
  readonly deflate = false
  readonly snappy = false
  readonly tls = false
  state: number = State.init
  /** RDY. */
  ready = 0
  inFlightCount = 0
  messageCount = 0
  finishCount = 0
  requeueCount = 0
  channel: Channel | undefined
  /** Owned by Turn. */
  inTurn = false
  /** Copied out of the settings, as every delivery asks for them. */
  msgTimeout: number
  sampleRate = 0
  topologyZone = ''
  topologyRegion = ''
  readonly #host: SessionHost
  readonly #socket: Socket
  readonly #writer: SocketWriter
  readonly #reader: CommandReader
  #settings: SessionSettings
  readonly #pubCounts = new Map<string, PubCount>()
  #lastPub: PubCount | undefined
  readonly #replies: Replies
  #ending = false
  readonly #heartbeat: Heartbeat

  constructor(host: SessionHost, socket: Socket, number: number) {
    this.#host = host
    this.#socket = socket
    this.number = number
    const remoteHost = socket.remoteAddress ?? ''
    this.remoteAddress = `${remoteHost.includes(':') ? `[${remoteHost}]` : remoteHost}:${socket.remotePort ?? 0}`
    this.#settings = defaultSettings(host.options, remoteHost)
    this.msgTimeout = this.#settings.msgTimeout
    this.#writer = new SocketWriter(socket)
    this.#replies = new Replies(this.#writer)
    this.#reader = new CommandReader(this, {
      maxMessageSize: host.options.maxMsgSize,
      maxBodySize: host.options.maxBodySize,
    })
    this.#heartbeat = new Heartbeat(
      () => {
        this.#writer.write(HEARTBEAT_FRAME)
        host.turn.flush(this)
      },
      () => {
        host.logger.warn(`client ${this.remoteAddress}: heartbeat not answered, closing`)
        socket.destroy()
      },
    )
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#finish())
    socket.on('drain', () => this.#drained())
    socket.on('error', error => host.logger.debug(() => `client ${this.remoteAddress}: ${error.message}`))
    socket.on('close', () => this.#closed())
    this.#heartbeat.every(this.#settings.heartbeatInterval)
  }

  get clientId(): string {
    return this.#settings.clientId
  }

  get hostname(): string {
    return this.#settings.hostname
  }

  get userAgent(): string {
    return this.#settings.userAgent
  }

  get pubCounts(): ReadonlyMap<string, number> {
    return new Map([...this.#pubCounts].map(([name, { count }]) => [name, count]))
  }

  /** How many messages it may be sent now. */
  room(): number {
    if (this.state !== State.subscribed || this.#writer.pending > MAX_UNSENT) return 0
    return Math.max(0, this.ready - this.inFlightCount)
  }

  /** Whether the sample rate leaves out the next message; asked once for each. */
  skips(): boolean {
    return this.sampleRate > 0 && Math.floor(Math.random() * 100) > this.sampleRate
  }

  /** Queues message frames; their bytes may not change any more. */
  deliver(frames: Buffer, count: number): void {
    this.inFlightCount += count
    this.messageCount += count
    this.#writer.write(frames)
    this.#host.turn.flush(this)
  }

  /** A message that it had was taken back. */
  timedOut(): void {
    this.inFlightCount--
  }

  /** Its channel was emptied. */
  emptied(): void {
    this.inFlightCount = 0
  }

  acknowledge(): void {
    this.#replies.ok()
    this.#committed()
  }

  refuse(error: NsqError): void {
    this.#host.logger.error(`client ${this.remoteAddress}: ${error.message}: ${errorText(error.cause ?? '')}`)
    // As in the official nsqd a failed publish is fatal: the client cannot tell which of its publishes it was.
    this.#fail(new ProtocolError('E_PUB_FAILED', error.message))
    this.#replies.failed()
    this.#committed()
  }

  /** Called by Turn. */
  flush(): void {
    this.#writer.flush()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    if (this.state !== State.init) throw new ProtocolError('E_INVALID', 'cannot IDENTIFY in current state')
    const request = parseIdentify(bytes, start, end)
    const { settings, response } = negotiate(request, this.#host.options, this.#settings)
    this.#settings = settings
    this.msgTimeout = settings.msgTimeout
    this.sampleRate = settings.sampleRate
    this.topologyZone = settings.topologyZone
    this.topologyRegion = settings.topologyRegion
    this.#heartbeat.every(this.#settings.heartbeatInterval)
    this.#reply(response === undefined ? OK_FRAME : responseFrame(JSON.stringify(response)))
  }

  AUTH(): void {
    if (this.state !== State.init) throw new ProtocolError('E_INVALID', 'cannot AUTH in current state')
    throw new ProtocolError('E_AUTH_DISABLED', 'AUTH disabled')
  }

  PUB(name: string, bytes: Buffer, start: number, end: number): void {
    const topic = this.#publishTo(name, 1)
    topic.intake.put(bytes, start, end)
    this.#awaitCommit(topic)
  }

  MPUB(name: string, bytes: Buffer, start: number, end: number, count: number): void {
    const topic = this.#publishTo(name, count)
    topic.intake.putSized(bytes, start, end, count)
    this.#awaitCommit(topic)
  }

  DPUB(name: string, delayMs: number, bytes: Buffer, start: number, end: number): void {
    const { maxReqTimeout } = this.#host.options
    if (delayMs < 0 || delayMs > maxReqTimeout) {
      throw new ProtocolError('E_INVALID', `DPUB timeout ${delayMs} out of range 0-${maxReqTimeout}`)
    }
    const topic = this.#publishTo(name, 1)
    topic.intake.putDeferred(bytes, start, end, now() + delayMs)
    this.#awaitCommit(topic)
  }

  topicNamed(name: string): void {
    this.#topic(name)
  }

  SUB(topicName: string, channelName: string): void {
    if (this.state !== State.init) throw new ProtocolError('E_INVALID', 'cannot SUB in current state')
    if (this.#settings.heartbeatInterval <= 0) {
      throw new ProtocolError('E_INVALID', 'cannot SUB with heartbeats disabled')
    }
    const channel = this.#host.topic(topicName).channel(channelName)
    const { maxChannelConsumers: limit } = this.#host.options
    if (limit > 0 && channel.sessions.size >= limit) {
      const text = `SUB failed consumers for ${topicName}:${channelName} exceeds limit of ${limit}`
      throw new ProtocolError('E_SUB_FAILED', text)
    }
    channel.addSession(this)
    this.channel = channel
    this.state = State.subscribed
    this.#reply(OK_FRAME)
  }

  RDY(count: number): void {
    // A client that is closing may have sent this before it knew.
    if (this.state === State.closing) return
    const { maxRdyCount } = this.#host.options
    if (this.state !== State.subscribed) throw new ProtocolError('E_INVALID', 'cannot RDY in current state')
    if (count < 0 || count > maxRdyCount) {
      throw new ProtocolError('E_INVALID', `RDY count ${count} out of range 0-${maxRdyCount}`)
    }
    this.ready = count
    if (this.channel !== undefined) this.#host.turn.pump(this.channel)
  }

  FIN(bytes: Buffer, at: number): void {
    const channel = this.#subscribed('FIN')
    try {
      channel.FIN(this, bytes, at)
      this.finishCount++
    } catch (error) {
      this.#answer(error)
    }
  }

  REQ(bytes: Buffer, at: number, delayMs: number): void {
    const channel = this.#subscribed('REQ')
    const delay = Math.min(Math.max(0, delayMs), this.#host.options.maxReqTimeout)
    try {
      channel.REQ(this, bytes, at, delay === 0 ? 0 : now() + delay)
      this.requeueCount++
    } catch (error) {
      this.#answer(error)
    }
  }

  TOUCH(bytes: Buffer, at: number): void {
    const channel = this.#subscribed('TOUCH')
    try {
      channel.TOUCH(this, bytes, at)
    } catch (error) {
      this.#answer(error)
    }
  }

  CLS(): void {
    if (this.state !== State.subscribed) throw new ProtocolError('E_INVALID', 'cannot CLS in current state')
    this.state = State.closing
    this.#reply(CLOSE_WAIT_FRAME)
  }

  NOP(): void {
    // Its arrival is all that it says.
  }

  #read(chunk: Buffer): void {
    this.#heartbeat.heard()
    if (this.#ending) return
    try {
      this.#reader.push(chunk)
    } catch (error) {
      this.#fail(error)
    }
    if (this.#writer.pending > MAX_UNSENT) this.#socket.pause()
  }

  #drained(): void {
    this.#resume()
    if (this.channel !== undefined) this.#host.turn.pump(this.channel)
  }

  /** Reads on, unless replies or the disk are behind. */
  #resume(): void {
    if (this.#socket.isPaused() && this.#writer.pending <= MAX_UNSENT) this.#socket.resume()
  }

  #subscribed(command: string): Channel {
    const { state, channel } = this
    if (channel === undefined || (state !== State.subscribed && state !== State.closing)) {
      throw new ProtocolError('E_INVALID', `cannot ${command} in current state`)
    }
    return channel
  }

  #publishTo(name: string, messages: number): Topic {
    let pub = this.#lastPub
    if (pub === undefined || pub.topic.name !== name || pub.topic.closed) {
      const topic = this.#topic(name)
      pub = { topic, count: this.#pubCounts.get(name)?.count ?? 0 }
      this.#pubCounts.set(name, pub)
      this.#lastPub = pub
    }
    pub.count += messages
    return pub.topic
  }

  /** The topic to publish to. A new one may be more than a full disk takes. */
  #topic(name: string): Topic {
    try {
      return this.#host.topic(name)
    } catch (cause) {
      this.#host.logger.error(`cannot make topic ${name}: ${errorText(cause)}`)
      throw new ProtocolError('E_PUB_FAILED', `cannot make topic ${name}`, { cause })
    }
  }

  #awaitCommit(topic: Topic): void {
    this.#replies.published()
    topic.intake.awaitCommit(this)
    if (topic.intake.isBehind) this.#socket.pause()
  }

  #committed(): void {
    if (this.#ending && this.#replies.isSettled) this.#end()
    else this.#resume()
    this.#host.turn.flush(this)
  }

  #reply(frame: Buffer): void {
    this.#replies.reply(frame)
    this.#host.turn.flush(this)
  }

  /** Answers what a command did wrong; the connection ends when it must. */
  #answer(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.fatal) throw error
    this.#reply(errorFrame(error.frameText))
  }

  /** Ends the connection with an error, behind the replies that are still due. */
  #fail(error: unknown): void {
    if (this.#ending) return
    const { logger } = this.#host
    if (error instanceof ProtocolError) {
      logger.warn(`client ${this.remoteAddress}: ${error.frameText}`)
      this.#reply(errorFrame(error.frameText))
    } else {
      logger.error(`client ${this.remoteAddress}: ${errorText(error)}`)
      logger.debug(() => (error instanceof Error && error.stack !== undefined ? error.stack : ''))
    }
    this.#finish()
  }

  /** Takes no more commands. What was published is still answered. */
  #finish(): void {
    if (this.#ending) return
    this.#ending = true
    this.#leave()
    if (this.#replies.isSettled) this.#end()
  }

  #end(): void {
    this.#writer.end()
    setTimeout(() => this.#socket.destroy(), LAST_WORDS).unref()
  }

  #leave(): void {
    this.state = State.disconnected
    this.channel?.removeSession(this)
    this.channel = undefined
  }

  #closed(): void {
    this.#heartbeat.stop()
    this.#ending = true
    this.#leave()
    this.#host.sessionClosed(this)
  }
}
