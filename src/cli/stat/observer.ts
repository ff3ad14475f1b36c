import type { Answers } from '../../cluster/answers.ts'
import type { Look } from '../../cluster/cluster.ts'
import { type Rate, Rates } from '../../cluster/rates.ts'
import { sumTopics, type TopicTotals, type Totals } from '../../cluster/totals.ts'
import type { Report, Row, TopicReport } from './report.ts'
import type { Selection } from './selection.ts'
import { Trends } from './trend.ts'

/** Makes reports of what nsqds answer, look after look: sums over nsqds, rates, trends. */
export class Observer {
  readonly #selection: Selection
  readonly #rates = new Rates()
  readonly #trends = new Trends()
  #lastMs: number | undefined

  constructor(selection: Selection) {
    this.#selection = selection
  }

  /** @param at - by the calendar; elapsed times are those of nsqd's answers on a steady clock */
  observe({ value: { nodes, stats }, warnings }: Answers<Look>, at = new Date()): Report {
    this.#rates.observe(stats)
    this.#trends.begin(stats.map(({ node }) => node))
    const elapsedMs = this.#elapsed(stats.map(({ answeredAt }) => answeredAt))
    const topics = [...sumTopics(stats).values()]
      .filter(({ name }) => this.#selection.topic(name))
      .sort(byName)
      .flatMap(topic => this.#topic(topic))
    return { at, elapsedMs, topics, nodes, stats, warnings }
  }

  /** Undefined without an answer: an unknown topic has no nsqd to ask. */
  #elapsed(answeredAt: readonly number[]): number | undefined {
    const last = this.#lastMs
    this.#lastMs = answeredAt.length === 0 ? undefined : Math.max(...answeredAt)
    return last === undefined || this.#lastMs === undefined ? undefined : this.#lastMs - last
  }

  #topic(topic: TopicTotals): TopicReport[] {
    const all = [...topic.channels.values()]
    const channels = all.filter(({ name }) => this.#selection.channel(name)).sort(byName)
    // Who asks for a channel does not ask for topics without it.
    if (channels.length === 0 && !this.#selection.allChannels) return []
    const { name, undistributed: depth } = topic
    const rest = (read: (totals: Totals) => number): number =>
      all.reduce((left, channel) => left - read(channel), read(topic))
    const own: Totals = {
      ...topic,
      depth,
      backendDepth: rest(totals => totals.backendDepth),
      inFlight: 0,
      deferred: 0,
      requeued: 0,
      timedOut: 0,
      dropped: rest(({ dropped }) => dropped),
      expired: rest(({ expired }) => expired),
      orphaned: false,
    }
    return [
      {
        ...this.#row(name, undefined, own, this.#rates.topic(name)),
        connections: 0,
        latency: [],
        out: undefined,
        channels: channels.map(channel =>
          this.#row(name, channel.name, channel, this.#rates.channel(name, channel.name)),
        ),
      },
    ]
  }

  #row(topic: string, channel: string | undefined, totals: Totals, rate: Rate | undefined): Row {
    // No name has a slash.
    const trend = this.#trends.note(channel === undefined ? topic : `${topic}/${channel}`, totals.depth)
    const { count = 0, percentiles = [] } = totals.latency ?? {}
    return {
      topic,
      channel,
      depth: totals.depth,
      disk: totals.backendDepth,
      inFlight: totals.inFlight,
      deferred: totals.deferred,
      in: rate?.in,
      out: rate?.out,
      requeued: totals.requeued,
      timedOut: totals.timedOut,
      connections: totals.clients,
      messages: totals.messages,
      refused: totals.refused,
      dropped: totals.dropped,
      expired: totals.expired,
      paused: totals.paused,
      orphaned: totals.orphaned,
      growing: this.#trends.isGrowing(trend),
      trend,
      latency:
        count === 0
          ? []
          : percentiles.map(({ quantile, value }) => ({ quantile, ms: value / 1e6 })).reverse(),
    }
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0
}
