import { ChunkPool } from './chunk-pool.ts'
import { ProtocolError } from './errors.ts'
import type { ProtocolErrorCode } from './errors.ts'
import { LineReader } from './line-reader.ts'
import { ID_LENGTH } from './message-id.ts'
import { isValidChannelName, isValidTopicName } from './names.ts'
import { readWord } from './words.ts'

/**
 * What a client sends to nsqd:
 *
 *     "  V2"                                          once
 *     FIN 0123456789abcdef\n                          a line; parameters are separated by one space each
 *     PUB topic\n        | size i32 BE | body         IDENTIFY, AUTH, PUB, DPUB and MPUB have a body
 *
 * and an MPUB's body:
 *
 *     | count i32 BE | size i32 BE | message | size i32 BE | message …
 */
export interface CommandHandler {
  /** `bytes` from `start` to `end` is the JSON, see `parseIdentify`. */
  IDENTIFY(bytes: Buffer, start: number, end: number): void
  /** `bytes` from `start` to `end` is the secret. */
  AUTH(bytes: Buffer, start: number, end: number): void
  PUB(topic: string, bytes: Buffer, start: number, end: number): void
  /** `start` to `end` holds `count` messages, each after its u32 size; every size has been checked. */
  MPUB(topic: string, bytes: Buffer, start: number, end: number, count: number): void
  DPUB(topic: string, delayMs: number, bytes: Buffer, start: number, end: number): void
  SUB(topic: string, channel: string): void
  RDY(count: number): void
  /** The 16 bytes of the id are at `at`; they may be anything but blanks. */
  FIN(bytes: Buffer, at: number): void
  REQ(bytes: Buffer, at: number, delayMs: number): void
  TOUCH(bytes: Buffer, at: number): void
  CLS(): void
  NOP(): void
  /** An MPUB's line was read: official nsqd creates the topic then, whatever becomes of the body. */
  topicNamed(topic: string): void
}

/** In bytes, as `--max-msg-size` and `--max-body-size`. */
export interface CommandLimits {
  maxMessageSize: number
  maxBodySize: number
}

type BodyCommand = 'IDENTIFY' | 'AUTH' | 'PUB' | 'MPUB' | 'DPUB'

/**
 * Of an IDENTIFY or an AUTH, in bytes; official nsqd takes as much as of an MPUB. What a client says of itself is kept as long
 * as it is connected, and one that says nothing but a few lines of JSON needs no megabytes for that.
 */
const MAX_LONE_BODY = 64 * 1024

/** Of bodies that come in pieces, for all connections: 11 MiB in all. A larger one is seldom. */
const chunks = new ChunkPool([16 * 1024, 64 * 1024, 256 * 1024, 1024 * 1024], 8)

const LF = 0x0a
const CR = 0x0d
const MAGIC = 0x20205632 // "  V2"
const FIN = 0x46494e20 // "FIN "
const FIN_LINE_LENGTH = 4 + ID_LENGTH + 1
const NO_LINE = new Uint8Array(0)

/**
 * Reads what a client sends to nsqd, and checks everything that does not depend on the state of the connection,
 * with the errors of official nsqd. Bytes given to the handler are views of the chunk, or of memory that is used again: it may
 * use them until it returns; after that only when it has paused the reader.
 */
export class CommandReader extends LineReader {
  /** Who the commands go to, from the next one on. */
  handler: CommandHandler
  readonly #limits: CommandLimits

  // The command whose body comes next, and what its line said.
  #command: BodyCommand = 'PUB'
  #topic = ''
  #delayMs = 0
  #maxSize = 0
  // The last publishing line. A client mostly repeats it, and then nothing of it is decoded again.
  #line: Uint8Array = NO_LINE

  constructor(handler: CommandHandler, limits: CommandLimits) {
    super(MAGIC)
    this.handler = handler
    this.#limits = limits
  }

