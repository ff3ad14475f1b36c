import { randomBytes } from 'node:crypto'
import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices'
import { CONNECTION_OPTIONS, duration, LONGEST_TIMER_MS } from '../client/options.ts'
import { pick } from '../client/option-names.ts'
import { Consumer } from '../client/consumer/consumer.ts'
import type { Message } from '../client/consumer/message.ts'
import type { ProducerOptions } from '../client/producer/producer-options.ts'
import { Producer } from '../client/producer/producer.ts'
import { NsqError } from '../util/errors.ts'
import {
  type NsqDeserializer,
  type NsqSerializer,
  type Packet,
  packetSerializer,
  type Reply,
  replyDeserializer,
} from './packet.ts'

/** Those of a `Producer` mean what they mean there. */
export interface NsqClientOptions extends Omit<ProducerOptions, 'codec'> {
  /** How long a request waits for its reply, or for the next one of several, 1 to 2,147,483,647 ms; 60,000 unless given. */
  requestTimeoutMs?: number
  /** Makes the bodies of events and requests; JSON unless given. */
  serializer?: NsqSerializer<Packet>
  /** Makes replies of the bodies that come; JSON unless given. */
  deserializer?: NsqDeserializer<Reply>
}

const REPLY_CHANNEL = 'client#ephemeral'
/** Replies are taken as fast as they come. */
const REPLIES_IN_FLIGHT = 1000

/** A request that waits. */
interface Waiting {
  readonly callback: (packet: WritePacket) => void
  timer: NodeJS.Timeout
}

/**
 * Publishes events (`emit`) and requests (`send`); a pattern is a topic. What `emit` returns completes when nsqd has
 * acknowledged the event. Replies come in an ephemeral topic of the client's own, which is made with the first request.
 */
export class NsqClient extends ClientProxy<Record<string, never>> {
  readonly #options: NsqClientOptions
  readonly #requestTimeoutMs: number
  readonly #replyTo = `reply-${randomBytes(12).toString('hex')}#ephemeral`
  readonly #waiting = new Map<string, Waiting>()
  #producer: Producer | undefined
  #connected: Promise<Producer> | undefined
  #replies: Promise<Consumer<unknown>> | undefined

  /** @throws NsqError `E_OPTION` for a `requestTimeoutMs` that is out of its range; `connect` looks at the others */
  constructor(options: NsqClientOptions) {
    super()
    this.#options = options
    const { requestTimeoutMs } = options
    this.#requestTimeoutMs = duration('requestTimeoutMs', requestTimeoutMs, 60_000, 1, LONGEST_TIMER_MS)
  }

  /**
   * Resolves when one nsqd is connected; the client reconnects by itself.
   *
   * @throws NsqError as `Producer#connect`, and `E_OPTION`
   */
  connect(): Promise<Producer> {
    this.#connected ??= this.#connect()
    return this.#connected
  }

  /** Waits until what was published is acknowledged; requests that still wait for a reply fail with `E_CLOSED`. */
  async close(): Promise<void> {
    const [producer, replies] = [this.#producer, this.#replies]
    this.#producer = undefined
    this.#connected = undefined
    this.#replies = undefined
    for (const id of this.#waiting.keys()) this.#fail(id, new NsqError('E_CLOSED', 'the client was closed'))
    await producer?.close()
    await replies?.then(consumer => consumer.close()).catch(() => {})
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as Nest declares it
  override unwrap<T = Producer>(): T
  override unwrap(): Producer {
    if (this.#producer !== undefined) return this.#producer
    throw new NsqError('E_CLOSED', 'the client is not connected', { remedy: 'Call connect() first.' })
  }

  protected override async dispatchEvent<T>(packet: ReadPacket): Promise<T>
  protected override async dispatchEvent(packet: ReadPacket): Promise<void> {
    await this.#publish(this.#packet(packet))
  }

  protected override publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    const { id } = this.assignPacketId(packet)
    this.#waiting.set(id, { callback, timer: this.#timer(id) })
    void this.#request({ ...this.#packet(packet), id, replyTo: this.#replyTo })
    return () => this.#forget(id)
  }

  async #connect(): Promise<Producer> {
    const { requestTimeoutMs: _, serializer: __, deserializer: ___, ...options } = this.#options
    const producer = new Producer(options)
    this.#producer = producer
    try {
      await producer.connect()
      return producer
    } catch (error) {
      // The next call tries again.
      if (this.#producer === producer) {
        this.#connected = undefined
        this.#producer = undefined
      }
      await producer.close(0)
      throw error
    }
  }

  async #request(packet: Packet & { id: string }): Promise<void> {
    try {
      // Before a reply can come.
      await this.#listening()
      if (this.#waiting.has(packet.id)) await this.#publish(packet)
    } catch (error) {
      this.#fail(packet.id, error)
    }
  }

  async #publish(packet: Packet): Promise<void> {
    const { serializer = packetSerializer } = this.#options
    const producer = await this.connect()
    await producer.publish(packet.pattern, await serializer.serialize(packet))
  }

  #listening(): Promise<Consumer<unknown>> {
    if (this.#replies !== undefined) return this.#replies
    const replies = this.#listen()
    this.#replies = replies
    // The next request tries again.
    replies.catch(() => {
      if (this.#replies === replies) this.#replies = undefined
    })
    return replies
  }

  async #listen(): Promise<Consumer<unknown>> {
    const { nsqd, lookupd, deserializer = replyDeserializer } = this.#options
    const consumer = new Consumer<unknown>({
      ...pick(this.#options, CONNECTION_OPTIONS),
      ...(nsqd === undefined ? {} : { nsqd }),
      ...(lookupd === undefined ? {} : { lookupd, everyNsqd: true }),
      topic: this.#replyTo,
      channel: REPLY_CHANNEL,
      maxInFlight: REPLIES_IN_FLIGHT,
      codec: { decode: body => deserializer.deserialize(body, { channel: this.#replyTo }) },
      onMessage: message => void this.#receive(message),
    })
    try {
      await consumer.start()
      return consumer
    } catch (error) {
      await consumer.close(0)
      throw error
    }
  }

  async #receive(message: Message<unknown>): Promise<void> {
    // It is of use to nobody else, and a second time to nobody.
    message.finish()
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a deserializer of Reply returns
      this.#answer((await message.value) as Reply)
    } catch (error) {
      this.#options.onError?.(new NsqError('E_DECODE', 'a reply does not decode', { cause: error }))
    }
  }

  #answer({ id, err, response, isDisposed = false }: Reply): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    const isLast = isDisposed || err !== undefined
    if (isLast) this.#forget(id)
    else {
      clearTimeout(waiting.timer)
      waiting.timer = this.#timer(id)
    }
    waiting.callback({ err, response, isDisposed: isLast })
  }

  #timer(id: string): NodeJS.Timeout {
    return setTimeout(() => {
      const what = `no reply came within ${this.#requestTimeoutMs} ms`
      const remedy =
        'See that a server with a handler of this pattern runs, or give it more time with requestTimeoutMs.'
      this.#fail(id, new NsqError('E_REPLY_TIMEOUT', what, { remedy }))
    }, this.#requestTimeoutMs)
  }

  #fail(id: string, err: unknown): void {
    const waiting = this.#waiting.get(id)
    this.#forget(id)
    waiting?.callback({ err, isDisposed: true })
  }

  #forget(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer)
    this.#waiting.delete(id)
  }

  #packet({ pattern, data, metadata }: ReadPacket): Packet {
    const topic = this.normalizePattern(pattern)
    return { pattern: topic, data, ...(metadata === undefined ? {} : { metadata }) }
  }
}
