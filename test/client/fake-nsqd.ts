import { once } from 'node:events'
import net from 'node:net'
import type { Layer } from '../../src/net/layer.ts'
import { Transport, type TransportHandler } from '../../src/net/transport.ts'
import { CommandReader, type CommandHandler } from '../../src/protocol/command-reader.ts'
import { errorFrame, HEARTBEAT_FRAME, OK_FRAME, responseFrame } from '../../src/protocol/frame.ts'
import { parseIdentify, type IdentifyRequest } from '../../src/protocol/identify.ts'
import { MESSAGE_OVERHEAD, writeMessageHeader } from '../../src/protocol/message.ts'
import { formatId } from '../../src/protocol/message-id.ts'

/** A publishing command as the fake nsqd got it. */
export interface Published {
  command: 'PUB' | 'MPUB' | 'DPUB'
  topic: string
  bodies: string[]
  delayMs: number
}

/**
 * What the fake does with a publish: acknowledge it, leave it unanswered, close the connection before or after taking
 * the messages, or answer with an error frame of this text, and go on or (as nsqd does) end the connection.
 */
export type PublishAnswer = 'ok' | 'silence' | 'drop' | { error: string } | { fatal: string }

interface FakeMessage {
  id: string
  attempts: number
  body: string
}

/** A scripted nsqd: it obeys the protocol unless told otherwise, and remembers everything it got. */
export class FakeNsqd {
  readonly sessions: FakeSession[] = []
  /** Every publish, on whichever connection. */
  readonly published: Published[] = []
  readonly finished: string[] = []
  readonly requeued: { body: string; delayMs: number }[] = []
  maxReady = 2500
  answerPublish: (published: Published) => PublishAnswer = () => 'ok'
  /** Whether REQ puts the message back at once; otherwise it is gone. */
  redelivers = true
  /** Called whenever a message begins or ceases to be in flight. */
  inFlightChanged: () => void = () => {}
  /** Answers IDENTIFY with this instead: the text of a response, or a whole frame, which may be empty. */
  identifyReply: string | Buffer | undefined
  /** Whether it reads nothing after IDENTIFY. */
  isDeaf = false
  subscribeError: string | undefined
  /** The upgrades it grants to who asks for them. A layer is made for each connection. */
  offers: { tls_v1?: () => Layer; snappy?: () => Layer; deflate?: () => Layer } = {}
  /** What AUTH must say; without it nobody is asked. */
  secret: string | undefined
  port = 0
  path = ''
  #server = net.createServer()
  #queue: FakeMessage[] = []
  #ids = 0

  /** On a port of its own, or on a unix socket. */
  static async start(path = ''): Promise<FakeNsqd> {
    const fake = new FakeNsqd()
    fake.path = path
    await fake.listen()
    return fake
  }

  get address(): string {
    return this.path === '' ? `127.0.0.1:${this.port}` : this.path
  }

  get open(): FakeSession[] {
    return this.sessions.filter(session => session.isOpen)
  }

  get inFlight(): number {
    return this.sessions.reduce((sum, session) => sum + session.inFlight.size, 0)
  }

  /** All bodies published, in order of arrival. */
  get bodies(): string[] {
    return this.published.flatMap(({ bodies }) => bodies)
  }

  /** Listens, again on the port it had. */
  async listen(): Promise<void> {
    this.#server = net.createServer({ noDelay: true }, socket =>
      this.sessions.push(new FakeSession(this, socket)),
    )
    if (this.path === '') this.#server.listen(this.port, '127.0.0.1')
    else this.#server.listen(this.path)
    await once(this.#server, 'listening')
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.port = address.port
  }