  protected override read(bytes: Buffer, start: number): number {
    const end = bytes.length
    let at = this.greet(bytes, start)
    if (at === -1) return start
    while (at < end && !this.paused) {
      if (!this.expectsSize) {
        if (isFinLine(bytes, at)) {
          this.handler.FIN(bytes, at + 4)
          at += FIN_LINE_LENGTH
          continue
        }
        if (this.#repeatsLine(bytes, at)) {
          at += this.#line.length
          this.#expectBody()
        } else {
          const lineFeed = this.endOfLine(bytes, at)
          if (lineFeed === -1) return at
          this.#readLine(bytes, at, lineFeed)
          at = lineFeed + 1
        }
      } else {
        const body = at + 4
        if (body > end) return at
        const size = readWord(bytes, at)
        if (size <= 0 || size > this.#maxSize) throw this.#badSize(size)
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
    switch (this.#command) {
      case 'PUB':
        return this.handler.PUB(this.#topic, bytes, start, end)
      case 'MPUB':
        return this.#deliverBatch(bytes, start, end)
      case 'DPUB':
        return this.handler.DPUB(this.#topic, this.#delayMs, bytes, start, end)
      case 'IDENTIFY':
        return this.handler.IDENTIFY(bytes, start, end)
      case 'AUTH':
        return this.handler.AUTH(bytes, start, end)
    }
  }

  #deliverBatch(bytes: Buffer, start: number, end: number): void {
    if (end - start < 4) throw badBody('MPUB failed to read message count')
    const count = readWord(bytes, start)
    // 4 bytes for the count, and at least 5 for each message.
    if (count <= 0 || count > (end - start - 4) / 5) throw badBody(`MPUB invalid message count ${count}`)
    let at = start + 4
    for (let i = 0; i < count; i++) {
      if (at + 4 > end) throw badMessage(`MPUB failed to read message(${i}) body size`)
      const size = readWord(bytes, at)
      if (size <= 0) throw badMessage(`MPUB invalid message(${i}) body size ${size}`)
      if (size > this.#limits.maxMessageSize) {
        throw badMessage(`MPUB message too big ${size} > ${this.#limits.maxMessageSize}`)
      }
      at += 4 + size
      if (at > end) throw badMessage('MPUB failed to read message body')
    }
    // Official nsqd would read the rest as the next command.
    if (at < end) throw badBody(`MPUB body is ${end - at} bytes longer than its messages`)
    this.handler.MPUB(this.#topic, bytes, start + 4, end, count)
  }

  protected override takeChunk(size: number): Buffer {
    return chunks.take(size)
  }

  protected override giveChunkBack(chunk: Buffer): void {
    chunks.giveBack(chunk)
  }

  #badSize(size: number): ProtocolError {
    const ofMessage = this.#command === 'PUB' || this.#command === 'DPUB'
    const code: ProtocolErrorCode = ofMessage ? 'E_BAD_MESSAGE' : 'E_BAD_BODY'
    if (size > 0) {
      const what = ofMessage ? 'message' : 'body'
      // What official nsqd refuses too is refused in its words.
      const { maxBodySize } = this.#limits
      const most = !ofMessage && size > maxBodySize ? maxBodySize : this.#maxSize
      return new ProtocolError(code, `${this.#command} ${what} too big ${size} > ${most}`)
    }
    const what = ofMessage ? 'message body' : 'body'
    return new ProtocolError(code, `${this.#command} invalid ${what} size ${size}`)
  }

  #repeatsLine(bytes: Buffer, at: number): boolean {
    const line = this.#line
    const length = line.length
    if (length === 0 || at + length > bytes.length) return false
    for (let i = 0; i < length; i++) if (bytes[at + i] !== line[i]) return false
    return true
  }

  #expectBody(): void {
    this.expectsSize = true
    if (this.#command === 'MPUB') this.handler.topicNamed(this.#topic)
  }

  #readLine(bytes: Buffer, at: number, lineFeed: number): void {
    const end = lineFeed > at && bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
    // One character for each byte, so that lengths and places are those of the bytes.
    const params = bytes.toString('latin1', at, end).split(' ')
    const [name = ''] = params
    switch (name) {
      case 'FIN':
        checkId(name, params, 2)
        return this.handler.FIN(bytes, at + 4)
      case 'REQ':
        checkId(name, params, 3)
        return this.handler.REQ(bytes, at + 4, parseNumber(params[2], 'REQ could not parse timeout'))
      case 'TOUCH':
        checkId(name, params, 2)
        return this.handler.TOUCH(bytes, at + 6)
      case 'RDY':
        return this.handler.RDY(params.length > 1 ? parseNumber(params[1], 'RDY could not parse count') : 1)
      case 'NOP':
        return this.handler.NOP()
      case 'PUB':
      case 'MPUB':
      case 'DPUB':
        this.#readPublishLine(name, params)
        this.#line = new Uint8Array(bytes.subarray(at, lineFeed + 1))
        return this.#expectBody()
      case 'SUB':
        return this.#readSub(params)
      case 'CLS':
        return this.handler.CLS()
      case 'AUTH':
        if (params.length !== 1) throw invalid('AUTH invalid number of parameters')
        return this.#expectLoneBody(name)
      case 'IDENTIFY':
        return this.#expectLoneBody(name)
      default:
        throw invalid(`invalid command ${toText(name)}`)
    }
  }

  #readPublishLine(name: 'PUB' | 'MPUB' | 'DPUB', params: string[]): void {
    const [, topic, delay] = params
    if (topic === undefined || (name === 'DPUB' && delay === undefined)) {
      throw invalid(`${name} insufficient number of parameters`)
    }
    // Official nsqd says the code twice for MPUB.
    checkTopic(name === 'MPUB' ? 'E_BAD_TOPIC MPUB' : name, topic)
    if (name === 'DPUB') this.#delayMs = parseNumber(delay, 'DPUB could not parse timeout')
    this.#command = name
    this.#topic = topic
    this.#maxSize = name === 'MPUB' ? this.#limits.maxBodySize : this.#limits.maxMessageSize
  }

  #readSub(params: string[]): void {
    const [, topic, channel] = params
    if (topic === undefined || channel === undefined) {
      throw invalid('SUB insufficient number of parameters')
    }
    checkTopic('SUB', topic)
    if (!isValidChannelName(channel)) {
      throw new ProtocolError('E_BAD_CHANNEL', `SUB channel name ${quote(channel)} is not valid`)
    }
    this.handler.SUB(topic, channel)
  }

