import { isEphemeral } from '../protocol/names.ts'
import type { MemoryBudget } from '../storage/memory-budget.ts'
import { segmentBytes } from '../storage/retention.ts'
import { topicDirectory } from '../storage/topic-directory.ts'
import { type SegmentNumberSource, TopicLog, type TopicLogOptions } from '../storage/topic-log.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { now } from './clock.ts'
import { Topic, type TopicHost } from './topic.ts'
import { TopicStore } from './topic-store.ts'

/** How often changed topics are checkpointed, and old segments given up, in ms. */
export const MAINTENANCE = 250
/** With more topics than this, each is checkpointed less often. */
const TOPICS_A_ROUND = 64
/** A topic gives memory and descriptors back after this time without a change, in ms. */
const REST_AFTER = 5000
/** What a disk says that is full, or a quota that is used up. */
const FULL = new Set<unknown>(['ENOSPC', 'EDQUOT'])

/** A disk that is full may have kept a list from being written, not messages. */
function isFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && FULL.has(error.code)) || isFull(error.cause)
}

/** The topics of an nsqd as they lie on disk, and what has to be done for them now and then. */
export class TopicStores {
  readonly #host: TopicHost
  readonly #budget: MemoryBudget
  readonly #numbers: SegmentNumberSource
  readonly #stores = new Map<Topic, TopicStore>()
  /** When each topic was last seen to have changed. */
  readonly #lastChange = new Map<Topic, number>()

  constructor(host: TopicHost, budget: MemoryBudget, numbers: SegmentNumberSource) {
    this.#host = host
    this.#budget = budget
    this.#numbers = numbers
  }

  /** Opens a topic, or begins it. An ephemeral one has no store. */
  open(name: string): Topic {
    if (isEphemeral(name)) return new Topic(this.#host, name, new TopicLog(this.#logOptions(undefined)))
    const directory = topicDirectory(this.#host.options.dataPath, name)
    const store = TopicStore.open(this.#host, name, directory, this.#logOptions(directory))
    this.#stores.set(store.topic, store)
    return store.topic
  }

  /**
   * Opens a topic that is there.
   *
   * @throws NsqError E_DATA_PATH when the disk refuses something without which messages could be lost; E_METADATA, E_IDS
   */
  reopen(name: string): Topic {
    try {
      return this.open(name)
    } catch (error) {
      if (error instanceof NsqError) throw error
      throw new NsqError('E_DATA_PATH', `cannot open topic ${name}: ${errorText(error)}`, {
        cause: error,
        remedy: `Nothing is lost by that. See that the disk of ${this.#host.options.dataPath} works and has room, then start again.`,
      })
    }
  }

  /** Closes a topic for ever. */
  remove(topic: Topic): void {
    const store = this.#stores.get(topic)
    this.#stores.delete(topic)
    this.#lastChange.delete(topic)
    if (store === undefined) topic.close()
    else store.remove()
  }

  /** Closes a topic, and writes down its exact state. */
  async close(topic: Topic): Promise<void> {
    const store = this.#stores.get(topic)
    if (store === undefined) topic.close()
    else await store.close()
  }

  /** Resolves when a kill -9 will not undo what has been done to this topic. */
  async settle(topic: Topic): Promise<void> {
    await this.#stores.get(topic)?.settle()
  }

  /** Does for each topic what is due. To be called every `MAINTENANCE` ms. */
  maintain(): void {
    const at = now()
    const spacing = MAINTENANCE * Math.max(1, this.#stores.size / TOPICS_A_ROUND)
    for (const [topic, store] of this.#stores) {
      store.reclaimer.roll()
      if (topic.dirty || store.reclaimer.isDue) {
        this.#lastChange.set(topic, at)
        store.maintain(spacing)
        continue
      }
      const last = this.#lastChange.get(topic)
      if (last === undefined || at - last < REST_AFTER) continue
      this.#lastChange.delete(topic)
      store.rest()
    }
  }

  /**
   * Gives up what can be spared when the disk is full: of all that is retained, the oldest segment. False when it is not
   * full, or there is nothing.
   */
  makeRoom(error: unknown): boolean {
    if (!isFull(error)) return false
    const stores = [...this.#stores.values()]
      .map(store => ({ store, oldestMs: store.reclaimer.oldestMs ?? Infinity }))
      .sort((a, b) => a.oldestMs - b.oldestMs)
    for (const { store } of stores) {
      if (!store.reclaimer.makeRoom()) continue
      const { name, retainedBytes = 0 } = store.topic
      this.#host.logger.warn(
        `the disk is full: gave up a segment of topic ${name} that was finished; ${retainedBytes} bytes are retained`,
      )
      return true
    }
    return false
  }

  #logOptions(directory: string | undefined): TopicLogOptions {
    const { options } = this.#host
    return {
      directory,
      nodeId: options.nodeId,
      maxSegmentBytes: segmentBytes(options, options.maxBytesPerFile),
      budget: this.#budget,
      numbers: this.#numbers,
    }
  }
}
