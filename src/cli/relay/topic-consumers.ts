import type { ConsumerOptions } from '../../client/consumer/consumer-options.ts'
import { Consumer } from '../../client/consumer/consumer.ts'
import type { Message } from '../../client/consumer/message.ts'
import { lookupOptions, resolveConnectionOptions } from '../../client/options.ts'
import { listTopics } from '../../cluster/lookup.ts'
import { near } from '../../util/suggest.ts'
import { type Sources, withSources } from '../addresses.ts'
import { aborted } from '../daemon.ts'
import { firstConnections } from '../first-connections.ts'

export interface TopicConsumersOptions {
  readonly topics: readonly string[]
  readonly channel: string
  readonly from: Sources
  /** How nsqds are spoken to. */
  readonly consumer: Omit<
    ConsumerOptions,
    'topic' | 'channel' | 'nsqd' | 'lookupd' | 'onMessage' | 'handler' | 'codec' | 'schema'
  >
  /** What takes the messages of a topic, and answers each of them sooner or later. */
  readonly taker: (topic: string) => (message: Message) => void
}

/** Longer than anything takes that may still come to an end: what is in hand is answered in any case. */
const CLOSE_TIMEOUT_MS = 2 ** 31 - 1

/** Of messages in hand, over all topics: large ones would fill the memory long before they are as many as they may be. */
const MOST_BYTES = 256 * 1024 * 1024

/** The consumers of a command that passes on the messages of one channel of several topics. */
export class TopicConsumers {
  readonly #options: TopicConsumersOptions
  readonly #consumers: ReadonlyMap<string, Consumer>

  /** @throws NsqError `E_OPTION` */
  constructor(options: TopicConsumersOptions) {
    this.#options = options
    const { topics, channel, from, consumer, taker } = options
    const maxInFlightBytes = Math.ceil(MOST_BYTES / topics.length)
    this.#consumers = new Map(
      topics.map(topic => [
        topic,
        new Consumer({
          maxInFlightBytes,
          ...consumer,
          topic,
          channel,
          nsqd: from.nsqd,
          lookupd: from.lookupd,
          onMessage: taker(topic),
        }),
      ]),
    )
  }

  /**
   * Begins to take messages. Resolves when each topic has an answer of an nsqd or an nsqlookupd, or the signal is aborted.
   *
   * @throws NsqError as `Consumer.start`
   */
  async start(signal: AbortSignal): Promise<void> {
    const started = Promise.all([...this.#consumers.values()].map(consumer => consumer.start()))
    await withSources(this.#options.from, Promise.race([started, aborted(signal)]))
  }

  /** The nsqds that are connected for one topic or another. */
  get connections(): string[] {
    return [...new Set([...this.#consumers.values()].flatMap(({ connections }) => connections))]
  }

  get inFlight(): number {
    let sum = 0
    for (const { inFlight } of this.#consumers.values()) sum += inFlight
    return sum
  }

  /** See `Consumer.isStarved`. */
  isStarved(topic: string): boolean {
    return this.#consumers.get(topic)?.isStarved ?? false
  }

  /**
   * Gives the first connections a moment, and then says of each topic without one that it is waited for, with the names
   * that may have been meant. Never rejects.
   */
  async complaints(signal: AbortSignal): Promise<string[]> {
    const consumers = [...this.#consumers.values()]
    await Promise.race([firstConnections(() => consumers.map(each => each.connections)), aborted(signal)])
    const missing = [...this.#consumers].filter(([, { connections }]) => connections.length === 0)
    const known = missing.length === 0 || signal.aborted ? [] : await this.#topicsThere()
    return missing.map(([topic]) => {
      const meant = known.includes(topic) ? [] : near(topic, known)
      const hint = meant.length === 0 ? '' : ` Did you mean ${meant.join(', ')}?`
      return `No nsqd has the topic ${topic} yet: waiting for one.${hint}`
    })
  }

  /** Takes nothing more. Resolves when all that was taken is answered. */
  async close(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map(consumer => consumer.close(CLOSE_TIMEOUT_MS)))
  }

  async #topicsThere(): Promise<string[]> {
    const { from, consumer } = this.#options
    if (from.lookupd.length === 0) return []
    const asking = lookupOptions(resolveConnectionOptions(consumer))
    return listTopics(from.lookupd, asking).then(
      ({ value }) => value,
      () => [],
    )
  }
}
