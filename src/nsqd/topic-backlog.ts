import type { Cursor, CursorEvents } from '../storage/cursor.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import type { Segment } from '../storage/segment.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import type { Logger } from '../util/logger.ts'
import { Shedding, type ShedLimits } from './shedding.ts'
import { Unread, type UnreadHost } from './unread.ts'

/** How long to wait after the disk refused a read, in ms. */
const READ_RETRY = 1000

/** A topic, as its backlog needs it. */
export interface BacklogTopic {
  readonly name: string
  readonly log: TopicLog
  readonly logger: Logger
  readonly closed: boolean
  /** From here … */
  readonly distributed: Position
  /** … to here messages wait in the topic itself. */
  readonly visible: Position
  /** They are given to the channels at once: nothing waits. */
  readonly isFlowing: boolean
  /** Messages up to here no longer wait, and no channel gets them. */
  dropUpTo(position: Position): void
  touched(): void
}

/**
 * Drops what waits in a topic itself, in no channel yet, and is too much or too old. It has a cursor of its own, but only
 * while something waits.
 */
export class TopicBacklog implements CursorEvents, UnreadHost {
  /** For the cursor, what waits is what may be read. */
  readonly topic: UnreadHost['topic']
  readonly #topic: BacklogTopic
  readonly #limits: ShedLimits
  /** Of cursors before. */
  #dropped = 0
  #expired = 0
  #open: { readonly unread: Unread; readonly shedding: Shedding } | undefined
  #retry: NodeJS.Timeout | undefined
  #again: NodeJS.Immediate | undefined

  constructor(topic: BacklogTopic, limits: ShedLimits) {
    this.#topic = topic
    this.#limits = limits
    this.topic = {
      log: topic.log,
      get distributed() {
        return topic.visible
      },
    }
  }

  get droppedCount(): number {
    return this.#dropped + (this.#open?.shedding.dropped ?? 0)
  }

  get expiredCount(): number {
    return this.#expired + (this.#open?.shedding.expired ?? 0)
  }

  /** How many messages that wait are dropped already, and yet to be passed. */
  get leaving(): number {
    return Math.max(0, (this.#open?.unread.floor ?? 0) - ordinalAt(this.#topic.distributed))
  }

  get isShedding(): boolean {
    return this.#open?.shedding.isBehind ?? false
  }

  /** Looks at what waits now. */
  look(): void {
    const topic = this.#topic
    if (topic.closed || topic.isFlowing || ordinalAt(topic.distributed) === ordinalAt(topic.visible)) {
      this.close()
      return
    }
    const { unread, shedding } = (this.#open ??= this.#begin())
    const { cursor } = unread
    // It was emptied meanwhile. The cursor may well be further: it passes what is damaged by itself.
    if (cursor.ordinal < ordinalAt(topic.distributed)) this.jump(topic.distributed)
    shedding.bound(unread.countBefore(Infinity))
    if (this.#retry === undefined) shedding.shed()
    if (cursor.ordinal > ordinalAt(topic.distributed)) topic.dropUpTo(cursor.position)
  }

  /** Lets go of everything; `look` begins anew. */
  close(): void {
    clearTimeout(this.#retry)
    clearImmediate(this.#again)
    this.#retry = this.#again = undefined
    const open = this.#open
    if (open === undefined) return
    this.#open = undefined
    this.#dropped += open.shedding.dropped
    this.#expired += open.shedding.expired
    open.shedding.close()
    open.unread.cursor.close()
  }

  jump(position: Position): void {
    this.#cursor?.jump(position)
  }

  readable(): void {
    this.look()
  }

  readFailed(cause: Error): void {
    if (this.#retry !== undefined) return
    this.#topic.logger.error(`topic ${this.#topic.name}: cannot read the log, trying again: ${cause.message}`)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.look()
    }, READ_RETRY)
  }

  damaged(segment: Segment, offset: number, bytes: number, messages: number): void {
    this.#topic.logger.error(
      `topic ${this.#topic.name}: ${segment.file?.logPath ?? 'memory'} is damaged at byte ${offset}: ` +
        `${messages} messages are left out; these ${bytes} bytes were copied to a file named …bad-${offset}`,
    )
  }

  get #cursor(): Cursor | undefined {
    return this.#open?.unread.cursor
  }

  #begin(): { unread: Unread; shedding: Shedding } {
    const unread = new Unread(this, this.#topic.distributed)
    const shedding = new Shedding(
      {
        log: this.#topic.log,
        held: undefined,
        jump: position => unread.cursor.jump(position),
        pass: bytes => unread.cursor.advance(bytes, 1),
        // It waits for its time in a channel only.
        defer: () => false,
        touched: () => this.#topic.touched(),
        again: () => {
          this.#again ??= setImmediate(() => {
            this.#again = undefined
            this.look()
          })
        },
      },
      unread,
      this.#limits,
    )
    return { unread, shedding }
  }
}