  #expectLoneBody(name: 'IDENTIFY' | 'AUTH'): void {
    this.#line = NO_LINE
    this.#command = name
    this.#maxSize = Math.min(MAX_LONE_BODY, this.#limits.maxBodySize)
    this.expectsSize = true
  }
}

/** Whether a FIN line of the usual form is at `at`; any other form is left to the general way. */
function isFinLine(bytes: Buffer, at: number): boolean {
  return (
    at + FIN_LINE_LENGTH <= bytes.length &&
    bytes[at + FIN_LINE_LENGTH - 1] === LF &&
    readWord(bytes, at) === FIN &&
    !hasBlank(readWord(bytes, at + 4)) &&
    !hasBlank(readWord(bytes, at + 8)) &&
    !hasBlank(readWord(bytes, at + 12)) &&
    !hasBlank(readWord(bytes, at + 16))
  )
}

/** Whether one of the four bytes is a space or a control character: those could end the parameter or the line. */
function hasBlank(word: number): boolean {
  return ((word - 0x21212121) & ~word & 0x80808080) !== 0
}

function checkId(name: string, params: string[], least: number): void {
  if (params.length < least) throw invalid(`${name} insufficient number of params`)
  if (params[1]?.length !== ID_LENGTH) throw invalid('invalid message ID')
}

function checkTopic(who: string, topic: string): void {
  if (!isValidTopicName(topic)) {
    throw new ProtocolError('E_BAD_TOPIC', `${who} topic name ${quote(topic)} is not valid`)
  }
}

/** Official nsqd takes digits only, and no digits at all as 0. */
function parseNumber(digits = '', complaint: string): number {
  if (!/^\d*$/.test(digits)) throw invalid(`${complaint} ${toText(digits)}`)
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER)
}

/** As Go's %q, but for the rarer control characters. */
function quote(latin1: string): string {
  return JSON.stringify(toText(latin1))
}

function toText(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString()
}

function invalid(text: string): ProtocolError {
  return new ProtocolError('E_INVALID', text)
}

function badBody(text: string): ProtocolError {
  return new ProtocolError('E_BAD_BODY', text)
}

function badMessage(text: string): ProtocolError {
  return new ProtocolError('E_BAD_MESSAGE', text)
}
