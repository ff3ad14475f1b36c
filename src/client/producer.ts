import { isValidTopicName, NAME_RULE } from '../protocol/names.ts'
import { NsqError } from '../util/errors.ts'
import { Queue } from '../util/queue.ts'
import { Batch, Publication } from './batch.ts'
import {
  badOption,
  choice,
  duration,
  integer,
  LARGEST_BYTES,
  lookupdAddresses,
  nsqdAddresses,
  resolveConnectionOptions,
  type ConnectionOptions,
} from './options.ts'
import { Router, type ProducerStrategy } from './router.ts'

/** What may be published: bytes, or a string that goes as UTF-8. Bytes must not change until the promise settles. */
export type MessageValue = Buffer | Uint8Array | string

export interface PublishOptions {
  /** Deliver the messages this many milliseconds later, 0 to `maxDeferMs`. */
  defer?: number
}

export interface ProducerOptions extends ConnectionOptions {
  /** Address of an nsqd, `host:port` (port 4150 unless given), or several. */
  nsqd?: string | readonly string[]
  /** HTTP address of an nsqlookupd, `host:port` (port 4161 unless given) or a URL, or several: all nsqds they know. */
  lookupd?: string | readonly string[]
  /** Which of several nsqds gets a message; `failover` unless given. */
  strategy?: ProducerStrategy
  /**
   * A larger message is refused before it is sent, 1 to 2,147,483,647 bytes; 1 MiB unless given. It must not be more
   * than nsqd's `--max-msg-size`, which closes the connection on a larger one.
   */
  maxMessageBytes?: number
  /**
   * Bytes of an MPUB's body, 1 to 2,147,483,647; 512 KiB unless given. It must not be more than nsqd's
   * `--max-body-size`. A larger message goes alone.
   */
  maxBatchBytes?: number
  /** Messages in an MPUB, 1 to 1,000,000; 1,000 unless given. */
  maxBatchMessages?: number
  /** Messages and bookkeeping that wait for nsqd, 1 to 2,147,483,647 bytes; 16 MiB unless given. See `room`. */
  maxPendingBytes?: number
  /** A longer `defer` is refused, 0 to 2,147,483,647; 1 hour unless given, as nsqd's `--max-req-timeout`. */
  maxDeferMs?: number
  /** How long a publish may take with everything, reconnecting too, 1 to 2,147,483,647; 60,000 unless given. */
  publishTimeoutMs?: number
  /** How often a message is sent again after its connection was lost, 0 to 1,000; 3 unless given. */
  retries?: number
  /** Attempts in a row to connect to an nsqd, 1 to 1,000,000, before it is given up until the next publish; 10. */
  maxConnectAttempts?: number
}

interface Admission {
  publication: Publication
  topic: string
  bodies: readonly Buffer[]
  delayMs: number
}

const LONGEST_TIMER_MS = 0x7fff_ffff

/**
 * Publishes messages. It connects at the first publish, reconnects by itself, and settles every promise: with nsqd's
 * acknowledgement, or with a `PublishError`. Delivery is at least once: a message whose acknowledgement was lost with
 * the connection is sent again.
 */
export class Producer {
  readonly #router: Router
  readonly #maxMessageBytes: number
  readonly #maxBatchBytes: number
  readonly #maxBatchMessages: number
  readonly #maxPendingBytes: number
  readonly #maxDeferMs: number
  readonly #publishTimeoutMs: number
  /** What this turn has published so far, by topic. */
  readonly #open = new Map<string, Batch>()
  #isFlushScheduled = false
  #pendingBytes = 0
  /** Publishes that wait for room. */
  readonly #admissions = new Queue<Admission>()
  #roomWaiters: (() => void)[] = []
  /** Those that may be unsettled, in the order of their deadlines. */
  readonly #publications = new Queue<Publication>()
  #deadlineTimer: NodeJS.Timeout | undefined
  #idleWaiters: (() => void)[] = []
  #lastError: NsqError | undefined
  #closed: Promise<void> | undefined

