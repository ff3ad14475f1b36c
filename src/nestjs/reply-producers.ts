import { CONNECTION_OPTIONS, type ConnectionOptions } from '../client/options.ts'
import { pick } from '../client/option-names.ts'
import { Producer } from '../client/producer/producer.ts'

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
   * @throws NsqError what a producer throws
   */
  async publish(nsqd: string, topic: string, body: Buffer | Uint8Array | string): Promise<void> {
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
