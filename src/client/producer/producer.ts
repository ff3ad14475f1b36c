import { ChunkPool } from '../../protocol/chunk-pool.ts'
import { isValidTopicName, NAME_RULE } from '../../protocol/names.ts'
import { NsqError } from '../../util/errors.ts'
import { Batch } from './batch.ts'
import { type Body, encodeWith, lengthUpTo, type LooseEncoder } from './body.ts'
import { Deadlines } from './deadlines.ts'
import { closeTimeout, shown } from '../options.ts'
import { OpenBatches } from './open-batches.ts'
import {
  deferOf,
  type MessageValue,
  type ProducerOptions,
  type PublishOptions,
  type ResolvedProducerOptions,
  resolveProducerOptions,
} from './producer-options.ts'
import type { Publication } from './publication.ts'
import { Room } from './room.ts'
import { Router } from './router.ts'
import { tracing } from '../tracing.ts'

/**
 * Publishes messages. It connects at the first publish, reconnects by itself, and settles every promise: with nsqd's
 * acknowledgement, or with an error. Delivery is at least once: a message whose acknowledgement was lost with the
 * connection is sent again.
 *
 *     const producer = new Producer({ nsqd: 'localhost:4150', codec: json })
 *     await producer.publish('orders', { id: 1 })
 */
export class Producer<T = MessageValue> {
  readonly #options: ResolvedProducerOptions<T>
  readonly #encoder: LooseEncoder<T>
  readonly #router: Router
  readonly #chunks = new ChunkPool()
  readonly #batches: OpenBatches
  readonly #room: Room
  readonly #deadlines: Deadlines
  #lastError: NsqError | undefined
  #closed: Promise<void> | undefined

