import type { NsqdStats } from '../../cluster/stats.ts'

/** nsqds that are remembered; those that were seen last. */
const MAX_NODES = 1000

/**
 * Messages that consumers have finished, over all channels. It never goes back: an nsqd that starts anew, or a topic that is
 * deleted, takes nothing away, and an nsqd that does not answer for a while is caught up with.
 */
export class Counter {
  #finished = 0
  readonly #nodes = new Map<string, { startTime: number; finished: number }>()

  get finished(): number {
    return this.#finished
  }

  observe(stats: readonly NsqdStats[]): void {
    for (const { node, startTime, topics } of stats) {
      let finished = 0
      for (const { channels } of topics) {
        for (const { messages, depth, inFlight, deferred } of channels) {
          // Below 0 after a restart: what waited before was not counted as a message.
          finished += Math.max(0, messages - depth - inFlight - deferred)
        }
      }
      const known = this.#nodes.get(node)
      const before = known?.startTime === startTime ? known.finished : 0
      this.#finished += Math.max(0, finished - before)
      this.#nodes.delete(node)
      this.#nodes.set(node, { startTime, finished })
    }
    for (const node of this.#nodes.keys()) {
      if (this.#nodes.size <= MAX_NODES) break
      this.#nodes.delete(node)
    }
  }
}
