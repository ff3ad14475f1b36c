import type { Segment } from './segment.ts'
import type { TopicLog } from './topic-log.ts'

/** How long finished messages of a topic stay. */
export interface RetentionOptions {
  /** In ms; 0 for no limit. */
  readonly retainTime: number
  /** 0 for no limit. With neither, nothing is retained. */
  readonly retainBytes: number
}

/** A segment is followed by another after this part of the time, or this part of the bytes, that is retained. */
const PARTS = 8
/** No segment is finished early that is smaller, or younger (ms). */
const LEAST_BYTES = 1024 * 1024
const LEAST_TIME = 60_000

/** How large a segment may grow: some of them must fit into what is retained. */
export function segmentBytes({ retainBytes }: RetentionOptions, maxBytes: number): number {
  return retainBytes === 0
    ? maxBytes
    : Math.min(maxBytes, Math.max(LEAST_BYTES, Math.ceil(retainBytes / PARTS)))
}

/**
 * Which segments of a log are kept though nobody needs them any more. They lie at its beginning:
 *
 *     expired | retained | live: where the channel that is furthest behind reads, …
 */
export class Retention {
  readonly #log: TopicLog
  readonly #options: RetentionOptions
  /** The first segment that is not finished. */
  #live: Segment
  #bytes = 0

  constructor(log: TopicLog, options: RetentionOptions) {
    this.#log = log
    this.#options = options
    this.#live = log.first
  }

  get isOn(): boolean {
    return this.#options.retainTime > 0 || this.#options.retainBytes > 0
  }

  /** Bytes of finished segments. */
  get bytes(): number {
    return this.#bytes
  }

  /** Everything before this segment is finished; it may be older than the last time, after a replay. */
  finishedBefore(live: Segment): void {
    for (let s = live; s.number < this.#live.number && s.next !== undefined; s = s.next) {
      this.#bytes -= s.committedSize
    }
    for (let s = this.#live; s.number < live.number && s.next !== undefined; s = s.next) {
      this.#bytes += s.committedSize
    }
    this.#live = live
  }

  /** The log has let go of this segment, which was finished. */
  removed(segment: Segment): void {
    this.#bytes -= segment.committedSize
  }

  /** The finished segments that are kept no longer, oldest first. Those that are kept are not looked at. */
  expired(nowMs: number): Segment[] {
    const expired: Segment[] = []
    let bytes = this.#bytes
    for (let s = this.#log.first; s !== this.#live && s.next !== undefined; s = s.next) {
      if (!this.#isExpired(s, bytes, nowMs)) break
      expired.push(s)
      bytes -= s.committedSize
    }
    return expired
  }

  /** When the oldest finished segment took its last message, about, in Unix ms; undefined when there is none. */
  get oldestMs(): number | undefined {
    const { first } = this.#log
    return first === this.#live ? undefined : (this.#endMs(first, Infinity) ?? 0)
  }

  /** The oldest of the finished segments, at most `most`. */
  oldest(most: number): Segment[] {
    const oldest: Segment[] = []
    for (
      let s = this.#log.first;
      s !== this.#live && s.next !== undefined && oldest.length < most;
      s = s.next
    ) {
      oldest.push(s)
    }
    return oldest
  }

  /** Sees to it that segments are not filled for longer than is sensible for the time that is retained. */
  rollByTime(nowMs: number): void {
    const { retainTime } = this.#options
    if (retainTime > 0) this.#log.rollIfOlder(nowMs - Math.max(LEAST_TIME, retainTime / PARTS))
  }

  /** `bytes`: those of this finished segment and all behind it. */
  #isExpired(segment: Segment, bytes: number, nowMs: number): boolean {
    const { retainTime, retainBytes } = this.#options
    if (!this.isOn || (retainBytes > 0 && bytes > retainBytes)) return true
    if (retainTime === 0) return false
    const endMs = this.#endMs(segment, nowMs)
    return endMs !== undefined && nowMs - endMs > retainTime
  }

  /**
   * All messages of a segment are older than the first one behind it. A time still to come says only that the clock was
   * wrong, and would keep everything until then.
   */
  #endMs(segment: Segment, nowMs: number): number | undefined {
    for (let s = segment.next; s !== undefined; s = s.next) {
      const ms = this.#log.firstMs(s)
      if (ms !== undefined && ms <= nowMs) return ms
    }
    return undefined
  }
}
