import { Connection } from '../../client/connection/connection.ts'
import type { ResolvedConnectionOptions } from '../../client/options.ts'
import { rdy, sub } from '../../protocol/command.ts'
import { MESSAGE_HEADER, MESSAGE_ID_AT } from '../../protocol/message.ts'
import { numberOf } from './payload.ts'
import { Waiting } from './waiting.ts'

/** As many at once are dialled: nsqd's queue of those that wait is not endless. */
const DIALS_AT_ONCE = 64
/** What may be in flight on a connection, unless nsqd allows less. */
export const MAX_IN_FLIGHT = 2500

export interface Dial {
  readonly address: string
  readonly options: ResolvedConnectionOptions
  readonly signal: AbortSignal
}

/**
 * Opens so many connections.
 *
 * @throws NsqError what the first failed with; the others are closed then
 */
export async function openAll<T>(
  count: number,
  open: (index: number) => Promise<T>,
  close: (opened: T) => void,
): Promise<T[]> {
  const opened: T[] = []
  while (opened.length < count) {
    const more = Math.min(DIALS_AT_ONCE, count - opened.length)
    const results = await Promise.allSettled(
      Array.from({ length: more }, (_, index) => open(opened.length + index)),
    )
    for (const result of results) if (result.status === 'fulfilled') opened.push(result.value)
    const failed = results.find(result => result.status === 'rejected')
    if (failed === undefined) continue
    opened.forEach(close)
    throw failed.reason
  }
  return opened
}

/** Connections to publish over. What they end with, the commands that wait for an answer are told. */
export function openLines(count: number, { address, options, signal }: Dial): Promise<Connection[]> {
  const handler = { message() {}, refused() {}, closed() {} }
  return openAll(
    count,
    () => Connection.open(address, options, handler, {}, signal),
    line => line.destroy(),
  )
}

export interface Subscription {
  readonly topic: string
  readonly channel: string
  /** Of the messages that are meant. */
  readonly run: number
  /** One of the run's messages has come. */
  readonly received: (number: number) => void
}

/** Consumers of one channel, which finish each message as it comes. */
export class Receivers {
  /** Messages that are not of this run. */
  foreign = 0
  readonly #subscription: Subscription
  readonly #failure = new Waiting<never>()
  #connections: readonly Connection[] = []
  #isEnding = false

  static async open(count: number, dial: Dial, subscription: Subscription): Promise<Receivers> {
    const receivers = new Receivers(subscription)
    receivers.#connections = await openAll(
      count,
      () => receivers.#open(dial),
      connection => connection.destroy(),
    )
    return receivers
  }

  private constructor(subscription: Subscription) {
    this.#subscription = subscription
  }

  /** Rejects when a connection is lost. */
  get failed(): Promise<never> {
    return this.#failure.promise
  }

  start(): void {
    for (const connection of this.#connections) {
      connection.send(rdy(Math.min(MAX_IN_FLIGHT, connection.identity.max_rdy_count)))
    }
  }

  /** Resolves when nsqd has all that was finished. */
  async end(): Promise<void> {
    this.#isEnding = true
    await Promise.all(this.#connections.map(connection => connection.end()))
  }

  destroy(): void {
    this.#isEnding = true
    for (const connection of this.#connections) connection.destroy()
  }

  async #open({ address, options, signal }: Dial): Promise<Connection> {
    const { topic, channel, run, received } = this.#subscription
    const connection = await Connection.open(
      address,
      options,
      {
        message: (bytes, start, end) => {
          connection.finish(bytes, start + MESSAGE_ID_AT)
          const number = numberOf(bytes, start + MESSAGE_HEADER, end, run)
          if (number === -1) this.foreign++
          else received(number)
        },
        // A FIN that came too late: the message comes again, and is counted.
        refused() {},
        closed: error => {
          if (!this.#isEnding) this.#failure.reject(error)
        },
      },
      {},
      signal,
    )
    await connection.request(sub(topic, channel), signal)
    return connection
  }
}
