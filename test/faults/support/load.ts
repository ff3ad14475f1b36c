import { mpub } from '../../../src/protocol/command.ts'
import type { Address } from '../../../src/util/address.ts'
import { RawClient } from '../../nsqd/raw-client.ts'
import type { Random } from '../../storage/random.ts'
import { pause } from '../../support/wait.ts'
import type { Ledger } from '../ledger.ts'
import { ChaoticConsumer } from './consumers.ts'
import { allProducers, type Producer } from './producers.ts'

/** Topics and their channels. Nobody reads from a channel named `idle` before the end. */
export type Shape = Readonly<Record<string, readonly string[]>>

export const SHAPE: Shape = { alpha: ['busy', 'idle'], beta: ['busy'], gamma: ['busy', 'other'] }
/** Nothing is promised about what is ephemeral, but that it comes unchanged and does no harm. */
const EPHEMERAL_TOPIC = 'noise#ephemeral'
const EPHEMERAL_CHANNEL = 'watch#ephemeral'
/** How long the end may take, in ms. */
const PATIENCE_MS = 20_000

interface Served {
  readonly tcp: Address
  readonly http: Address
}

export interface LoadOptions {
  readonly ledger: Ledger
  readonly random: Random
  readonly shape?: Shape
  /** See `Ledger`: of a topic, at this moment; undefined where nothing is killed. */
  readonly generation: (topic: string) => number | undefined
  /** Nothing is put off for longer; below 3000 nothing times out, either. */
  readonly longestDelayMs?: number
  /** Of rest after each publish of a producer, at most, in ms. */
  readonly pauseMs: number
}

/** Producers and consumers of all kinds, for a nsqd that is killed under them again and again. */
export class Load {
  readonly #options: LoadOptions
  readonly #shape: Shape
  readonly #producers: readonly Producer[]

  constructor(options: LoadOptions) {
    this.#options = options
    this.#shape = options.shape ?? SHAPE
    this.#producers = allProducers({ longestDelayMs: Infinity, ...options, topics: Object.keys(this.#shape) })
  }

  /** Makes all channels, before anything is published. */
  async prepare({ http }: Served): Promise<void> {
    const base = `http://127.0.0.1:${http.port}`
    for (const topic of Object.keys(this.#shape)) {
      await fetch(`${base}/topic/create?topic=${topic}`, { method: 'POST' })
      for (const channel of this.#shape[topic] ?? []) {
        await fetch(`${base}/channel/create?topic=${topic}&channel=${channel}`, { method: 'POST' })
      }
    }
  }

  /** How often nsqd has refused to take something. */
  get refused(): number {
    return this.#producers.reduce((sum, { refused }) => sum + refused, 0)
  }

  /** Runs until `isOver` says so; everything that has come is noted then. */
  async run(nsqd: Served, isOver: () => boolean): Promise<void> {
    const consumers = Object.keys(this.#shape).flatMap(topic => {
      const read = (this.#shape[topic] ?? []).filter(channel => channel !== 'idle')
      return [...read, ...read, EPHEMERAL_CHANNEL].map(channel => this.#consumer(topic, channel))
    })
    await Promise.all([
      ...this.#producers.map(producer => producer.run(nsqd, isOver)),
      ...consumers.map(consumer => consumer.run(nsqd, isOver)),
      this.#makeNoise(nsqd, isOver),
    ])
  }

  /** Reads everything that there is, to the end. Throws when something is missing, or when there was another fault. */
  async finish(nsqd: Served): Promise<void> {
    const { ledger } = this.#options
    let isDone = false
    const deadline = Date.now() + PATIENCE_MS
    const running = this.#channels().map(([topic, channel]) =>
      this.#consumer(topic, channel, true).run(nsqd, () => isDone),
    )
    while (Date.now() < deadline && !(await this.#isEmpty(nsqd))) await pause(50)
    isDone = true
    await Promise.all(running)
    if (Date.now() > deadline) ledger.fault(`not all came in time; ${await this.#waiting(nsqd)}`)
    for (const [topic, channels] of Object.entries(this.#shape)) ledger.mustBeComplete(topic, channels)
    ledger.check()
  }

  /** That nothing comes: all was finished, and it was written down. */
  async findNothing(nsqd: Served, forMs: number): Promise<void> {
    const end = Date.now() + forMs
    await Promise.all(
      this.#channels().map(([topic, channel]) =>
        this.#consumer(topic, channel, true).run(nsqd, () => Date.now() > end),
      ),
    )
    this.#options.ledger.check()
  }

  #channels(): [topic: string, channel: string][] {
    return Object.entries(this.#shape).flatMap(([topic, channels]) =>
      channels.map((channel): [string, string] => [topic, channel]),
    )
  }

  #consumer(topic: string, channel: string, isTidy = false): ChaoticConsumer {
    const { ledger, random, generation, longestDelayMs = Infinity } = this.#options
    return new ChaoticConsumer(
      { ledger, random, topic, channel, longestDelayMs, generation: () => generation(topic) },
      isTidy,
    )
  }

  async #isEmpty(nsqd: Served): Promise<boolean> {
    for (const [topic, channel] of this.#channels()) {
      if (this.#options.ledger.missingCount(topic, channel) > 0) return false
    }
    return (await this.#waiting(nsqd)) === ''
  }

  /** The channels in which something waits, with how much. */
  async #waiting({ http }: Served): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${http.port}/stats?format=json`)
    const stats: unknown = await response.json()
    if (!isStats(stats)) throw new Error('these are no stats')
    const { topics } = stats
    const waiting = topics.flatMap(({ topic_name: topic, channels }) =>
      channels
        .filter(({ channel_name: channel }) => this.#shape[topic]?.includes(channel) === true)
        .map(({ channel_name: channel, depth, in_flight_count: inFlight, deferred_count: deferred }) => ({
          text: `${topic}/${channel} ${depth} + ${inFlight} in flight + ${deferred} deferred`,
          count: depth + inFlight + deferred,
        })),
    )
    return waiting
      .filter(({ count }) => count > 0)
      .map(({ text }) => text)
      .join(', ')
  }

  async #makeNoise({ tcp }: Served, isOver: () => boolean): Promise<void> {
    const client = new RawClient(tcp)
    while (!isOver() && !client.isClosed) {
      const bodies = Array.from({ length: 50 }, (_, i) => `noise ${i}`)
      const reply = await client.ask(mpub(EPHEMERAL_TOPIC, bodies)).catch(() => 'closed')
      if (reply !== 'OK') break
      await pause(20)
    }
    client.destroy()
  }
}

interface Stats {
  readonly topics: readonly {
    readonly topic_name: string
    readonly channels: readonly {
      readonly channel_name: string
      readonly depth: number
      readonly in_flight_count: number
      readonly deferred_count: number
    }[]
  }[]
}

/** As nsqd's own tests hold it to. */
function isStats(value: unknown): value is Stats {
  return typeof value === 'object' && value !== null && 'topics' in value
}
