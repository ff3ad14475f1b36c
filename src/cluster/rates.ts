import type { ChannelStats, NsqdStats, TopicStats } from './stats.ts'

/** Messages a second. */
export interface Rate {
  in: number
  /** Messages that left for good: finished, or thrown away; of a topic over all its channels. */
  out: number
}

/**
 * Rates between the last two looks at a cluster, from the time that passed between an nsqd's two answers.
 *
 * An nsqd that was not there at the look before, or has been restarted since, gives none; the sum over the others is the
 * rate then. All looks must be alike: of everything, or of one topic. Memory: one small object for each topic and
 * channel of an nsqd, kept from look to look.
 */
export class Rates {
  #nodes = new Map<string, NodeSeries>()

  /**
   * Takes a look in.
   *
   * @param atMs - when all of it was seen, on a steady clock; the time of each nsqd's answer unless given
   */
  observe(stats: readonly NsqdStats[], atMs?: number): void {
    const nodes = new Map<string, NodeSeries>()
    for (const nsqd of stats) {
      const at = atMs ?? nsqd.answeredAt
      const known = this.#nodes.get(nsqd.node)
      const series = known?.startTime === nsqd.startTime ? known : new NodeSeries(nsqd.startTime)
      series.observe(nsqd.topics, at)
      nodes.set(nsqd.node, series)
    }
    this.#nodes = nodes
  }

  /** Of a topic, over all nsqds or at one; undefined when none is known. */
  topic(name: string, node?: string): Rate | undefined {
    return this.#sum(node, series => series.topics.get(name)?.rate)
  }

  channel(topic: string, name: string, node?: string): Rate | undefined {
    return this.#sum(node, series => series.topics.get(topic)?.channels.get(name)?.rate)
  }

  /** Of all topics of an nsqd. */
  node(node: string): Rate | undefined {
    return this.#nodes.get(node)?.rate()
  }

  /** Of all topics of all nsqds. */
  total(): Rate | undefined {
    return this.#sum(undefined, series => series.rate())
  }

  #sum(node: string | undefined, rateOf: (series: NodeSeries) => Rate | undefined): Rate | undefined {
    if (node !== undefined) {
      const series = this.#nodes.get(node)
      return series && rateOf(series)
    }
    return sum(this.#nodes.values(), rateOf)
  }
}

class NodeSeries {
  readonly startTime: number
  readonly topics = new Map<string, TopicSeries>()
  #at = Number.NaN

  constructor(startTime: number) {
    this.startTime = startTime
  }

  observe(topics: readonly TopicStats[], at: number): void {
    // NaN at the first look, which makes every rate unknown.
    const seconds = (at - this.#at) / 1000
    this.#at = at
    for (const topic of topics) find(this.topics, topic.name, TopicSeries).observe(topic, seconds)
    forgetOthers(this.topics, topics)
  }

  rate(): Rate | undefined {
    return sum(this.topics.values(), series => series.rate)
  }
}

class Series {
  #in = Number.NaN
  #out = Number.NaN
  #messages = Number.NaN

  /** Undefined when it is not known. */
  get rate(): Rate | undefined {
    return Number.isNaN(this.#in) ? undefined : { in: this.#in, out: this.#out }
  }

  get out(): number {
    return this.#out
  }

  /** How many messages a second have come; a counter that was set back makes it unknown. */
  protected came(messages: number, seconds: number): boolean {
    const rate = seconds > 0 ? (messages - this.#messages) / seconds : Number.NaN
    this.#messages = messages
    this.#in = rate >= 0 ? rate : Number.NaN
    return rate >= 0
  }

  protected went(rate: number): void {
    this.#out = Math.max(0, rate)
  }
}

class ChannelSeries extends Series {
  #gone = Number.NaN

  observe({ messages, depth, inFlight, deferred }: ChannelStats, seconds: number): void {
    const gone = messages - depth - inFlight - deferred
    if (this.came(messages, seconds)) this.went((gone - this.#gone) / seconds)
    this.#gone = gone
  }
}

class TopicSeries extends Series {
  readonly channels = new Map<string, ChannelSeries>()

  observe({ messages, channels }: TopicStats, seconds: number): void {
    let out = 0
    for (const channel of channels) {
      const series = find(this.channels, channel.name, ChannelSeries)
      series.observe(channel, seconds)
      if (series.rate !== undefined) out += series.out
    }
    forgetOthers(this.channels, channels)
    if (this.came(messages, seconds)) this.went(out)
  }
}

function find<T>(all: Map<string, T>, name: string, Kind: new () => T): T {
  let found = all.get(name)
  if (found === undefined) {
    found = new Kind()
    all.set(name, found)
  }
  return found
}

/** Forgets what is not there any more. */
function forgetOthers(all: Map<string, unknown>, present: readonly { name: string }[]): void {
  if (all.size === present.length) return
  const names = new Set(present.map(({ name }) => name))
  for (const name of all.keys()) if (!names.has(name)) all.delete(name)
}

function sum<T>(items: Iterable<T>, rateOf: (item: T) => Rate | undefined): Rate | undefined {
  let total: Rate | undefined
  for (const item of items) {
    const rate = rateOf(item)
    if (rate === undefined) continue
    total ??= { in: 0, out: 0 }
    total.in += rate.in
    total.out += rate.out
  }
  return total
}