  /** Closes every connection at once, and the port. */
  async close(): Promise<void> {
    for (const session of this.sessions) session.socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  /** Answers publishes that were left unanswered on the first connection that is open. */
  acknowledge(commands: number): void {
    for (let i = 0; i < commands; i++) this.open[0]?.write(OK_FRAME)
  }

  /** Queues messages for whoever is subscribed. */
  queue(...bodies: string[]): void {
    for (const body of bodies) this.#queue.push({ id: formatId(0, ++this.#ids), attempts: 0, body })
    this.pump()
  }

  putBack(message: FakeMessage): void {
    this.#queue.push(message)
    setImmediate(() => this.pump())
  }

  get depth(): number {
    return this.#queue.length
  }

  pump(): void {
    for (let sent = true; sent;) {
      sent = false
      for (const session of this.open) {
        if (!session.isReady) continue
        const message = this.#queue.shift()
        if (message === undefined) return
        session.deliver(message)
        sent = true
      }
    }
  }
}

export class FakeSession implements CommandHandler, TransportHandler {
  readonly socket: net.Socket
  readonly inFlight = new Map<string, FakeMessage>()
  readonly commands: string[] = []
  /** Every RDY, in order. */
  readonly readies: number[] = []
  identity: IdentifyRequest | undefined
  isOpen = true
  delivered = 0
  #ready = 0
  #isClosing = false
  #isDropped = false
  readonly #nsqd: FakeNsqd
  readonly #reader: CommandReader
  readonly #transport: Transport

  constructor(nsqd: FakeNsqd, socket: net.Socket) {
    this.#nsqd = nsqd
    this.socket = socket
    this.#reader = new CommandReader(this, { maxMessageSize: 1024 * 1024, maxBodySize: 5 * 1024 * 1024 })
    this.#transport = new Transport(socket, this)
  }

  /** Sends bytes through whatever layers there are; `socket` is below them. */
  write(bytes: Buffer): void {
    this.#transport.writer.write(bytes)
    this.#transport.writer.flush()
  }

  data(chunk: Buffer): void {
    this.#reader.push(chunk)
  }

  drained(): void {}

  ended(): void {}

  closed(): void {
    this.isOpen = false
    for (const message of this.inFlight.values()) this.#nsqd.putBack(message)
    this.inFlight.clear()
    this.#nsqd.inFlightChanged()
  }

  get ready(): number {
    return this.#ready
  }

  get isReady(): boolean {
    return this.isOpen && !this.#isClosing && this.inFlight.size < this.#ready
  }

  heartbeat(): void {
    this.write(HEARTBEAT_FRAME)
  }

  deliver(message: FakeMessage): void {
    message.attempts++
    this.delivered++
    this.inFlight.set(message.id, message)
    this.#nsqd.inFlightChanged()
    const body = Buffer.from(message.body)
    const frame = Buffer.alloc(MESSAGE_OVERHEAD + body.length)
    const index = Number.parseInt(message.id.slice(8), 16)
    writeMessageHeader(frame, 0, body.length, 0x17000000, 5, message.attempts, 0, index)
    body.copy(frame, MESSAGE_OVERHEAD)
    this.write(frame)
  }

  IDENTIFY(bytes: Buffer, start: number, end: number): void {
    this.identity = parseIdentify(bytes, start, end)
    this.#note('IDENTIFY')
    const { identifyReply, isDeaf, offers, maxReady, secret } = this.#nsqd
    this.#reader.paused = isDeaf
    if (identifyReply !== undefined) {
      this.write(typeof identifyReply === 'string' ? responseFrame(identifyReply) : identifyReply)
      return
    }
    const { identity } = this
    const granted = (['tls_v1', 'snappy', 'deflate'] as const).filter(
      name => identity[name] && offers[name] !== undefined,
    )
    const answer = { max_rdy_count: maxReady, version: '1.3.0', msg_timeout: 60_000, auth_required: !!secret }
    this.write(
      responseFrame(JSON.stringify({ ...answer, ...Object.fromEntries(granted.map(name => [name, true])) })),
    )
    if (granted.length === 0) return
    this.#reader.paused = true
    void this.#upgrade(granted.flatMap(name => offers[name]?.() ?? []))
  }

