import { byteAt, type Position } from '../storage/position.ts'
import { dueOf, isDeferred, publishedMsOf, recordLength } from '../storage/record.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import { Alarm } from './alarm.ts'
import { now } from './clock.ts'
import type { Held, HeldMessages } from './held-messages.ts'
import type { Unread } from './unread.ts'

/** How much may wait, and for how long; 0 for no limit. */
export interface ShedLimits {
  readonly messages: number
  /** Of records in the log. */
  readonly bytes: number
  /** In ms, since the message was published, or was due. */
  readonly age: number
}

/** What the shedding needs of the channel, or the topic, whose messages they are. */
export interface ShedHost {
  readonly log: TopicLog
  /** What has left the way from cursor to FIN; a topic has no such thing. */
  readonly held: HeldMessages | undefined
  /** Moves the cursor by `Cursor.jump`, and whatever goes with it. */
  jump(position: Position): void
  /** The message at the cursor, so long, is done with. */
  pass(bytes: number): void
  /** Takes the deferred message at the cursor out of the way, until it is due. False when that cannot be done. */
  defer(): boolean
  /** The disk is read: what that takes is to be given back when nothing else happens. */
  touched(): void
  /** Calls `shed` soon: there is more to do than should be done at once. */
  again(): void
}

/** How many messages go at once, so that nothing waits long when millions do. */
const MOST_AT_ONCE = 65_536

/**
 * Drops what waits and is too much, or too old:
 *
 *     finished | cursor: too much, unread.floor: too old, … | stays …
 *
 * What is too much is known at once, by number; the cursor then passes it, whole segments without a look, other
 * messages as they come into memory. What is too old lies at the cursor, as times rise along the log: so only one
 * message is looked at, and an alarm is set for when it will be too old.
 */
export class Shedding {
  /** Since the start: messages dropped because they were too many, and because they were too old. */
  dropped = 0
  expired = 0
  readonly #host: ShedHost
  readonly #unread: Unread
  readonly #limits: ShedLimits
  /** Messages that begin before this byte of the log are too much. */
  #floorByte = 0
  /** Nothing at the cursor is too old before this time, Unix ms. */
  #quietUntil = 0
  readonly #alarm: Alarm

  constructor(host: ShedHost, unread: Unread, limits: ShedLimits) {
    this.#host = host
    this.#unread = unread
    this.#limits = limits
    this.#alarm = new Alarm(() => host.again())
  }

  /** Whether some of what is too much is yet to be passed: a checkpoint does not know that it is dropped. */
  get isBehind(): boolean {
    return this.#isTooMuch()
  }

  /** Drops what must not be delivered any more. False when some of it is still there: it must be read first. */
  shed(): boolean {
    this.#shedHeld()
    const { cursor } = this.#unread
    if (!this.#isTooMuch() && this.#isQuiet()) return true
    for (let count = 0; this.#unread.available > 0; count++) {
      if (count === MOST_AT_ONCE) {
        this.#host.again()
        return false
      }
      if (this.#passSegment()) continue
      const isTooMuch = this.#isTooMuch()
      if (!isTooMuch && this.#limits.age === 0) return true
      if (!cursor.fill() || cursor.block === undefined) {
        this.#host.touched()
        return false
      }
      const { bytes } = cursor.block
      const { at } = cursor
      if (isTooMuch) {
        // Those before the floor are counted already.
        if (cursor.ordinal >= this.#unread.floor) this.dropped++
      } else {
        if (this.#isYoung(publishedMsOf(bytes, at))) return true
        if (isDeferred(bytes, at) && dueOf(bytes, at) + this.#limits.age > now()) {
          // Older than those behind it, but it may be wanted for longer.
          if (this.#host.defer()) continue
          this.#isYoung(dueOf(bytes, at))
          return true
        }
        this.expired++
      }
      this.#host.pass(recordLength(bytes, at))
    }
    return true
  }

  /**
   * New messages have come: says how many of the oldest that wait are too much, for `shed` to drop them.
   * `waiting`: how many wait, with the deferred ones.
   */
  bound(waiting: number): void {
    const { messages, bytes } = this.#limits
    const unread = this.#unread
    if (messages > 0 && waiting > messages) {
      let excess = waiting - messages
      excess -= this.#dropHeld(excess, held => held.nextReady())
      const fresh = Math.min(excess, unread.countBefore(Infinity))
      unread.dropFirst(fresh)
      this.dropped += fresh
      this.#dropHeld(excess - fresh, held => held.nextDeferred())
    }
    if (bytes > 0 && unread.bytes > bytes) this.#floorByte = unread.byteBehind(unread.bytes - bytes)
  }

  /** Whether a message that is ready has waited for too long: then it is dropped. */
  dropsHeld(held: Held): boolean {
    const { age } = this.#limits
    if (age === 0) return false
    held.since ||= this.#sinceOf(held)
    if (held.since === 0 || held.since + age > now()) return false
    this.#host.held?.remove(held)
    this.expired++
    return true
  }

  /** The cursor has gone back: nothing is known of what lies there. */
  reset(): void {
    this.#unread.floor = 0
    this.#floorByte = 0
    this.#quietUntil = 0
  }

  close(): void {
    this.#alarm.clear()
  }

  #isTooMuch(): boolean {
    const { cursor, floor } = this.#unread
    return cursor.ordinal < floor || byteAt(cursor) < this.#floorByte
  }

  /** Whether nothing at the cursor can be too old. */
  #isQuiet(): boolean {
    if (this.#limits.age === 0) return true
    if (now() >= this.#quietUntil) return false
    // It may have rung: timers are early by a fraction of a millisecond now and then.
    this.#alarm.set(this.#quietUntil)
    return true
  }

  /** Whether a message of this time stays; then the alarm is set for when it will not. */
  #isYoung(since: number): boolean {
    const end = since + this.#limits.age
    if (end <= now()) return false
    this.#quietUntil = end
    this.#alarm.set(end)
    return true
  }

  /** Passes the rest of the cursor's segment, if all of it is too much. */
  #passSegment(): boolean {
    const unread = this.#unread
    const { segment, ordinal } = unread.cursor
    const { next, endOrdinal } = segment
    if (next === undefined || endOrdinal > ordinal + unread.available) return false
    if (endOrdinal > unread.floor && segment.firstByte + segment.committedSize > this.#floorByte) return false
    this.dropped += Math.max(0, endOrdinal - Math.max(ordinal, unread.floor))
    this.#host.jump({ segment: next, offset: 0, index: 0 })
    return true
  }

  #shedHeld(): void {
    const { held } = this.#host
    if (held === undefined || this.#limits.age === 0) return
    for (let first = held.nextReady(); first !== undefined; first = held.nextReady()) {
      if (this.dropsHeld(first)) continue
      if (first.since > 0) this.#alarm.set(first.since + this.#limits.age)
      return
    }
  }

  /** Drops what `next` gives, up to so many; says how many. */
  #dropHeld(most: number, next: (held: HeldMessages) => Held | undefined): number {
    const { held } = this.#host
    if (held === undefined) return 0
    let count = 0
    for (let first = next(held); first !== undefined && count < most; first = next(held)) {
      held.remove(first)
      count++
    }
    this.dropped += count
    return count
  }

  /** Since when a held message might have been delivered; 0 when it cannot be read, which is the delivery's business. */
  #sinceOf({ segment, offset, record }: Held): number {
    try {
      const bytes = record ?? this.#host.log.copyRecord(segment, offset)
      return isDeferred(bytes, 0) ? dueOf(bytes, 0) : publishedMsOf(bytes, 0)
    } catch {
      return 0
    }
  }
}
