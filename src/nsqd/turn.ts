/** What has its part at the end of a turn, once however often it was asked for. Turn writes `inTurn`; nobody else does. */
interface Part {
  inTurn: boolean
}

export interface Committing extends Part {
  commit(): void
}

export interface Pumping extends Part {
  pump(): void
}

export interface Flushing extends Part {
  flush(): void
}

/**
 * What must happen before the event loop waits again. All sockets that had something to read have been read by then,
 * so one commit, one write to disk and one write to each socket serve all of it:
 *
 *     read … read -> commit topics (the OKs are queued) -> pump channels (messages are queued) -> flush sockets
 *
 * With --durability=none the OKs are queued while reading, and sockets are flushed before the commit, too.
 */
export class Turn {
  #topics: Committing[] = []
  #channels: Pumping[] = []
  #sessions: Flushing[] = []
  #scheduled = false
  readonly #flushesFirst: boolean
  readonly #ended: () => void

  /** `ended`: called when everything is written. */
  constructor({ flushesFirst = false, ended = (): void => {} } = {}) {
    this.#flushesFirst = flushesFirst
    this.#ended = ended
  }

  /** The topic has messages to commit. */
  commit(topic: Committing): void {
    if (topic.inTurn) return
    topic.inTurn = true
    this.#topics.push(topic)
    this.#schedule()
  }

  /** The channel may have messages for its sessions. */
  pump(channel: Pumping): void {
    if (channel.inTurn) return
    channel.inTurn = true
    this.#channels.push(channel)
    this.#schedule()
  }

  /** The session has something to write. */
  flush(session: Flushing): void {
    if (session.inTurn) return
    session.inTurn = true
    this.#sessions.push(session)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }

  #flushSessions(): void {
    const sessions = this.#sessions
    this.#sessions = []
    for (const session of sessions) {
      session.inTurn = false
      session.flush()
    }
  }

  readonly #run = (): void => {
    if (this.#flushesFirst) this.#flushSessions()
    const topics = this.#topics
    this.#topics = []
    for (const topic of topics) {
      topic.inTurn = false
      topic.commit()
    }
    const channels = this.#channels
    this.#channels = []
    for (const channel of channels) {
      channel.inTurn = false
      channel.pump()
    }
    this.#flushSessions()
    this.#ended()
    this.#scheduled = false
    // Whatever the above asked for itself comes in a turn of its own, after the sockets were read again.
    if (this.#topics.length + this.#channels.length + this.#sessions.length > 0) this.#schedule()
  }
}
