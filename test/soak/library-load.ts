import {
  Consumer,
  type ConnectionOptions,
  type NsqError,
  Producer,
  type ProducerOptions,
} from '../../src/index.ts'
import type { Random } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import type { Account } from './account.ts'
import type { Load, LoadContext } from './load.ts'

/** Ids of finished messages that are remembered, to see that none of them comes again. */
const REMEMBERED = 5000
/** nsqd's timeout for these consumers; the slow handlers take longer, and are touched. */
const MESSAGE_TIMEOUT_MS = 2000
const SLOW_MS = 3000
const LONGEST_DEFERRAL_MS = 3000

export interface LibraryOptions {
  connection?: ConnectionOptions
  strategy: NonNullable<ProducerOptions['strategy']>
  /** Which share of the messages is deferred. */
  deferred: number
  channels: readonly string[]
}

/** Our own client: a producer, and a consumer for each channel whose handlers fail or take long now and then. */
export class LibraryLoad implements Load {
  readonly account: Account
  readonly #options: LibraryOptions
  readonly #context: LoadContext
  readonly #random: Random
  readonly #producer: Producer
  readonly #consumers: Consumer[] = []
  /** FINs that nsqd has refused. */
  late = 0
  readonly #finished = new Set<string>()
  /** Ids of messages that were finished, and came again; and of those whose FIN was refused. */
  readonly #again = new Set<string>()
  readonly #refused = new Set<string>()
  readonly #publishing = new Set<Promise<void>>()

  constructor(account: Account, options: LibraryOptions, context: LoadContext, random: Random) {
    this.account = account
    this.#options = options
    this.#context = context
    this.#random = random
    this.#producer = new Producer({
      ...this.#common(),
      strategy: options.strategy,
      maxMessageBytes: 1024 * 1024,
      retries: 1000,
    })
  }

  async start(): Promise<void> {
    for (const channel of this.#options.channels) this.#consumers.push(this.#consume(channel))
    await Promise.all(this.#consumers.map(consumer => consumer.start()))
  }

  /** Some messages, in one call or in several. */
  publish(count: number): void {
    const random = this.#random
    if (random.chance(this.#options.deferred)) {
      const defer = random.int(1, LONGEST_DEFERRAL_MS)
      for (let i = 0; i < count; i++) this.#publish([this.account.next(random, defer)], defer)
    } else if (random.chance(0.5)) {
      this.#publish(Array.from({ length: count }, () => this.account.next(random)))
    } else {
      for (let i = 0; i < count; i++) this.#publish([this.account.next(random)])
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#publishing)
  }

  /** An nsqd that does not end, over connections that are not cut, delivers nothing that was finished in time. */
  get problems(): readonly string[] {
    return [...this.#again]
      .filter(id => !this.#refused.has(id))
      .map(id => `${this.account.topic}: ${id} was finished, and came again`)
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.close(), ...this.#consumers.map(consumer => consumer.close())])
  }

  #publish(messages: readonly { number: number; body: Buffer }[], defer = 0): void {
    const bodies = messages.map(({ body }) => body)
    const { account } = this
    const done = this.#producer.publish(account.topic, bodies, { defer }).then(
      () => messages.forEach(({ number }) => account.acknowledged(number)),
      () => messages.forEach(({ number }) => account.refused(number)),
    )
    this.#publishing.add(done)
    void done.finally(() => this.#publishing.delete(done))
  }

  #consume(channel: string): Consumer {
    const { steady, latencies } = this.#context
    return new Consumer({
      ...this.#common(),
      topic: this.account.topic,
      channel,
      concurrency: 20,
      messageTimeoutMs: MESSAGE_TIMEOUT_MS,
      maxAttempts: 0,
      requeueDelayMs: 100,
      maxBackoffMs: 0,
      handler: async message => {
        const said = this.account.delivered(channel, message.body)
        const fromSteady = message.nsqd === steady
        if (fromSteady && this.#finished.has(`${channel} ${message.id}`)) remember(this.#again, message.id)
        if (fromSteady && said !== undefined && message.attempts === 1 && this.#options.deferred === 0) {
          latencies.push(Date.now() - said.madeAt)
        }
        if (this.#random.chance(0.002)) await pause(SLOW_MS)
        else if (this.#random.chance(0.1)) await pause(this.#random.int(1, 10))
        if (this.#random.chance(0.01)) throw new Error('fails now and then')
        if (message.finish() && fromSteady) remember(this.#finished, `${channel} ${message.id}`)
      },
    })
  }

  #common(): ConnectionOptions & { lookupd: string } {
    return {
      ...this.#options.connection,
      lookupd: this.#context.lookupd,
      lookupPollIntervalMs: 1000,
      maxReconnectDelayMs: 500,
      onError: error => this.#onError(error),
    }
  }

  /**
   * What a restart brings about is no news. A FIN that is refused came too late, on a machine that is too busy: then the
   * message rightly comes again, and may do so before its FIN is refused.
   */
  #onError(error: NsqError): void {
    const [, id] = /FIN ([0-9a-f]+) failed/.exec(error.message) ?? []
    if (id === undefined) return
    this.late++
    remember(this.#refused, id)
  }
}

/** Adds to a set that is bounded. */
function remember(set: Set<string>, item: string): void {
  set.add(item)
  const [oldest] = set
  if (set.size > REMEMBERED && oldest !== undefined) set.delete(oldest)
}
