import { lookupTopic } from '../cluster/lookup.ts'
import type { IdentifyRequest } from '../protocol/identify.ts'
import { NsqError } from '../util/errors.ts'
import { Backoff } from './backoff.ts'
import { ConsumerNode, type ConsumerNodeOwner } from './consumer-node.ts'
import {
  resolveConsumerOptions,
  type ConsumerOptions,
  type ResolvedConsumerOptions,
} from './consumer-options.ts'
import { Discovery } from './discovery.ts'
import { CallbackInbox, HandlerInbox, IteratorInbox, type Inbox } from './inbox.ts'
import type { Message } from './message.ts'
import { badOption } from './options.ts'
import { ReadyCount } from './ready-count.ts'
import type { Subscription } from './subscription.ts'

/**
 * Takes the messages of a channel from one nsqd or many. It reconnects by itself, and follows what nsqlookupd says.
 *
 *     const consumer = new Consumer({ topic: 'orders', channel: 'mail', lookupd: 'localhost', maxInFlight: 10 })
 *     for await (const message of consumer) {
 *       await send(message.body)
 *       message.finish()
 *     }
 *
 * Messages go to `handler`, to `onMessage`, or, without either, to `for await`.
 */
export class Consumer implements AsyncIterable<Message> {
  readonly #options: ResolvedConsumerOptions
  readonly #request: Partial<IdentifyRequest>
  readonly #nodes = new Map<string, ConsumerNode>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #ready: ReadyCount
  readonly #backoff: Backoff
  readonly #inbox: Inbox
  readonly #iterator: IteratorInbox | undefined
  readonly #discovery: Discovery | undefined
  #started: Promise<void> | undefined
  #closed: Promise<void> | undefined

  /** @throws NsqError `E_OPTION`, `E_BAD_TOPIC` or `E_BAD_CHANNEL` naming the option and its range */
  constructor(options: ConsumerOptions) {
    const resolved = resolveConsumerOptions(options)
    this.#options = resolved
    this.#request = identifyRequest(options)
    this.#ready = new ReadyCount(resolved.maxInFlight, resolved.rotateMs)
    this.#backoff = new Backoff(
      { multiplierMs: resolved.backoffMultiplierMs, maxMs: resolved.maxBackoffMs },
      {
        pause: () => this.#ready.setLimit(0),
        probe: () => this.#ready.setLimit(1),
        resume: () => this.#ready.setLimit(resolved.maxInFlight),
      },
    )
    if (resolved.handler !== undefined) {
      this.#inbox = new HandlerInbox(resolved.handler, resolved.concurrency, resolved.onError)
    } else if (resolved.onMessage !== undefined) {
      this.#inbox = new CallbackInbox(resolved.onMessage, resolved.onError)
    } else {
      this.#iterator = new IteratorInbox(() => this.close())
      this.#inbox = this.#iterator
    }
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

  /** The nsqds that are subscribed at present, as `host:port`. */
  get connections(): string[] {
    return [...this.#subscriptions].map(subscription => subscription.nsqd)
  }

  /** @throws NsqError `E_OPTION` when a handler or `onMessage` gets the messages */
  [Symbol.asyncIterator](): AsyncIterator<Message, undefined> {
    if (this.#iterator === undefined)
      throw badOption('with a handler or onMessage there is nothing to iterate')
    void this.start()
    return this.#iterator
  }

  /**
   * Takes no more messages, gives back those that nobody has seen yet, waits until the others are answered, at most
   * `timeoutMs` (30,000 unless given), and closes the connections. nsqd delivers again what is not answered by then.
   * A handler that calls this must not await it: it would wait for itself.
   */
  close(timeoutMs = 30_000): Promise<void> {
    this.#closed ??= this.#close(timeoutMs)
    return this.#closed
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
    for (const message of this.#inbox.close()) giveBack(message)
    await Promise.all(closing)
  }

  #discover(): Discovery {
    const { lookupd, topic, lookupTimeoutMs: requestTimeoutMs, lookupPollIntervalMs, onError } = this.#options
    return new Discovery({
      pollIntervalMs: lookupPollIntervalMs,
      query: async signal => {
        const result = await lookupTopic(lookupd, topic, { requestTimeoutMs, signal })
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
    const { topic, channel, requeueDelayMs, maxRequeueDelayMs, onError } = this.#options
    return {
      topic,
      channel,
      opened: subscription => {
        this.#subscriptions.add(subscription)
        subscription.slot = this.#ready.add(subscription)
      },
      closed: (subscription, error) => {
        this.#subscriptions.delete(subscription)
        if (subscription.slot !== undefined) this.#ready.remove(subscription.slot)
        this.#nodes.get(subscription.nsqd)?.lost(error)
      },
      received: message => {
        if (this.#closed === undefined) this.#inbox.push(message)
        else giveBack(message)
      },
      finished: () => this.#backoff.finished(),
      requeued: backoff => {
        if (backoff && this.#closed === undefined) this.#backoff.requeued()
      },
      requeueDelay: attempts => Math.min(maxRequeueDelayMs, requeueDelayMs * attempts),
      failed: onError,
      refused: onError,
    }
  }
}

/** Lets another consumer have a message that was not looked at here. */
function giveBack(message: Message): void {
  message.requeue(0, { backoff: false })
}

function identifyRequest(options: ConsumerOptions): Partial<IdentifyRequest> {
  const request: Partial<IdentifyRequest> = {}
  if (options.messageTimeoutMs !== undefined) request.msg_timeout = options.messageTimeoutMs
  if (options.sampleRate !== undefined) request.sample_rate = options.sampleRate
  if (options.outputBufferBytes !== undefined) request.output_buffer_size = options.outputBufferBytes
  if (options.outputBufferTimeoutMs !== undefined)
    request.output_buffer_timeout = options.outputBufferTimeoutMs
  return request
}