  /** @throws NsqError `E_OPTION` naming the option and its range */
  constructor(options: ProducerOptions<T>) {
    const resolved = resolveProducerOptions(options)
    const { onError } = resolved.router
    this.#options = resolved
    this.#encoder = resolved.encoder
    this.#room = new Room(resolved.maxPendingBytes)
    this.#router = new Router(
      { delivered: batch => this.#room.give(batch.cost) },
      {
        ...resolved.router,
        onError: error => {
          this.#lastError = error
          onError(error)
        },
      },
    )
    this.#batches = new OpenBatches(resolved, this.#chunks, batch => this.#router.send(batch))
    this.#deadlines = new Deadlines(resolved.publishTimeoutMs, {
      timeoutError: () => this.#timeoutError(),
      expired: () => {
        // Nobody waits any more for what has expired: it gives its room to others.
        this.#router.prune()
        this.#room.prune()
      },
    })
  }

  /**
   * Connects, which publish does as well: for programs that want to know at once. Resolves when one nsqd is connected
   * (with the strategy `all`: every one). The producer stays usable when this fails.
   *
   * @throws NsqError `E_CONNECT`, `E_LOOKUP`, `E_NO_NSQD` or `E_CLOSED` when the first attempts have all failed
   */
  async connect(): Promise<void> {
    if (this.#closed !== undefined) throw closedError()
    await this.#router.connected()
  }

  /**
   * Publishes one message, or several: an array is as many messages as it has items, so a JSON array that is one
   * message is published as `[array]`. What is published in one turn of the event loop goes to nsqd in as few commands
   * as the batch limits allow, without waiting for earlier answers.
   *
   * Resolves when nsqd has acknowledged all of them. Over `maxPendingBytes` it waits its turn, or fails, see `whenFull`.
   * Calls of one turn may get the same promise.
   *
   * @throws NsqError `E_OPTION`, `E_BAD_TOPIC`, `E_DEFER`, `E_ENCODE`, `E_MESSAGE_EMPTY`, `E_MESSAGE_TOO_BIG`, `E_FULL`,
   *   `E_CLOSED`: nothing was sent
   * @throws PublishError with the count of messages that were not acknowledged
   */
  publish(topic: string, value: T | readonly T[], options?: PublishOptions): Promise<void> {
    try {
      const defer = deferOf(options)
      if (isList(value)) {
        const bodies = value.map(item => encodeWith(this.#encoder, item, topic))
        return this.#publishAll(topic, bodies, defer)
      }
      const body = encodeWith(this.#encoder, value, topic)
      if (defer !== 0 || !this.#room.isOpen || this.#closed !== undefined) {
        return this.#publishAll(topic, [body], defer, body)
      }
      return this.#publishOne(topic, body)
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same as `publish`, for many messages that are Buffers already: no codec, and little work for each. */
  publishBatch(topic: string, bodies: readonly Buffer[], options?: PublishOptions): Promise<void> {
    try {
      mustBeBuffers(bodies)
      return this.#publishAll(topic, bodies, deferOf(options))
    } catch (error) {
      return rejected(error)
    }
  }

  /** Bytes of memory that wait for nsqd's acknowledgements: messages and their bookkeeping. */
  get pendingBytes(): number {
    return this.#room.taken
  }

  /** How many messages each nsqd has acknowledged so far, by its address: how they are divided over several. */
  get acknowledgedBy(): ReadonlyMap<string, number> {
    return this.#router.acknowledgedBy
  }

  /**
   * With the strategy `all`: how many messages an nsqd did not get, although another one has acknowledged them, by its
   * address. One that has got everything is not in it.
   */
  get missed(): ReadonlyMap<string, number> {
    return this.#router.missed
  }

  /**
   * Resolves when less than `maxPendingBytes` wait. A program that does not await its publishes awaits this between
   * them: then no more than that, and what it published last, is ever held in memory.
   */
  room(): Promise<void> {
    return this.#room.opened()
  }

  /**
   * Takes no more messages, waits until nsqd has acknowledged those it has, at most `timeoutMs` (0 to 2,147,483,647;
   * 30,000 unless given), and closes the connections. What is not acknowledged by then fails with `E_CLOSED`. A second
   * call returns the promise of the first.
   *
   * @throws NsqError `E_OPTION` for another timeout: then nothing is closed
   */
  close(timeoutMs?: number): Promise<void> {
    try {
      const longest = closeTimeout(timeoutMs)
      this.#closed ??= this.#close(longest)
      return this.#closed
    } catch (error) {
      return rejected(error)
    }
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(timeoutMs: number): Promise<void> {
    await this.#deadlines.idle(timeoutMs)
    this.#deadlines.close(closedError())
    this.#room.close()
    await this.#router.end()
  }

  /** The way of most messages: nothing is made for each, but a batch for all of this turn. */
  #publishOne(topic: string, body: Body): Promise<void> {
    const span = tracing()?.publish(topic, { size: Buffer.byteLength(body) })
    const error = this.#batches.has(topic) ? this.#wrongBody(body) : this.#wrong(topic, [body], 0)
    if (error !== undefined) {
      span?.end(error)
      throw error
    }
    const batch = this.#batches.batchFor(topic, body)
    const publication = batch.shared ?? this.#share(batch)
    this.#room.take(batch.join(body, publication))
    if (span !== undefined) publication.trace(span)
    return publication.promise
  }

  #share(batch: Batch): Publication {
    void this.#router.start()
    const publication = this.#deadlines.open(0)
    batch.share(publication)
    return publication
  }

  /** `only`: the body when it is not from a list. */
  #publishAll(topic: string, bodies: readonly Body[], deferMs: number, only?: Body): Promise<void> {
    const span = tracing()?.publish(
      topic,
      only === undefined ? { count: bodies.length } : { size: Buffer.byteLength(only) },
    )
    const error = this.#wrong(topic, bodies, deferMs)
    if (error !== undefined || bodies.length === 0) {
      span?.end(error)
      if (error !== undefined) throw error
      return Promise.resolve()
    }
    void this.#router.start()
    const publication = this.#deadlines.open(bodies.length)
    if (span !== undefined) publication.trace(span)
    if (this.#room.isOpen) this.#admit(publication, topic, bodies, deferMs)
    else this.#admitLater(publication, topic, bodies, deferMs)
    return publication.promise
  }

  #admitLater(publication: Publication, topic: string, bodies: readonly Body[], deferMs: number): void {
    this.#room.wait({
      get isOver() {
        return publication.isSettled
      },
      admit: () => this.#admit(publication, topic, bodies, deferMs),
    })
  }

  #admit(publication: Publication, topic: string, bodies: readonly Body[], deferMs: number): void {
    for (const body of bodies) {
      // There is no deferred MPUB: each message is a DPUB.
      const batch =
        deferMs > 0 ? new Batch(topic, deferMs, this.#chunks) : this.#batches.batchFor(topic, body)
      this.#room.take(batch.add(body, publication))
      if (deferMs > 0) this.#router.send(batch)
    }
  }

  #wrong(topic: string, bodies: readonly Body[], defer: number): NsqError | undefined {
    if (this.#closed !== undefined) return closedError()
    if (!isValidTopicName(topic)) {
      return new NsqError('E_BAD_TOPIC', `"${topic}" is not the name of a topic`, { remedy: NAME_RULE })
    }
    const { maxDeferMs, whenFull, maxPendingBytes } = this.#options
    if (!Number.isInteger(defer) || defer < 0 || defer > maxDeferMs) {
      return new NsqError('E_DEFER', `defer must be an integer from 0 to ${maxDeferMs}, not ${shown(defer)}`)
    }
    for (const body of bodies) {
      const error = this.#wrongBody(body)
      if (error !== undefined) return error
    }
    if (whenFull === 'error' && !this.#room.isOpen) {
      return new NsqError('E_FULL', `over ${maxPendingBytes} bytes wait for nsqd already`, {
        remedy: 'Publish later, await room() first, or raise maxPendingBytes.',
      })
    }
    return undefined
  }

  #wrongBody(body: Body): NsqError | undefined {
    if (body.length === 0) return new NsqError('E_MESSAGE_EMPTY', 'nsqd takes no message without a body')
    const { maxMessageBytes } = this.#options
    const length = lengthUpTo(body, maxMessageBytes)
    if (length <= maxMessageBytes) return undefined
    return new NsqError(
      'E_MESSAGE_TOO_BIG',
      `a message of ${length} bytes is over the limit of ${maxMessageBytes}`,
      { remedy: "Raise maxMessageBytes, and nsqd's --max-msg-size with it." },
    )
  }

  #timeoutError(): NsqError {
    const { publishTimeoutMs } = this.#options
    return new NsqError('E_PUBLISH_TIMEOUT', `nsqd did not acknowledge within ${publishTimeoutMs} ms`, {
      cause: this.#lastError,
    })
  }
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

/** Programs without types could pass anything. */
function mustBeBuffers(bodies: unknown): void {
  if (Array.isArray(bodies) && bodies.every(body => Buffer.isBuffer(body))) return
  throw new NsqError('E_ENCODE', 'publishBatch takes an array of Buffers', {
    remedy: 'Use publish for strings, and for values that a codec encodes.',
  })
}

function rejected(error: unknown): Promise<never> {
  return Promise.reject(error)
}

function closedError(): NsqError {
  return new NsqError('E_CLOSED', 'the producer is closed')
}
