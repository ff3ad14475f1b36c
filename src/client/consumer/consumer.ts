import { listNodes, lookupTopic } from '../../cluster/lookup.ts'
import type { IdentifyRequest } from '../../protocol/identify.ts'
import { NsqError } from '../../util/errors.ts'
import { Backoff } from './backoff.ts'
import { ConsumerNode, type ConsumerNodeOwner } from './consumer-node.ts'
import {
  resolveConsumerOptions,
  type AnyConsumerOptions,
  type CodecConsumerOptions,
  type RawConsumerOptions,
  type ResolvedConsumerOptions,
  type SchemaConsumerOptions,
} from './consumer-options.ts'
import { DeadLetters, type DeadLetterProducer } from './dead-letters.ts'
import { Discovery } from '../discovery.ts'
import { HandlerInbox } from './handler-inbox.ts'
import { CallbackInbox, IteratorInbox, type Inbox, type InboxOwner } from './inbox.ts'
import { Intake } from './intake.ts'
import type { Message } from './message.ts'
import { pick } from '../option-names.ts'
import { badOption, closeTimeout, CONNECTION_OPTIONS, LARGEST_BYTES, lookupOptions } from '../options.ts'
import { Producer } from '../producer/producer.ts'
import { ReadyCount } from './ready-count.ts'
import type { Subscription } from './subscription.ts'

/**
 * Takes the messages of a channel from one nsqd or many. It reconnects by itself, and follows what nsqlookupd says.
 *
 *     const consumer = new Consumer({
 *       topic: 'orders',
 *       channel: 'mail',
 *       lookupd: 'localhost',
 *       codec: json,
 *       schema: orderSchema,
 *       concurrency: 10,
 *       handler: async message => send(message.value),
 *     })
 *     await consumer.start()
 *
 * Messages go to `handler`, to `onMessage`, or, without either, to `for await`. Their `value` is what the `schema` makes of
 * what the `codec` makes of their body, and of that type; with neither it is the body.
 */
export class Consumer<T = Buffer> implements AsyncIterable<Message<T>> {
  readonly #options: ResolvedConsumerOptions
  readonly #request: Partial<IdentifyRequest>
  readonly #nodes = new Map<string, ConsumerNode>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #ready: ReadyCount
  readonly #backoff: Backoff
  readonly #deadLetters: DeadLetters
  readonly #intake: Intake
  readonly #discovery: Discovery | undefined
  #iterator: IteratorInbox | undefined
  #started: Promise<void> | undefined
  #closed: Promise<void> | undefined

