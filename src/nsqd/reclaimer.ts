import { ordinalAt } from '../storage/position.ts'
import { Retention, type RetentionOptions } from '../storage/retention.ts'
import type { Segment } from '../storage/segment.ts'
import type { Stragglers } from '../storage/stragglers.ts'
import { errorText } from '../util/errors.ts'
import { now } from './clock.ts'
import type { Held, HeldMessages } from './held-messages.ts'
import type { Topic } from './topic.ts'

/** How long to wait after stragglers could not be moved, in ms. */
const MOVE_RETRY = 10_000
/** A segment with a smaller share of unfinished messages is given up, and these are moved. */
const STRAGGLER_SHARE = 0.5
/** How many segments go at once, so that nothing waits long when thousands do. */
const MOST_AT_ONCE = 16

/** How many of the oldest segments are looked at for one to give up when the disk is full. */
const CANDIDATES = 16

/** A segment that the log has let go of. */
interface Doomed {
  readonly segment: Segment
  /** Messages of it were moved: a checkpoint must say where to before its files go. */
  readonly isMoved: boolean
}

/** A held message, and the channel's messages that it is among. */
interface Holding {
  readonly held: Held
  readonly among: HeldMessages
}

/** Sees to it that segments of a topic go when nothing in them is needed any more, and they are not to be retained. */
export class Reclaimer {
  readonly #topic: Topic
  readonly #stragglers: Stragglers
  readonly #retention: Retention
  /** Stragglers are not moved before this time. */
  #moveNotBefore = 0
  /** Segments to be given up in which too much is unfinished. Nothing changes that as long as nothing else does. */
  #stuck = 0
  /** Segments that nothing refers to once a checkpoint has said so. */
  #doomed: Doomed[] = []
  /** Those of them that could not be deleted. */
  readonly #undeleted = new Set<Doomed>()

  constructor(topic: Topic, stragglers: Stragglers, options: RetentionOptions) {
    this.#topic = topic
    this.#stragglers = stragglers
    this.#retention = new Retention(topic.log, options)
    this.#report()
  }

  /** Whether there is something to give up, though nothing has changed in the topic. */
  get isDue(): boolean {
    return this.#retention.expired(now()).length > this.#stuck
  }

  /** When the oldest segment that is retained took its last message, about, Unix ms; undefined when there is none. */
  get oldestMs(): number | undefined {
    return this.#retention.isOn ? this.#retention.oldestMs : undefined
  }

  /** Begins a new segment where the time to retain asks for it. */
  roll(): void {
    try {
      this.#retention.rollByTime(now())
    } catch (error) {
      // A new segment needs a number, and there may be none left. The old one does for longer.
      const { name, logger } = this.#topic
      logger.error(`topic ${name}: cannot begin a segment: ${errorText(error)}`)
    }
  }

