import { CONNECTION_OPTIONS, type ConnectionOptions } from '../client/options.ts'
import { pick } from '../client/option-names.ts'
import { Producer } from '../client/producer/producer.ts'
import { NsqError } from '../util/errors.ts'

/** What nsqd allows in names, and nothing that would stay when its client is gone. */
const REPLY_TOPIC = /^[.\w-]{1,54}#ephemeral$/

/**
 * Publishes replies to the nsqd that the request came from: there the client that waits is subscribed. One producer an
 * nsqd.
 */
export class ReplyProducers {
  readonly #options: ConnectionOptions
  readonly #producers = new Map<string, Producer>()

  /** @param options - may have others besides, which do not count */
  constructor(options: ConnectionOptions) {
    this.#options = pick(options, CONNECTION_OPTIONS)
  }

  /**
   * Resolves when nsqd has acknowledged the reply.
   *
   * @throws NsqError `E_BAD_TOPIC` for a topic that is not ephemeral: who may send requests could else publish anywhere,
   *   with this server's rights; and what a producer throws
   */
  async publish(nsqd: string, topic: string, body: Buffer | Uint8Array | string): Promise<void> {
    if (!REPLY_TOPIC.test(topic)) {
      throw new NsqError('E_BAD_TOPIC', `${JSON.stringify(topic)} is not the name of an ephemeral topic`, {
        remedy: 'A request wants its replies in a topic of its client, whose name ends in #ephemeral.',
      })
    }
    let producer = this.#producers.get(nsqd)
    if (producer === undefined) {
      producer = new Producer({ ...this.#options, nsqd })
      this.#producers.set(nsqd, producer)
    }
    await producer.publish(topic, body)
  }

  async close(): Promise<void> {
    const producers = [...this.#producers.values()]
    this.#producers.clear()
    await Promise.all(producers.map(producer => producer.close()))
  }
}
