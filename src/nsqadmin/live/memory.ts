import { Rates } from '../../cluster/rates.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import type { TopicTotals } from '../../cluster/totals.ts'
import type { History, Trends } from '../live-types.ts'
import type { WallClock } from './clock.ts'
import { Growth } from './growth.ts'
import { HISTORY_MS, HistoryRing, type Point } from './history.ts'
import { SeriesTable } from './series.ts'

/** Topics and channels whose numbers are kept: with the samples of five minutes, 80 MB. */
const MAX_SERIES = 20_000

/** What is known from earlier looks: rates, the last minutes of each topic and channel, and which depths grow. */
export class Memory {
  readonly rates = new Rates()
  readonly #series = new SeriesTable(MAX_SERIES)
  readonly #history = new HistoryRing(this.#series)
  readonly #growth = new Growth(this.#series)
  readonly #clock: WallClock
  /** The nsqds of the last look: depths summed over others cannot be compared with its. */
  #nodes = ''

  constructor(clock: WallClock) {
    this.#clock = clock
  }

  /** Takes in a look at the whole cluster; `totals` are the sums of its `stats`. */
  observe(stats: readonly NsqdStats[], totals: ReadonlyMap<string, TopicTotals>, nowMs: number): void {
    this.rates.observe(stats)
    const nodes = stats.map(({ node }) => node).join(' ')
    this.#series.begin(nowMs, HISTORY_MS)
    this.#growth.begin(nowMs, nodes === this.#nodes)
    this.#nodes = nodes
    const isKept = this.#history.begin(nowMs)
    // Topics first: when there is no room for all, they are worth more than channels.
    for (const topic of totals.values())
      this.#observe(this.#series.topic(topic.name), topic, isKept, topic.name)
    for (const topic of totals.values()) {
      for (const channel of topic.channels.values()) {
        this.#observe(
          this.#series.channel(topic.name, channel.name),
          channel,
          isKept,
          topic.name,
          channel.name,
        )
      }
    }
  }

  isGrowing(topic: string, channel?: string): boolean {
    return this.#growth.isGrowing(this.#series.find(topic, channel))
  }

  history(topic: string, channel: string | undefined): History {
    return this.#history.read(this.#series.find(topic, channel), performance.now(), this.#timeAt)
  }

  topicTrends(topics: Iterable<string>): Trends {
    const numbers = Array.from(topics, (name): [string, number] => [name, this.#series.find(name)])
    return this.#history.trends(numbers, performance.now(), this.#timeAt)
  }

  channelTrends(topic: string, channels: Iterable<string>): Trends {
    const numbers = Array.from(channels, (name): [string, number] => [name, this.#series.find(topic, name)])
    return this.#history.trends(numbers, performance.now(), this.#timeAt)
  }

  #observe(
    series: number,
    { depth, inFlight }: Pick<Point, 'depth' | 'inFlight'>,
    isKept: boolean,
    topic: string,
    channel?: string,
  ): void {
    this.#growth.observe(series, depth)
    if (!isKept) return
    const rate = channel === undefined ? this.rates.topic(topic) : this.rates.channel(topic, channel)
    this.#history.put(series, { depth, inFlight, rateIn: rate?.in ?? null, rateOut: rate?.out ?? null })
  }

  readonly #timeAt = (ms: number): number => this.#clock.at(ms)
}