  /**
   * Gives up segments that every channel has left; moves what little is unfinished in them. False when not all was done:
   * the disk was in the way, or there is too much to do at once. Such segments stay a while longer.
   */
  reclaim(): boolean {
    const { log } = this.#topic
    this.#skipForEphemeral()
    this.#findFinished()
    const expired = this.#retention.expired(now())
    const roomy = (segment: Segment): boolean => !this.#isCrowded(segment)
    const passed = expired.filter(roomy)
    const stragglers = [...this.#stragglers.segments].filter(roomy)
    let count = 0
    if (passed.length + stragglers.length > 0) {
      const held = this.#heldBySegment(passed.at(-1), [...passed, ...stragglers])
      for (const segment of passed) {
        if (count === MOST_AT_ONCE) break
        if (!this.#moveStragglers(segment, held)) continue
        count++
        log.unlink(segment)
        this.#retention.removed(segment)
      }
      for (const segment of stragglers) {
        if (this.#moveStragglers(segment, held)) this.#stragglers.unlink(segment)
      }
    }
    this.#stuck = expired.length - count
    this.#report()
    this.#topic.releaseMemory()
    return count < MOST_AT_ONCE && now() >= this.#moveNotBefore
  }

  /** Whether messages were moved out of what waits for a checkpoint to go. */
  get hasMoved(): boolean {
    return this.#doomed.some(({ isMoved }) => isMoved)
  }

  /** A checkpoint was written: the files of what was given up before it was begun can go. */
  removeDoomed(): void {
    for (const doomed of this.#doomed.splice(0)) this.#remove(doomed)
  }

  /**
   * The disk is full: gives up, at once, what waits for a checkpoint only, or else the oldest segment that is retained.
   * Nothing is lost by that: if there is a crash, an older checkpoint finds the messages that it wants to be gone, and
   * these were finished. False when there is no such thing.
   */
  makeRoom(): boolean {
    const safe = this.#doomed.filter(({ isMoved }) => !isMoved)
    if (safe.length > 0) {
      this.#doomed = this.#doomed.filter(({ isMoved }) => isMoved)
      for (const doomed of safe) this.#remove(doomed)
      return true
    }
    if (!this.#retention.isOn) return false
    this.#findFinished()
    const candidates = this.#retention.oldest(CANDIDATES)
    const held = this.#heldBySegment(candidates.at(-1), candidates)
    const segment = candidates.find(candidate => !held.has(candidate))
    if (segment === undefined) return false
    this.#topic.log.unlink(segment)
    this.#retention.removed(segment)
    this.#report()
    this.#remove({ segment, isMoved: false })
    return true
  }

  #report(): void {
    this.#topic.retainedBytes = this.#retention.isOn ? this.#retention.bytes : undefined
  }

  /** Tells which segments every channel has left. */
  #findFinished(): void {
    const topic = this.#topic
    topic.settleDistributed()
    let live = topic.distributed.segment
    for (const channel of topic.channels.values()) {
      const segment = channel.firstSegment()
      if (segment.number < live.number) live = segment
    }
    this.#retention.finishedBefore(live)
  }

  /**
   * Whether one channel alone has too much of this segment for it to be given up. Asked first, so that a million deferred
   * messages are not walked through each time.
   */
  #isCrowded(segment: Segment): boolean {
    for (const channel of this.#topic.channels.values()) {
      if (channel.held().countOf(segment) >= segment.count * STRAGGLER_SHARE && segment.count > 0) return true
    }
    return false
  }

  /** Whether nothing in this segment is needed, after moving the rest when it is little. Its files go later. */
  #moveStragglers(segment: Segment, bySegment: Map<Segment, Holding[]>): boolean {
    const holdings = bySegment.get(segment)
    if (holdings === undefined) {
      this.#doomed.push({ segment, isMoved: false })
      return true
    }
    const offsets = new Set(holdings.map(({ held }) => held.offset))
    if (offsets.size >= segment.count * STRAGGLER_SHARE || now() < this.#moveNotBefore) return false
    const moved = this.#tryMove(segment, [...offsets])
    if (moved === undefined) return false
    for (const { held, among } of holdings) {
      among.relocate(held, moved.segment, moved.offsets.get(held.offset) ?? held.offset)
    }
    bySegment.delete(segment)
    bySegment.set(moved.segment, [...(bySegment.get(moved.segment) ?? []), ...holdings])
    this.#doomed.push({ segment, isMoved: true })
    return true
  }

  #tryMove(segment: Segment, offsets: readonly number[]): ReturnType<Stragglers['take']> | undefined {
    try {
      return this.#stragglers.take(segment, offsets)
    } catch (error) {
      const topic = this.#topic
      this.#moveNotBefore = now() + MOVE_RETRY
      topic.logger.error(`topic ${topic.name}: cannot give up a segment: ${errorText(error)}`)
      return undefined
    }
  }

  /**
   * The held messages of all channels that lie in these segments; up to the end of `last`, what is in flight is held. Where
   * there are none, no other one is looked at.
   */
  #heldBySegment(last: Segment | undefined, segments: readonly Segment[]): Map<Segment, Holding[]> {
    const bySegment = new Map<Segment, Holding[]>()
    for (const channel of this.#topic.channels.values()) {
      if (last !== undefined) channel.holdUpTo(last.endOrdinal)
      const among = channel.held()
      const wanted = new Set(segments.filter(segment => among.countOf(segment) > 0))
      if (wanted.size === 0) continue
      for (const held of among.values()) {
        if (!wanted.has(held.segment)) continue
        const known = bySegment.get(held.segment)
        if (known === undefined) bySegment.set(held.segment, [{ held, among }])
        else known.push({ held, among })
      }
    }
    return bySegment
  }

  /**
   * An ephemeral channel does not keep the log: one that is a whole segment and --mem-queue-size messages behind goes
   * on with the next segment.
   */
  #skipForEphemeral(): void {
    const topic = this.#topic
    const end = ordinalAt(topic.distributed)
    for (const channel of topic.channels.values()) {
      if (!channel.ephemeral) continue
      const before = channel.depth
      for (let s = channel.firstSegment(); s.next !== undefined; s = s.next) {
        const behind = Math.max(0, end - s.next.endOrdinal)
        if (s.next.firstOrdinal > end || behind < topic.options.memQueueSize) break
        channel.jump({ segment: s.next, offset: 0, index: 0 })
      }
      const dropped = before - channel.depth
      if (dropped > 0) {
        channel.overtakenCount += dropped
        topic.logger.warn(
          `channel ${topic.name}/${channel.name} is too slow: ${dropped} messages were dropped, as it is ephemeral`,
        )
      }
    }
  }

  /** Deletes the files of this. What the disk refuses is tried again behind the next checkpoint. */
  #remove(doomed: Doomed): void {
    try {
      doomed.segment.file?.remove()
      this.#undeleted.delete(doomed)
    } catch (error) {
      this.#doomed.push(doomed)
      if (this.#undeleted.has(doomed)) return
      this.#undeleted.add(doomed)
      const { name, logger } = this.#topic
      logger.error(`topic ${name}: cannot delete a segment, trying again: ${errorText(error)}`)
    }
  }
}
