import type { Socket } from 'node:net'
import { deflateLayer } from '../net/deflate.ts'
import { isSnappyAvailable, snappyLayer } from '../net/snappy.ts'
import type { TlsFacts } from '../net/tls.ts'
import type { CommandHandler } from '../protocol/command-reader.ts'
import { ProtocolError, type ProtocolErrorCode } from '../protocol/errors.ts'
import { CLOSE_WAIT_FRAME, errorFrame, OK_FRAME, responseFrame } from '../protocol/frame.ts'
import { parseIdentify } from '../protocol/identify.ts'
import { AuthGate } from './auth-gate.ts'
import type { Authorizations } from './authorizations.ts'
import type { Channel } from './channel.ts'
import { now } from './clock.ts'
import { defaultSettings, type Grant, negotiate, type SessionSettings } from './identify.ts'
import type { NsqdOptions } from './options.ts'
import { type PubCount, PubCounts } from './pub-counts.ts'
import { Refusal } from './refusal.ts'
import type { Secured } from './secured.ts'
import { TlsGate } from './tls-gate.ts'
import type { Topic } from './topic.ts'
import { type Upgrade, Wire, type WireHost, type WireOwner } from './wire.ts'

/** The numbers of the official nsqd, as `/stats` shows them. */
const State = { init: 0, disconnected: 1, subscribed: 3, closing: 4 } as const

/** What a session needs of its daemon. */
export interface SessionHost extends WireHost {
  readonly options: NsqdOptions
  readonly secured: Secured
  /** Why nothing is taken in; undefined while everything is. */
  readonly refusal: Refusal | undefined
  /** Nothing is delivered any more. */
  readonly isStopping: boolean
  /** The topic of this name; made when there is none. Throws Refusal when no more topics are made. */
  topic(name: string): Topic
  sessionClosed(session: Session): void
}

/** What stands before each message of MPUB. */
const SIZE_LENGTH = 4

/** One client: its state, and what its commands do. The handlers carry the protocol's names. */
export class Session implements WireOwner {
  /** Unique in this process, never 0. */
  readonly number: number
  readonly connectedAt: number = Date.now()
  deflate = false
  snappy = false
  state: number = State.init
  /** RDY. */
  ready = 0
  inFlightCount = 0
  messageCount = 0
  finishCount = 0
  requeueCount = 0
  channel: Channel | undefined
  /** What AUTH has brought. */
  authorizations: Authorizations | undefined
  /** Copied out of the settings, as every delivery asks for them. */
  msgTimeout: number
  sampleRate = 0
  topologyZone = ''
  topologyRegion = ''
  readonly #host: SessionHost
  readonly #wire: Wire
  /** Where commands go once there is TLS. */
  readonly #commands: CommandHandler
  #settings: SessionSettings
  readonly #pubCounts = new PubCounts<Topic>()
  #lastPub: PubCount<Topic> | undefined

