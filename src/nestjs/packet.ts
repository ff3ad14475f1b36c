/**
 * Nest's packets as the bodies of messages. An event is the JSON of its data, so that any consumer can read it, and any
 * producer send one. A request is a packet of Nest, and says where the reply goes.
 *
 *     event     {"order":1}
 *     request   {"pattern":"sum","data":[1,2],"id":"…","replyTo":"reply-…#ephemeral"}
 *     reply     {"id":"…","response":3,"isDisposed":true}
 */
import type { StandardSchemaV1 } from '../client/schema.ts'
import { promiseOf } from '../util/promise.ts'

/** What a handler is called with. */
export interface Packet {
  readonly pattern: string
  readonly data: unknown
  /** Of a request: what its replies have, too. */
  readonly id?: string
  /** Of a request: the topic that its replies go to. */
  readonly replyTo?: string
  /** What instrumentation sends along. */
  readonly metadata?: Readonly<Record<string, string>>
}

/** A reply, or one of several: the last has `isDisposed`. */
export interface Reply {
  readonly id: string
  readonly response?: unknown
  readonly err?: unknown
  readonly isDisposed?: boolean
}

/** Makes the body of a packet or a reply. A string goes as UTF-8. What it throws fails the request or the event. */
export interface NsqSerializer<T> {
  serialize(value: T): Buffer | Uint8Array | string | Promise<Buffer | Uint8Array | string>
}

/** Makes a packet or a reply of a body. What it throws gives the message up at once: it would fail each time. */
export interface NsqDeserializer<T> {
  deserialize(body: Buffer, options: { readonly channel: string }): T | Promise<T>
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

export const packetSerializer: NsqSerializer<Packet> = {
  serialize(packet) {
    const { pattern, data, id, metadata } = packet
    // Data that looks like a packet would be taken for one.
    const isPlain = id === undefined && metadata === undefined && !isPacket(data, pattern)
    return JSON.stringify(isPlain ? data : packet)
  },
}

export const packetDeserializer: NsqDeserializer<Packet> = {
  deserialize(body, { channel: topic }) {
    const value = parse(body)
    return isPacket(value, topic) ? value : { pattern: topic, data: value }
  },
}

export const replySerializer: NsqSerializer<Reply> = {
  serialize: reply => JSON.stringify(reply),
}

export const replyDeserializer: NsqDeserializer<Reply> = {
  deserialize(body) {
    const value = parse(body)
    if (isReply(value)) return value
    throw new TypeError('it is not a reply')
  },
}

const PACKET_KEYS: ReadonlySet<string> = new Set(['pattern', 'data', 'id', 'replyTo', 'metadata'])

/** What nsqd allows in names, and nothing that would stay when its client is gone. */
const REPLY_TOPIC = /^[.\w-]{1,54}#ephemeral$/

/**
 * What a deserializer has made, when it is ready. A request that wants its replies in a topic that is not ephemeral is
 * refused: who may send requests could else publish anywhere, with the server's rights.
 */
export const packetSchema: StandardSchemaV1<unknown, Packet> = {
  '~standard': {
    version: 1,
    vendor: 'nsq-ts',
    validate: made => promiseOf(made)?.then(checkPacket) ?? checkPacket(made),
  },
}

function checkPacket(made: unknown): { value: Packet } | { issues: { message: string }[] } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a deserializer of Packet returns
  const packet = made as Packet
  const { replyTo } = packet
  if (replyTo === undefined || REPLY_TOPIC.test(replyTo)) return { value: packet }
  return { issues: [{ message: `its replyTo, ${JSON.stringify(replyTo)}, is no ephemeral topic` }] }
}

/** Of this topic, and nothing but a packet: `data` alone is a usual name, in CloudEvents for one. */
function isPacket(value: unknown, topic: string): value is Packet {
  return (
    isRecord(value) &&
    value['pattern'] === topic &&
    'data' in value &&
    isTextOrNothing(value['id']) &&
    isTextOrNothing(value['replyTo']) &&
    isMetadata(value['metadata']) &&
    Object.keys(value).every(key => PACKET_KEYS.has(key))
  )
}

function isReply(value: unknown): value is Reply {
  return isRecord(value) && typeof value['id'] === 'string'
}

function isTextOrNothing(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}

function isMetadata(value: unknown): boolean {
  if (value === undefined) return true
  return isRecord(value) && Object.values(value).every(text => typeof text === 'string')
}

function parse(body: Buffer): unknown {
  const text = utf8.decode(body)
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words quote the message, which may be secret.
    throw new SyntaxError('it is not JSON')
  }
}

function isRecord(value: unknown): value is Partial<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
