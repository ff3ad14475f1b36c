import type { NsqdStats, TopicStats } from '../../cluster/stats.ts'

/** nsqds that are remembered; those that were seen last. */
const MAX_NODES = 1000

/** By topic and channel: how many messages have left it since the nsqd's start, more than had waited in it then. */
type Gone = Map<string, Map<string, number>>

/**
 * Messages that consumers have finished, over all channels. It never goes back: an nsqd that starts anew, or a topic that is
 * deleted, takes nothing away, and an nsqd that does not answer for a while is caught up with.
 */
export class Counter {
  #finished = 0
  readonly #nodes = new Map<string, { startTime: number; gone: Gone }>()

  get finished(): number {
    return this.#finished
  }

  observe(stats: readonly NsqdStats[]): void {
    for (const { node, startTime, topics } of stats) {
      const known = this.#nodes.get(node)
      const gone = this.#take(topics, known?.startTime === startTime ? known.gone : new Map())
      this.#nodes.delete(node)
      this.#nodes.set(node, { startTime, gone })
    }
    for (const node of this.#nodes.keys()) {
      if (this.#nodes.size <= MAX_NODES) break
      this.#nodes.delete(node)
    }
  }

  #take(topics: readonly TopicStats[], before: Gone): Gone {
    const now: Gone = new Map()
    for (const topic of topics) {
      const known = before.get(topic.name)
      const channels = new Map<string, number>()
      for (const { name, messages, depth, inFlight, deferred } of topic.channels) {
        // Below 0 after a restart: what waited before was not counted as a message.
        const gone = messages - depth - inFlight - deferred
        this.#finished += Math.max(0, gone - (known?.get(name) ?? 0))
        channels.set(name, gone)
      }
      now.set(topic.name, channels)
    }
    return now
  }
}