  AUTH(bytes: Buffer, start: number, end: number): void {
    this.#note('AUTH')
    if (bytes.toString('utf8', start, end) === this.#nsqd.secret) {
      this.write(responseFrame('{"identity":"i","identity_url":"","permission_count":1}'))
    } else {
      this.#transport.end(errorFrame('E_UNAUTHORIZED AUTH no authorizations found'))
    }
  }

  async #upgrade(layers: readonly Layer[]): Promise<void> {
    try {
      for (const layer of layers) {
        await this.#transport.upgrade(layer, this.#reader.takeRest())
        this.write(OK_FRAME)
      }
    } catch {
      // The client does not want it; the connection is closed.
      return
    }
    this.#reader.resume()
  }

  PUB(topic: string, bytes: Buffer, start: number, end: number): void {
    this.#publish({ command: 'PUB', topic, bodies: [bytes.toString('utf8', start, end)], delayMs: 0 })
  }

  MPUB(topic: string, bytes: Buffer, start: number, end: number): void {
    const bodies: string[] = []
    for (let at = start; at < end;) {
      const length = bytes.readUInt32BE(at)
      bodies.push(bytes.toString('utf8', at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#publish({ command: 'MPUB', topic, bodies, delayMs: 0 })
  }

  DPUB(topic: string, delayMs: number, bytes: Buffer, start: number, end: number): void {
    this.#publish({ command: 'DPUB', topic, bodies: [bytes.toString('utf8', start, end)], delayMs })
  }

  SUB(topic: string, channel: string): void {
    this.#note(`SUB ${topic} ${channel}`)
    const error = this.#nsqd.subscribeError
    if (error === undefined) this.write(OK_FRAME)
    else this.#transport.end(errorFrame(error))
  }

  RDY(count: number): void {
    this.#note(`RDY ${count}`)
    this.readies.push(count)
    this.#ready = count
    this.#nsqd.pump()
  }

  FIN(bytes: Buffer, at: number): void {
    const message = this.#take('FIN', bytes, at)
    if (message === undefined) return
    this.#nsqd.finished.push(message.body)
    this.#nsqd.pump()
  }

  REQ(bytes: Buffer, at: number, delayMs: number): void {
    const message = this.#take('REQ', bytes, at)
    if (message === undefined) return
    this.#nsqd.requeued.push({ body: message.body, delayMs })
    if (this.#nsqd.redelivers) this.#nsqd.putBack(message)
    else this.#nsqd.pump()
  }

  TOUCH(bytes: Buffer, at: number): void {
    this.#note(`TOUCH ${bytes.toString('latin1', at, at + 16)}`)
  }

  CLS(): void {
    this.#note('CLS')
    this.#isClosing = true
    this.write(responseFrame('CLOSE_WAIT'))
  }

  NOP(): void {
    this.#note('NOP')
  }

  topicNamed(): void {}

  #publish(published: Published): void {
    if (this.#isDropped) return
    this.#note(`${published.command} ${published.topic}`)
    const answer = this.#nsqd.answerPublish(published)
    if (answer === 'drop') {
      this.#isDropped = true
      this.socket.destroy()
      return
    }
    this.#nsqd.published.push(published)
    if (answer === 'ok') this.write(OK_FRAME)
    else if (answer === 'silence') return
    else if ('error' in answer) this.write(errorFrame(answer.error))
    else {
      this.#isDropped = true
      this.#transport.end(errorFrame(answer.fatal))
    }
  }

  #take(command: string, bytes: Buffer, at: number): FakeMessage | undefined {
    const id = bytes.toString('latin1', at, at + 16)
    this.#note(`${command} ${id}`)
    const message = this.inFlight.get(id)
    if (message === undefined) {
      this.write(errorFrame(`E_${command}_FAILED ${command} ${id} failed ID not in flight`))
      return undefined
    }
    this.inFlight.delete(id)
    this.#nsqd.inFlightChanged()
    return message
  }

  #note(command: string): void {
    this.commands.push(command)
  }
}
