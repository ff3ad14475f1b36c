import { HttpError } from '../../http/error.ts'
import { eventStream } from '../../http/events.ts'
import type { Reply } from '../../http/reply.ts'
import { Feed } from './feed.ts'
import type { Look } from './look.ts'
import type { Poller } from './poller.ts'
import type { View } from './views.ts'

/** Open at a time. A browser opens one for each page that is shown. */
const MAX_STREAMS = 256

/** The streams of `/api/live`. */
export class Streams {
  readonly #feeds = new Map<string, Feed>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @throws HttpError 503 TOO_MANY_STREAMS */
  open(view: View, poller: Poller): Reply {
    if (this.#size >= MAX_STREAMS) throw new HttpError(503, 'TOO_MANY_STREAMS')
    return eventStream(sink => {
      this.#size++
      const known = this.#feeds.get(view.key)
      const feed = known ?? new Feed(view, poller.signal)
      feed.join(sink)
      const { last, isFresh } = poller
      if (known === undefined) {
        this.#feeds.set(view.key, feed)
        if (last !== undefined) void feed.update(last, isFresh)
      }
      const leave = poller.watch()
      return () => {
        this.#size--
        leave()
        feed.leave(sink)
        if (feed.size === 0) this.#feeds.delete(view.key)
      }
    })
  }

  /** Sends what a look has shown. */
  looked(look: Look): void {
    for (const feed of this.#feeds.values()) void feed.update(look)
  }
}