  constructor(host: SessionHost, socket: Socket, number: number) {
    const { options, secured } = host
    const { authServers } = secured
    this.#host = host
    this.number = number
    this.#wire = new Wire(host, socket, this, {
      maxMessageSize: options.maxMsgSize,
      maxBodySize: options.maxBodySize,
    })
    this.#settings = defaultSettings(options, this.#wire.remoteIp)
    this.msgTimeout = this.#settings.msgTimeout
    this.#commands = authServers === undefined ? this : new AuthGate(this, this.#wire, authServers)
    this.#wire.handCommandsTo(options.tlsRequired === 'false' ? this.#commands : new TlsGate(this.#commands))
    this.#wire.beatEvery(this.#settings.heartbeatInterval)
  }

  get remoteAddress(): string {
    return this.#wire.remoteAddress
  }

  /** Undefined without TLS. */
  get tls(): TlsFacts | undefined {
    return this.#wire.tls
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
    return this.#pubCounts.all
  }

  /** How many messages it may be sent now. */
  room(): number {
    if (this.state !== State.subscribed || this.#host.isStopping || this.#wire.isBacklogged) return 0
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
    this.#wire.deliver(frames)
  }

  /** A message that it had was taken back. */
  timedOut(): void {
    this.inFlightCount--
  }

  /** Its channel was emptied. */
  emptied(): void {
    this.inFlightCount = 0
  }

  destroy(): void {
    this.#wire.destroy()
  }

  /**
   * Ends the connection behind the replies that are due. What a consumer with messages in hand still answers, until it has heard
   * of that and ends its side, counts.
   */
  end(): void {
    if (this.inFlightCount > 0) this.#wire.endHearing()
    else this.#wire.end()
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    this.mustBeNew('IDENTIFY')
    const request = parseIdentify(bytes, start, end)
    const { options, secured } = this.#host
    // Nothing is put over a connection twice.
    const isCompressed = this.deflate || this.snappy
    const { settings, response, grant } = negotiate(request, options, this.#settings, {
      tls: secured.tlsLayer !== undefined && this.tls === undefined && !isCompressed,
      snappy: options.snappy && request.snappy && !isCompressed && isSnappyAvailable(),
      deflate: !isCompressed,
      auth: secured.authServers !== undefined,
    })
    this.#settings = settings
    this.msgTimeout = settings.msgTimeout
    this.sampleRate = settings.sampleRate
    this.topologyZone = settings.topologyZone
    this.topologyRegion = settings.topologyRegion
    this.#wire.reply(response === undefined ? OK_FRAME : responseFrame(JSON.stringify(response)))
    const upgrades = this.#upgrades(grant)
    if (upgrades.length === 0) this.#wire.beatEvery(settings.heartbeatInterval)
    else this.#wire.upgrade(upgrades, () => this.#upgraded(grant))
  }

  AUTH(): void {
    this.mustBeNew('AUTH')
    throw new ProtocolError('E_AUTH_DISABLED', 'AUTH disabled')
  }

  PUB(name: string, bytes: Buffer, start: number, end: number): void {
    const topic = this.#publishTo(name, 1, end - start)
    topic.intake.put(bytes, start, end)
    this.#awaitCommit(topic)
  }

  MPUB(name: string, bytes: Buffer, start: number, end: number, count: number): void {
    const topic = this.#publishTo(name, count, end - start - SIZE_LENGTH * count)
    topic.intake.putSized(bytes, start, end, count)
    this.#awaitCommit(topic)
  }

  DPUB(name: string, delayMs: number, bytes: Buffer, start: number, end: number): void {
    this.mustBeDeferrable(delayMs)
    const topic = this.#publishTo(name, 1, end - start)
    topic.intake.putDeferred(bytes, start, end, now() + delayMs)
    this.#awaitCommit(topic)
  }

  topicNamed(name: string): void {
    this.#topic(name)
  }

  SUB(topicName: string, channelName: string): void {
    this.mustBeSubscribable()
    const channel = this.#channel(this.#topic(topicName, 'E_SUB_FAILED'), channelName)
    const { maxChannelConsumers: limit } = this.#host.options
    if (limit > 0 && channel.sessions.size >= limit) {
      const text = `SUB failed consumers for ${topicName}:${channelName} exceeds limit of ${limit}`
      throw new ProtocolError('E_SUB_FAILED', text)
    }
    channel.addSession(this)
    this.channel = channel
    this.state = State.subscribed
    this.#wire.reply(OK_FRAME)
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
    this.#wire.reply(CLOSE_WAIT_FRAME)
  }

  NOP(): void {
    // Its arrival is all that it says.
  }

  /** Throws unless IDENTIFY, AUTH and SUB are still possible. */
  mustBeNew(command: string): void {
    if (this.state !== State.init) throw new ProtocolError('E_INVALID', `cannot ${command} in current state`)
  }

  mustBeSubscribable(): void {
    this.mustBeNew('SUB')
    if (this.#settings.heartbeatInterval <= 0) {
      throw new ProtocolError('E_INVALID', 'cannot SUB with heartbeats disabled')
    }
  }

  mustBeDeferrable(delayMs: number): void {
    const { maxReqTimeout } = this.#host.options
    if (delayMs < 0 || delayMs > maxReqTimeout) {
      throw new ProtocolError('E_INVALID', `DPUB timeout ${delayMs} out of range 0-${maxReqTimeout}`)
    }
  }

  drained(): void {
    if (this.channel !== undefined) this.#host.turn.pump(this.channel)
  }

  ended(): void {
    this.#leave()
  }

  closed(): void {
    this.#leave()
    this.#host.sessionClosed(this)
  }

  #upgrades({ tls, snappy, deflateLevel }: Grant): Upgrade[] {
    const upgrades: Upgrade[] = []
    const { tlsLayer } = this.#host.secured
    if (tls && tlsLayer !== undefined) upgrades.push({ name: 'TLS', layer: tlsLayer })
    if (snappy) upgrades.push({ name: 'snappy', layer: snappyLayer() })
    if (deflateLevel > 0) upgrades.push({ name: 'deflate', layer: deflateLayer(deflateLevel) })
    return upgrades
  }

  #upgraded({ tls, snappy, deflateLevel }: Grant): void {
    if (tls) this.#wire.handCommandsTo(this.#commands)
    this.snappy = snappy
    this.deflate = deflateLevel > 0
    this.#wire.beatEvery(this.#settings.heartbeatInterval)
  }

  #subscribed(command: string): Channel {
    const { state, channel } = this
    if (channel === undefined || (state !== State.subscribed && state !== State.closing)) {
      throw new ProtocolError('E_INVALID', `cannot ${command} in current state`)
    }
    return channel
  }

  /** The topic to which so many messages, with bodies of so many bytes in all, may be published now. */
  #publishTo(name: string, messages: number, bytes: number): Topic {
    const { refusal } = this.#host
    if (refusal !== undefined) throw new ProtocolError('E_PUB_FAILED', refusal.message)
    let pub = this.#lastPub
    if (pub === undefined || pub.topic.name !== name || pub.topic.closed) {
      pub = this.#lastPub = this.#pubCounts.of(this.#topic(name))
    }
    try {
      pub.topic.admit(messages, bytes)
    } catch (error) {
      throw asProtocolError(error, 'E_PUB_FAILED')
    }
    pub.count += messages
    return pub.topic
  }

  /** The topic of this name. A new one may be refused, or more than a full disk takes. */
  #topic(name: string, code: 'E_PUB_FAILED' | 'E_SUB_FAILED' = 'E_PUB_FAILED'): Topic {
    try {
      return this.#host.topic(name)
    } catch (cause) {
      if (cause instanceof Refusal) throw new ProtocolError(code, cause.message)
      throw new ProtocolError(code, `cannot make topic ${name}`, { cause })
    }
  }

  #channel(topic: Topic, name: string): Channel {
    try {
      return topic.channel(name)
    } catch (error) {
      throw asProtocolError(error, 'E_SUB_FAILED')
    }
  }

  #awaitCommit(topic: Topic): void {
    this.#wire.published(topic.intake)
    topic.intake.awaitCommit(this.#wire)
    if (topic.intake.isBehind) this.#wire.pause()
  }

  /** Answers what a command did wrong; the connection ends when it must. */
  #answer(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.fatal) throw error
    this.#wire.reply(errorFrame(error.frameText))
  }

  #leave(): void {
    this.state = State.disconnected
    this.channel?.removeSession(this)
    this.channel = undefined
  }
}

/** What nsqd refuses, in the words of the protocol. */
function asProtocolError(error: unknown, code: ProtocolErrorCode): unknown {
  return error instanceof Refusal ? new ProtocolError(code, error.message) : error
}