  /** @throws NsqError `E_OPTION` naming the option and its range */
  constructor(options: ProducerOptions) {
    const nsqd = nsqdAddresses(options.nsqd)
    const lookupd = lookupdAddresses(options.lookupd)
    if (nsqd.length + lookupd.length === 0) throw badOption('nsqd or lookupd must name at least one address')
    const large = LARGEST_BYTES
    this.#maxMessageBytes = integer('maxMessageBytes', options.maxMessageBytes, 1024 * 1024, 1, large)
    this.#maxBatchBytes = integer('maxBatchBytes', options.maxBatchBytes, 512 * 1024, 1, large)
    this.#maxBatchMessages = integer('maxBatchMessages', options.maxBatchMessages, 1000, 1, 1_000_000)
    this.#maxPendingBytes = integer('maxPendingBytes', options.maxPendingBytes, 16 * 1024 * 1024, 1, large)
    this.#maxDeferMs = duration('maxDeferMs', options.maxDeferMs, 3_600_000, 0, LONGEST_TIMER_MS)
    this.#publishTimeoutMs = duration(
      'publishTimeoutMs',
      options.publishTimeoutMs,
      60_000,
      1,
      LONGEST_TIMER_MS,
    )
    const connection = resolveConnectionOptions(options)
    this.#router = new Router(
      { delivered: (batch, error) => this.#delivered(batch, error) },
      {
        ...connection,
        nsqd,
        lookupd,
        strategy: choice('strategy', options.strategy, 'failover', ['failover', 'round-robin', 'all']),
        retries: integer('retries', options.retries, 3, 0, 1000),
        maxConnectAttempts: integer('maxConnectAttempts', options.maxConnectAttempts, 10, 1, 1_000_000),
        onError: error => {
          this.#lastError = error
          connection.onError(error)
        },
      },
    )
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
   * Publishes one message or several. What is published in one turn of the event loop goes to nsqd in as few commands
   * as the batch limits allow, without waiting for earlier answers.
   *
   * Resolves when nsqd has acknowledged all of them. Over `maxPendingBytes` it waits its turn.
   *
   * @throws NsqError `E_BAD_TOPIC`, `E_MESSAGE_EMPTY`, `E_MESSAGE_TOO_BIG`, `E_DEFER`: nothing was sent
   * @throws PublishError with the count of messages that were not acknowledged
   */
  publish(
    topic: string,
    value: MessageValue | readonly MessageValue[],
    options?: PublishOptions,
  ): Promise<void> {
    const bodies = isList(value) ? value.map(toBuffer) : [toBuffer(value)]
    return this.publishBatch(topic, bodies, options)
  }