  /** @throws NsqError `E_OPTION`, `E_BAD_TOPIC` or `E_BAD_CHANNEL` naming the option and its range */
  constructor(options: SchemaConsumerOptions<T>)
  constructor(options: CodecConsumerOptions<T>)
  constructor(options: CodecConsumerOptions<T> | SchemaConsumerOptions<T>)
  constructor(options: [T] extends [Buffer] ? RawConsumerOptions : never)
  constructor(options: AnyConsumerOptions) {
    const resolved = resolveConsumerOptions(options)
    this.#options = resolved
    this.#request = identifyRequest(options)
    this.#ready = new ReadyCount(resolved.maxInFlight, resolved.rotateMs, resolved.maxInFlightBytes)
    this.#backoff = new Backoff(
      { multiplierMs: resolved.backoffMultiplierMs, maxMs: resolved.maxBackoffMs },
      {
        pause: () => this.#ready.setLimit(0),
        probe: () => this.#ready.setLimit(1),
        resume: () => this.#ready.setLimit(resolved.maxInFlight),
      },
    )
    this.#deadLetters = new DeadLetters({
      target: resolved.deadLetter,
      createProducer: () => createProducer(options),
      onError: options.onError && resolved.onError,
    })
    this.#intake = new Intake(
      { ...resolved, deadLetters: this.#deadLetters, failed: () => this.#backoff.requeued() },
      owner => this.#createInbox(owner),
    )
    if (resolved.lookupd.length > 0) this.#discovery = this.#discover()
  }

  /**
   * Begins to take messages; `for await` does this by itself. Resolves when one nsqd is subscribed, or one nsqlookupd
   * has answered: the topic's first nsqd may still have to come. Rejects when the first attempts have all failed. It
   * goes on trying in either case, until `close`; a program that wants just that ignores the promise.
   *
   * @throws NsqError `E_CONNECT`, `E_LOOKUP`, nsqd's own code, or `E_CLOSED`
   */
  start(): Promise<void> {
    if (this.#started === undefined) {
      this.#started = this.#start()
      this.#started.catch(() => {})
    }
    return this.#started
  }

  /** Messages that were received and not yet answered. */
  get inFlight(): number {
    let sum = 0
    for (const { slot } of this.#subscriptions) sum += slot?.inFlight ?? 0
    return sum
  }

  /**
   * Whether an nsqd sends hardly anything more, or nothing, until some of its messages are answered: those in hand are at
   * least 85 % of what it may send. A program that answers its messages in batches ends a batch now. Cheap enough to ask
   * with each message.
   */
  get isStarved(): boolean {
    return this.#ready.isStarved
  }

  /** The nsqds that are subscribed at present, as `host:port` or the path of a socket. */
  get connections(): string[] {
    return [...this.#subscriptions].map(subscription => subscription.nsqd)
  }

  /**
   * Leaving a loop closes the consumer, and gives back its message at hand if that was not answered. Several loops share
   * the messages. The loop ends when the consumer is closed.
   *
   * @throws NsqError `E_OPTION` when a handler or `onMessage` gets the messages
   */
  [Symbol.asyncIterator](): AsyncIterator<Message<T>, undefined>
  // The values are of type T: the constructor has asked for the codec or the schema that makes them.
  [Symbol.asyncIterator](): AsyncIterator<Message<unknown>, undefined> {
    if (this.#iterator === undefined)
      throw badOption('with a handler or onMessage there is nothing to iterate')
    void this.start()
    return this.#iterator.loop()
  }

  /**
   * Takes no more messages, gives back those that the program has not seen, waits until the others are answered, at most
   * `timeoutMs` (0 to 2,147,483,647; 30,000 unless given), and closes the connections. nsqd delivers again what is not
   * answered by then. A handler that calls this must not await it: it would wait for itself.
   *
   * @throws NsqError `E_OPTION` for another timeout: then nothing is closed
   */
  close(timeoutMs?: number): Promise<void> {
    try {
      const longest = closeTimeout(timeoutMs)
      this.#closed ??= this.#close(longest)
      return this.#closed
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #start(): Promise<void> {
    if (this.#closed !== undefined) throw new NsqError('E_CLOSED', 'the consumer is closed')
    const outcomes: Promise<void>[] = []
    for (const address of this.#options.nsqd) outcomes.push(this.#add(address).outcome())
    if (this.#discovery !== undefined) outcomes.push(this.#discovery.start())
    try {
      await Promise.any(outcomes)
    } catch (error) {
      const [first]: unknown[] = error instanceof AggregateError ? error.errors : [error]
      throw first
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#discovery?.stop()
    this.#backoff.stop()
    this.#ready.close()
    for (const node of this.#nodes.values()) node.stop()
    const closing = [...this.#subscriptions].map(subscription => subscription.close(timeoutMs))
    // After the CLS, so that nsqd does not send them here again.
    this.#intake.close()
    await Promise.all(closing)
    await this.#deadLetters.close()
  }

  #createInbox(owner: InboxOwner): Inbox {
    const { handler, onMessage, concurrency } = this.#options
    if (handler !== undefined) return new HandlerInbox(handler, concurrency, owner)
    if (onMessage !== undefined) return new CallbackInbox(onMessage, owner)
    this.#iterator = new IteratorInbox(owner, () => this.close())
    return this.#iterator
  }

  #discover(): Discovery {
    const { lookupd, topic, everyNsqd, lookupPollIntervalMs, onError } = this.#options
    const asking = lookupOptions(this.#options)
    return new Discovery({
      pollIntervalMs: lookupPollIntervalMs,
      query: async signal => {
        const ask = { ...asking, signal }
        if (everyNsqd) {
          const nodes = await listNodes(lookupd, ask)
          return { ...nodes, value: nodes.value.map(node => node.tcpAddress) }
        }
        const result = await lookupTopic(lookupd, topic, ask)
        return { ...result, value: result.value.producers.map(producer => producer.tcpAddress) }
      },
      found: (addresses, isComplete) => this.#found(addresses, isComplete),
      failed: onError,
    })
  }

  #found(addresses: ReadonlySet<string>, isComplete: boolean): void {
    for (const address of addresses) {
      if (!this.#nodes.has(address)) this.#add(address)
    }
    for (const [address, node] of this.#nodes) {
      if (addresses.has(address) || this.#options.nsqd.includes(address)) node.keep()
      else if (isComplete) node.release(() => this.#nodes.delete(address))
    }
  }

  #add(address: string): ConsumerNode {
    const node = new ConsumerNode(address, this.#owner, this.#options, this.#request)
    this.#nodes.set(address, node)
    node.start()
    return node
  }

  /** What the nodes and their subscriptions see of the consumer. */
  get #owner(): ConsumerNodeOwner {
    const { topic, channel, autoTouch, requeueDelayMs, maxRequeueDelayMs, onError } = this.#options
    return {
      topic,
      channel,
      autoTouch,
      opened: subscription => {
        this.#subscriptions.add(subscription)
        subscription.slot = this.#ready.add(subscription)
      },
      closed: (subscription, error) => {
        this.#subscriptions.delete(subscription)
        if (subscription.slot !== undefined) this.#ready.remove(subscription.slot)
        this.#nodes.get(subscription.nsqd)?.lost(error)
      },
      received: delivery => this.#intake.received(delivery),
      finished: () => this.#backoff.finished(),
      requeued: () => this.#backoff.requeued(),
      lost: () => this.#intake.lost(),
      requeueDelay: attempts => Math.min(maxRequeueDelayMs, requeueDelayMs * attempts),
      failed: onError,
      refused: onError,
    }
  }
}

/** Publishes what was given up where it came from. */
function createProducer(options: AnyConsumerOptions): DeadLetterProducer {
  const given = pick(options, { ...CONNECTION_OPTIONS, nsqd: true, lookupd: true })
  // It came out of one of these nsqds: their limit is not known, but it is within that.
  return new Producer({ ...given, maxMessageBytes: LARGEST_BYTES })
}

function identifyRequest(options: AnyConsumerOptions): Partial<IdentifyRequest> {
  const request: Partial<IdentifyRequest> = {}
  if (options.messageTimeoutMs !== undefined) request.msg_timeout = options.messageTimeoutMs
  if (options.sampleRate !== undefined) request.sample_rate = options.sampleRate
  if (options.outputBufferBytes !== undefined) request.output_buffer_size = options.outputBufferBytes
  if (options.outputBufferTimeoutMs !== undefined)
    request.output_buffer_timeout = options.outputBufferTimeoutMs
  return request
}
