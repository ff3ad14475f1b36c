/** A topic, as it is asked whether its count is still of use. */
interface PublishedTopic {
  readonly name: string
  readonly closed: boolean
}

export interface PubCount<T> {
  readonly topic: T
  count: number
}

/** Below this many topics nothing is forgotten. */
const LEAST = 64

/**
 * How many messages a client has published, by topic. Topics that are gone are forgotten when as many more have come as
 * there were, so that who publishes to ever new ones costs no ever growing memory.
 */
export class PubCounts<T extends PublishedTopic> {
  readonly #counts = new Map<string, PubCount<T>>()
  #pruneAt = LEAST

  /** That of this topic, to be counted up. One that was deleted and made again goes on counting. */
  of(topic: T): PubCount<T> {
    const known = this.#counts.get(topic.name)
    if (known === undefined && this.#counts.size >= this.#pruneAt) this.#prune()
    const count = { topic, count: known?.count ?? 0 }
    this.#counts.set(topic.name, count)
    return count
  }

  get all(): ReadonlyMap<string, number> {
    return new Map([...this.#counts].map(([name, { count }]) => [name, count]))
  }

  #prune(): void {
    for (const [name, { topic }] of this.#counts) if (topic.closed) this.#counts.delete(name)
    this.#pruneAt = Math.max(LEAST, 2 * this.#counts.size)
  }
}