  /** The same as `publish`, for many messages that are Buffers already: one promise, and little work for each. */
  publishBatch(topic: string, bodies: readonly Buffer[], { defer = 0 }: PublishOptions = {}): Promise<void> {
    const error = this.#check(topic, bodies, defer)
    if (error !== undefined) return Promise.reject(error)
    if (bodies.length === 0) return Promise.resolve()
    void this.#router.start()
    const publication = new Publication(bodies.length, performance.now() + this.#publishTimeoutMs)
    this.#publications.push(publication)
    this.#deadlineTimer ??= setTimeout(this.#onDeadline, this.#publishTimeoutMs)
    const admission: Admission = { publication, topic, bodies, delayMs: defer }
    if (this.#hasRoom()) this.#admit(admission)
    else this.#admissions.push(admission)
    return publication.promise
  }

  /** Bytes of memory that wait for nsqd's acknowledgements: messages and their bookkeeping. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /**
   * Resolves when less than `maxPendingBytes` wait. A program that does not await its publishes awaits this between
   * them: then no more than that, and what it published last, is ever held in memory.
   */
  room(): Promise<void> {
    if (this.#hasRoom()) return Promise.resolve()
    return new Promise(resolve => this.#roomWaiters.push(resolve))
  }

  /**
   * Takes no more messages, waits until nsqd has acknowledged those it has, at most `timeoutMs` (30,000 unless given),
   * and closes the connections. What is not acknowledged by then fails with `E_CLOSED`.
   */
  close(timeoutMs = 30_000): Promise<void> {
    this.#closed ??= this.#close(timeoutMs)
    return this.#closed
  }

  async #close(timeoutMs: number): Promise<void> {
    if (!this.#isIdle()) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, timeoutMs)
        this.#idleWaiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    for (const publication of this.#publications) publication.abandon(closedError())
    this.#publications.clear()
    this.#admissions.clear()
    clearTimeout(this.#deadlineTimer)
    await this.#router.end()
    this.#admitWaiting()
  }

  #check(topic: string, bodies: readonly Buffer[], defer: number): NsqError | undefined {
    if (this.#closed !== undefined) return closedError()
    if (!isValidTopicName(topic)) return badTopic(topic)
    if (!Number.isInteger(defer) || defer < 0 || defer > this.#maxDeferMs) {
      return new NsqError('E_DEFER', `defer must be an integer from 0 to ${this.#maxDeferMs}, not ${defer}`)
    }
    for (const body of bodies) {
      if (body.length === 0) return new NsqError('E_MESSAGE_EMPTY', 'nsqd takes no message without a body')
      if (body.length > this.#maxMessageBytes) return tooBig(body.length, this.#maxMessageBytes)
    }
    return undefined
  }

  #hasRoom(): boolean {
    return this.#admissions.length === 0 && this.#pendingBytes < this.#maxPendingBytes
  }

  #admit({ publication, topic, bodies, delayMs }: Admission): void {
    for (const body of bodies) {
      if (delayMs > 0) this.#addDeferred(topic, delayMs, body, publication)
      else this.#add(topic, body, publication)
    }
  }

  #add(topic: string, body: Buffer, publication: Publication): void {
    let batch = this.#open.get(topic)
    if (batch !== undefined && this.#isFull(batch, body)) {
      this.#router.send(batch)
      batch = undefined
    }
    if (batch === undefined) {
      batch = new Batch(topic, 0)
      this.#open.set(topic, batch)
      this.#flushLater()
    }
    const { cost } = batch
    batch.add(body, publication)
    this.#pendingBytes += batch.cost - cost
  }

  #isFull(batch: Batch, body: Buffer): boolean {
    return batch.length >= this.#maxBatchMessages || batch.size + Batch.sizeOf(body) > this.#maxBatchBytes
  }

  /** There is no deferred MPUB: each message is a DPUB. */
  #addDeferred(topic: string, delayMs: number, body: Buffer, publication: Publication): void {
    const batch = new Batch(topic, delayMs)
    batch.add(body, publication)
    this.#pendingBytes += batch.cost
    this.#router.send(batch)
  }

  #flushLater(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    setImmediate(() => {
      this.#isFlushScheduled = false
      const batches = [...this.#open.values()]
      this.#open.clear()
      for (const batch of batches) this.#router.send(batch)
    })
  }

  #delivered(batch: Batch, error: NsqError | undefined): void {
    if (!batch.delivered(error)) return
    this.#pendingBytes -= batch.cost
    this.#dropSettled()
    this.#admitWaiting()
    if (this.#isIdle()) this.#wake(this.#idleWaiters.splice(0))
  }

  #admitWaiting(): void {
    while (this.#pendingBytes < this.#maxPendingBytes) {
      const admission = this.#admissions.shift()
      if (admission === undefined) break
      if (!admission.publication.isSettled) this.#admit(admission)
    }
    if (this.#roomWaiters.length > 0 && (this.#hasRoom() || this.#closed !== undefined)) {
      this.#wake(this.#roomWaiters.splice(0))
    }
  }

  #wake(waiters: (() => void)[]): void {
    for (const wake of waiters) wake()
  }

  #isIdle(): boolean {
    return this.#publications.length === 0
  }

  #dropSettled(): void {
    while (this.#publications.peek()?.isSettled) this.#publications.shift()
  }

  readonly #onDeadline = (): void => {
    this.#deadlineTimer = undefined
    const now = performance.now()
    for (let first = this.#publications.peek(); first !== undefined; first = this.#publications.peek()) {
      if (!first.isSettled && first.deadline > now) break
      if (!first.isSettled) first.abandon(this.#timeoutError())
      this.#publications.shift()
    }
    // Nobody waits any more for what has expired: it gives its room to others.
    while (this.#admissions.peek()?.publication.isSettled) this.#admissions.shift()
    this.#router.prune()
    this.#admitWaiting()
    if (this.#isIdle()) this.#wake(this.#idleWaiters.splice(0))
    const next = this.#publications.peek()
    if (next !== undefined) this.#deadlineTimer = setTimeout(this.#onDeadline, next.deadline - now)
  }

  #timeoutError(): NsqError {
    return new NsqError('E_PUBLISH_TIMEOUT', `nsqd did not acknowledge within ${this.#publishTimeoutMs} ms`, {
      cause: this.#lastError,
    })
  }
}

function isList(value: MessageValue | readonly MessageValue[]): value is readonly MessageValue[] {
  return Array.isArray(value)
}

function toBuffer(value: MessageValue): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  return Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}

function badTopic(topic: string): NsqError {
  return new NsqError('E_BAD_TOPIC', `"${topic}" is not the name of a topic`, {
    remedy: NAME_RULE,
  })
}

function tooBig(length: number, limit: number): NsqError {
  return new NsqError('E_MESSAGE_TOO_BIG', `a message of ${length} bytes is over the limit of ${limit}`, {
    remedy: "Raise maxMessageBytes, and nsqd's --max-msg-size with it.",
  })
}

function closedError(): NsqError {
  return new NsqError('E_CLOSED', 'the producer is closed')
}
