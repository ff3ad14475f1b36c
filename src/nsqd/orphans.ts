import type { Logger } from '../util/logger.ts'
import { formatDuration } from '../util/duration.ts'

const DAY = 24 * 3_600_000
/** All channels are looked at this often, in ms, or four times in --orphan-after. */
const LOOK = 10_000

interface OrphanTopic {
  readonly name: string
  readonly channels: ReadonlyMap<string, OrphanChannel>
}

interface OrphanChannel {
  readonly name: string
  /** Messages wait in it, and nobody has come for them for --orphan-after. */
  readonly isOrphaned: boolean | undefined
  readonly waitingCount: number
  readonly sessions: { readonly size: number }
  /** Since when it has had no consumer, Unix ms. */
  readonly idleSince: number
}

interface Warned {
  readonly topic: OrphanTopic
  readonly at: number
}

/**
 * Says which channels were forgotten: messages wait in them, and take up the disk, and no consumer comes. Each is told of
 * when it is found, then once a day, and when somebody has come.
 */
export class Orphans {
  readonly #orphanAfter: number
  readonly #logger: Logger
  readonly #warned = new Map<OrphanChannel, Warned>()
  #notBefore = 0

  /** @param orphanAfter - in ms; 0 for never */
  constructor(orphanAfter: number, logger: Logger) {
    this.#orphanAfter = orphanAfter
    this.#logger = logger
  }

  /** To be called often; `nowMs`: Unix ms. */
  look(topics: ReadonlyMap<string, OrphanTopic>, nowMs: number): void {
    if (this.#orphanAfter === 0 || nowMs < this.#notBefore) return
    this.#notBefore = nowMs + Math.min(LOOK, this.#orphanAfter / 4)
    this.#forget(topics)
    for (const topic of topics.values()) {
      for (const channel of topic.channels.values())
        if (channel.isOrphaned === true) this.#warn(topic, channel, nowMs)
    }
  }

  #warn(topic: OrphanTopic, channel: OrphanChannel, nowMs: number): void {
    const before = this.#warned.get(channel)
    if (before !== undefined && nowMs - before.at < DAY) return
    this.#warned.set(channel, { topic, at: nowMs })
    const { waitingCount, idleSince } = channel
    const minutes = Math.floor((nowMs - idleSince) / 60_000)
    const time =
      minutes > 0 ? formatDuration(minutes * 60_000) : formatDuration(Math.floor(nowMs - idleSince))
    this.#logger.warn(
      `channel ${topic.name}/${channel.name} has had no consumer for ${time}, and ` +
        `${waitingCount === 1 ? '1 message waits' : `${waitingCount} messages wait`} in it; delete it if it is not needed`,
    )
  }

  /** Those that are orphaned no more. */
  #forget(topics: ReadonlyMap<string, OrphanTopic>): void {
    for (const [channel, { topic }] of this.#warned) {
      const isThere = topics.get(topic.name)?.channels.get(channel.name) === channel
      if (isThere && channel.isOrphaned === true) continue
      this.#warned.delete(channel)
      if (isThere && channel.sessions.size > 0) {
        this.#logger.info(`channel ${topic.name}/${channel.name} has a consumer again`)
      }
    }
  }
}
