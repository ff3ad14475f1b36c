import { HttpError } from '../../../http/error.ts'
import { eventStream } from '../../../http/events.ts'
import type { Reply } from '../../../http/reply.ts'
import { isValidTopicName, NAME_RULE } from '../../../protocol/names.ts'
import type { NsqadminOptions } from '../../options.ts'
import { integerArgument, nameArgument } from '../arguments.ts'
import type { WallClock } from '../clock.ts'
import { nearNames } from '../near.ts'
import type { Poller } from '../poller.ts'
import type { Watch, WatchedCluster } from './watch.ts'

/** Open at a time. Each has a channel at every nsqd of its topic. */
const MAX_WATCHES = 32
const RATE = { fallback: 20, min: 1, max: 200 }

/** The streams of `/api/watch`. */
export class Watches {
  readonly #options: Pick<NsqadminOptions, 'pollInterval' | 'httpClientConnectTimeout'>
  readonly #clock: WallClock
  readonly #poller: Poller
  readonly #open = new Set<Watch>()
  #size = 0

  constructor(
    options: Pick<NsqadminOptions, 'pollInterval' | 'httpClientConnectTimeout'>,
    clock: WallClock,
    poller: Poller,
  ) {
    this.#options = options
    this.#clock = clock
    this.#poller = poller
  }

  get size(): number {
    return this.#size
  }

  async open(query: URLSearchParams): Promise<Reply> {
    const topic = nameArgument(query, 'topic')
    if (!isValidTopicName(topic)) throw new HttpError(400, `INVALID_TOPIC: ${NAME_RULE}`)
    const { fallback, min, max } = RATE
    const rate = integerArgument(query, 'rate', fallback, min, max)
    // The client is not needed before somebody watches.
    const { Watch } = await import('./watch.ts')
    if (this.#size >= MAX_WATCHES) throw new HttpError(503, 'TOO_MANY_WATCHES: others watch, try again later')
    const { pollInterval, httpClientConnectTimeout } = this.#options
    return eventStream(sink => {
      this.#size++
      const watch = new Watch({
        topic,
        rate,
        intervalMs: pollInterval,
        connectTimeoutMs: httpClientConnectTimeout,
        cluster: this.#cluster(),
        sink,
        now: () => this.#clock.now(),
      })
      this.#open.add(watch)
      return () => {
        this.#size--
        this.#open.delete(watch)
        watch.close()
      }
    })
  }

  close(): void {
    for (const watch of this.#open) watch.close()
  }

  #cluster(): WatchedCluster {
    const poller = this.#poller
    return {
      look: (topic, signal) => poller.cluster.look({ topic }, signal),
      near: topic => nearNames(topic, poller.last?.topicNames ?? []),
      async depthAt(node, topic, channel, signal) {
        const about = { node, hostname: '', version: '' }
        const { value } = await poller.cluster.statsOf(about, { topic, channel }, signal)
        return value.topics[0]?.channels.find(({ name }) => name === channel)?.depth ?? 0
      },
      emptyAt: (node, topic, channel, signal) => poller.cluster.emptyChannelAt(node, topic, channel, signal),
    }
  }
}
