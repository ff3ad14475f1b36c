/**
 * The V1 protocol between nsqd and nsqlookupd. nsqd sends lines, IDENTIFY with a sized JSON body:
 *
 *     "  V1"                                once
 *     IDENTIFY\n | size i32 BE | JSON
 *     REGISTER topic channel\n              the channel may be missing
 *
 * and nsqlookupd answers each with
 *
 *     | size u32 BE | text |
 *
 * An error is such an answer too; its text begins with `E_`.
 */
import { ChunkReader } from './chunk-reader.ts'
import { ProtocolError } from './errors.ts'
import { LineReader } from './line-reader.ts'
import { isValidChannelName, isValidTopicName } from './names.ts'

/** The first four bytes on a connection to nsqlookupd. */
export const MAGIC_V1: Buffer = Buffer.from('  V1')

const MAGIC = 0x20205631 // "  V1"
const SIZE_LENGTH = 4
/** Of an answer, in bytes. */
const DEFAULT_MAX_SIZE = 1024 * 1024
/** Of what an nsqd says of itself, in bytes: it is kept as long as it is connected, and shown to everybody who asks. */
const DEFAULT_MAX_BODY_SIZE = 64 * 1024

/** Where clients reach an nsqd, as nsqd tells nsqlookupd. */
export interface LookupIdentity {
  version: string
  tcp_port: number
  http_port: number
  hostname: string
  broadcast_address: string
  topology_region?: string
  topology_zone?: string
}

export function identify(identity: LookupIdentity): Buffer {
  const json = JSON.stringify(identity)
  return Buffer.concat([Buffer.from('IDENTIFY\n'), lookupReply(json)])
}

export function ping(): Buffer {
  return Buffer.from('PING\n')
}

/** Says that nsqd has the topic, or the channel of it. */
export function register(topic: string, channel?: string): Buffer {
  return registration('REGISTER', topic, channel)
}

export function unregister(topic: string, channel?: string): Buffer {
  return registration('UNREGISTER', topic, channel)
}

function registration(command: string, topic: string, channel = ''): Buffer {
  return Buffer.from(channel === '' ? `${command} ${topic}\n` : `${command} ${topic} ${channel}\n`)
}

/** An answer of nsqlookupd: a text after its size. */
export function lookupReply(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const reply = Buffer.allocUnsafe(SIZE_LENGTH + length)
  reply.writeUInt32BE(length, 0)
  reply.write(text, SIZE_LENGTH)
  return reply
}

export interface LookupCommandHandler {
  /** `bytes` from `start` to `end` is the JSON, not yet parsed. */
  IDENTIFY(bytes: Buffer, start: number, end: number): void
  PING(): void
  /** `channel` is '' when only the topic is meant. */
  REGISTER(topic: string, channel: string): void
  UNREGISTER(topic: string, channel: string): void
}

/** Reads what an nsqd sends to nsqlookupd, with the errors of official nsqlookupd. */
export class LookupCommandReader extends LineReader {
  readonly #handler: LookupCommandHandler
  readonly #maxBodySize: number

  /** `maxBodySize`, in bytes, bounds what is buffered; official nsqlookupd has no bound. */
  constructor(handler: LookupCommandHandler, maxBodySize: number = DEFAULT_MAX_BODY_SIZE) {
    super(MAGIC)
    this.#handler = handler
    this.#maxBodySize = maxBodySize
  }

  protected override read(bytes: Buffer, start: number): number {
    const end = bytes.length
    let at = this.greet(bytes, start)
    if (at === -1) return start
    while (at < end && !this.paused) {
      if (!this.expectsSize) {
        const lineFeed = this.endOfLine(bytes, at)
        if (lineFeed === -1) return at
        this.#readLine(bytes.toString('utf8', at, lineFeed))
        at = lineFeed + 1
      } else {
        const body = at + SIZE_LENGTH
        if (body > end) return at
        const size = bytes.readInt32BE(at)
        this.#checkSize(size)
        this.expectsSize = false
        at = body + size
        if (at > end) {
          this.collect(size, bytes, body)
          return end
        }
        this.deliver(bytes, body, at)
      }
    }
    return at
  }

  protected override deliver(bytes: Buffer, start: number, end: number): void {
    this.#handler.IDENTIFY(bytes, start, end)
  }

  #checkSize(size: number): void {
    if (size < 0) throw new ProtocolError('E_BAD_BODY', `IDENTIFY invalid body size ${size}`)
    if (size > this.#maxBodySize) {
      throw new ProtocolError('E_BAD_BODY', `IDENTIFY body too big ${size} > ${this.#maxBodySize}`)
    }
  }

  #readLine(line: string): void {
    const [name = '', ...params] = line.trim().split(' ')
    switch (name) {
      case 'PING':
        return this.#handler.PING()
      case 'IDENTIFY':
        this.expectsSize = true
        return
      case 'REGISTER':
      case 'UNREGISTER':
        return this.#handler[name](...readRegistration(name, params))
      default:
        throw new ProtocolError('E_INVALID', `invalid command ${name}`)
    }
  }
}

function readRegistration(command: string, params: string[]): [topic: string, channel: string] {
  const [topic, channel = ''] = params
  if (topic === undefined) throw new ProtocolError('E_INVALID', `${command} insufficient number of params`)
  if (!isValidTopicName(topic)) {
    throw new ProtocolError('E_BAD_TOPIC', `${command} topic name '${topic}' is not valid`)
  }
  if (channel !== '' && !isValidChannelName(channel)) {
    throw new ProtocolError('E_BAD_CHANNEL', `${command} channel name '${channel}' is not valid`)
  }
  return [topic, channel]
}

export interface LookupReplyHandler {
  /** One answer: `bytes` from `start` to `end` is its text. */
  reply(bytes: Buffer, start: number, end: number): void
}

/** Reads what nsqlookupd answers. */
export class LookupReplyReader extends ChunkReader {
  readonly #handler: LookupReplyHandler
  readonly #maxReplySize: number

  /** `maxReplySize`, in bytes, bounds what is buffered. */
  constructor(handler: LookupReplyHandler, maxReplySize: number = DEFAULT_MAX_SIZE) {
    super()
    this.#handler = handler
    this.#maxReplySize = maxReplySize
  }

  protected override read(bytes: Buffer, start: number): number {
    const end = bytes.length
    let at = start
    while (end - at >= SIZE_LENGTH && !this.paused) {
      const size = bytes.readUInt32BE(at)
      if (size > this.#maxReplySize) {
        throw new ProtocolError(
          'E_BAD_FRAME',
          `invalid reply size ${size}, at most ${this.#maxReplySize} is allowed`,
        )
      }
      const text = at + SIZE_LENGTH
      at = text + size
      if (at > end) {
        this.collect(size, bytes, text)
        return end
      }
      this.#handler.reply(bytes, text, at)
    }
    return at
  }

  protected override missing(part: Buffer, chunk: Buffer): number {
    return Math.min(SIZE_LENGTH - part.length, chunk.length)
  }

  protected override deliver(bytes: Buffer, start: number, end: number): void {
    this.#handler.reply(bytes, start, end)
  }
}
