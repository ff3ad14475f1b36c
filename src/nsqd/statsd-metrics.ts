import { isEphemeral } from '../protocol/names.ts'
import type { ChannelStats, Stats, TopicStats } from './stats.ts'

/** Counters as they were when they were told last. */
interface Told {
  readonly topics: ReadonlyMap<string, TopicStats>
  readonly gcRuns: number
}

/** Writes what nsqd knows as lines for statsd, under the official names. Counters are told by how much they have grown. */
export class StatsdMetrics {
  readonly #prefix: string
  readonly #excludeEphemeral: boolean
  #told: Told = { topics: new Map(), gcRuns: 0 }

  /** @param prefix - of every name, with its last dot: see `statsdPrefix` */
  constructor(prefix: string, excludeEphemeral: boolean) {
    this.#prefix = prefix
    this.#excludeEphemeral = excludeEphemeral
  }

  /** What is to be told now. Memory is told where the stats have it. */
  *lines({ topics, memory }: Stats): Generator<string, void, undefined> {
    const told = this.#told
    this.#told = {
      topics: new Map(topics.map(topic => [topic.topic_name, topic])),
      gcRuns: memory?.gc_total_runs ?? 0,
    }
    const line = (name: string, value: number, type: 'c' | 'g'): string =>
      `${this.#prefix}${name}:${Math.trunc(value)}|${type}\n`
    for (const topic of topics) {
      if (this.#excludeEphemeral && isEphemeral(topic.topic_name)) continue
      const last = told.topics.get(topic.topic_name)
      const at = `topic.${topic.topic_name}`
      yield line(`${at}.message_count`, growth(topic.message_count, last?.message_count), 'c')
      yield line(`${at}.message_bytes`, growth(topic.message_bytes, last?.message_bytes), 'c')
      yield line(`${at}.depth`, topic.depth, 'g')
      yield line(`${at}.backend_depth`, topic.backend_depth, 'g')
      for (const [name, ns] of percentiles(topic)) yield line(`${at}.${name}`, ns, 'g')
      for (const channel of topic.channels) {
        if (this.#excludeEphemeral && isEphemeral(channel.channel_name)) continue
        const before = last?.channels.find(({ channel_name }) => channel_name === channel.channel_name)
        const of = `${at}.channel.${channel.channel_name}`
        yield line(`${of}.message_count`, growth(channel.message_count, before?.message_count), 'c')
        yield line(`${of}.depth`, channel.depth, 'g')
        yield line(`${of}.backend_depth`, channel.backend_depth, 'g')
        yield line(`${of}.in_flight_count`, channel.in_flight_count, 'g')
        yield line(`${of}.deferred_count`, channel.deferred_count, 'g')
        yield line(`${of}.requeue_count`, growth(channel.requeue_count, before?.requeue_count), 'c')
        yield line(`${of}.timeout_count`, growth(channel.timeout_count, before?.timeout_count), 'c')
        yield line(`${of}.clients`, channel.client_count, 'g')
        for (const [name, ns] of percentiles(channel)) yield line(`${of}.${name}`, ns, 'g')
      }
    }
    if (memory === undefined) return
    const { gc_total_runs, ...gauges } = memory
    for (const [name, value] of Object.entries(gauges)) yield line(`mem.${name}`, value, 'g')
    yield line('mem.gc_runs', growth(gc_total_runs, told.gcRuns), 'c')
  }
}

/**
 * What --statsd-prefix stands for: `%s` is this nsqd as statsd can take it, `box_example_org_4151`.
 *
 * @param node - its broadcast address, with the port of its HTTP API
 */
export function statsdPrefix(prefix: string, node: string): string {
  const whole = prefix.replaceAll('%s', node.replaceAll(/[.:]/g, '_'))
  return whole === '' || whole.endsWith('.') ? whole : `${whole}.`
}

/** A topic or channel that was deleted and made again has begun anew. */
function growth(now: number, before = 0): number {
  return now < before ? now : now - before
}

function percentiles({ e2e_processing_latency }: TopicStats | ChannelStats): [name: string, ns: number][] {
  return (e2e_processing_latency.percentiles ?? []).map(({ quantile, value }) => [
    `e2e_processing_latency_${wholePercent(quantile * 100)}`,
    value,
  ])
}

/** Rounded as Go's `%.0f` does: a half to the even neighbour. */
function wholePercent(percent: number): number {
  const down = Math.floor(percent)
  if (percent - down !== 0.5) return Math.round(percent)
  return down % 2 === 0 ? down : down + 1
}
