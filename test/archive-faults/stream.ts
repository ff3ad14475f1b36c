import { Producer } from '../../src/index.ts'
import { type Address, formatAddress } from '../../src/util/address.ts'
import type { Random } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import type { Numbered } from './numbered.ts'

const LARGEST_BURST = 600
/** In the short form most of what is published has been archived when the kill comes, so it is less. */
const LONGEST_PAUSE_MS = process.env['KILLS'] === undefined ? 180 : 60

export interface StreamOptions {
  readonly nsqd: Address
  readonly topics: readonly string[]
  readonly messages: Numbered
  readonly random: Random
}

/** Publishes numbered messages: all that is asked for and, once begun, in bursts with pauses between them. */
export class Stream {
  /** The first number that is not published. */
  next = 0
  readonly #options: StreamOptions
  readonly #producer: Producer
  readonly #underWay = new Set<Promise<void>>()
  #isEnded = false
  #failure: unknown
  #running: Promise<void> | undefined

  constructor(options: StreamOptions) {
    this.#options = options
    this.#producer = new Producer({
      nsqd: [formatAddress(options.nsqd)],
      // It is archive that is tested: nsqd may go and come back as it likes.
      retries: 1000,
      maxConnectAttempts: 100_000,
      publishTimeoutMs: 600_000,
      reconnectDelayMs: 5,
      maxReconnectDelayMs: 100,
      onError: () => undefined,
    })
  }

  /** Publishes in bursts of any size until `end`. */
  begin(): void {
    this.#running ??= this.#run()
  }

  /** Publishes so many messages at once, and resolves when nsqd has acknowledged them. */
  async publish(count: number): Promise<void> {
    this.burst(count)
    await this.#acknowledged()
  }

  /** Resolves when nsqd has acknowledged every message up to `next`. */
  async end(): Promise<void> {
    this.#isEnded = true
    await this.#running
    await this.#acknowledged()
    await this.#producer.close()
  }

  /** Leaves what is not published: nobody looks at it any more. */
  async abandon(): Promise<void> {
    this.#isEnded = true
    await this.#producer.close(0)
  }

  async #acknowledged(): Promise<void> {
    await Promise.allSettled(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }

  async #run(): Promise<void> {
    const { random } = this.#options
    while (!this.#isEnded) {
      this.burst(random.int(1, random.chance(0.3) ? LARGEST_BURST : LARGEST_BURST / 20))
      await pause(random.int(0, LONGEST_PAUSE_MS))
      // Whatever comes in between: what is published waits for an nsqd that is down.
      if (this.#underWay.size > 20) await Promise.race(this.#underWay).catch(() => undefined)
    }
  }

  burst(count: number): void {
    const { messages, topics, random } = this.#options
    const bodies = Array.from({ length: count }, () => messages.body(this.next++))
    const published = this.#producer.publishBatch(random.pick(topics), bodies)
    this.#underWay.add(published)
    published
      .catch((error: unknown) => (this.#failure ??= error))
      .finally(() => this.#underWay.delete(published))
  }
}
