import { type ChannelCheckpoint, placeOf } from '../storage/checkpoint.ts'
import { Cursor, type CursorEvents } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import { byteAt, ordinalAt, type Position } from '../storage/position.ts'
import type { Segment } from '../storage/segment.ts'
import { type Stretch, union } from '../storage/stretch.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import { Skips } from './skips.ts'
import type { Readable } from './topic.ts'

/** What the messages of a channel need of their topic, and of the channel. */
export interface UnreadHost extends CursorEvents {
  readonly topic: { readonly log: TopicLog; readonly distributed: Position }
  /** Moves the cursor by `Cursor.jump`, and whatever goes with it. */
  jump(position: Position): void
}

/** The messages that a channel has not delivered yet: those from its cursor on, but for what it leaves out. */
export class Unread {
  readonly cursor: Cursor
  /** Messages before this ordinal are dropped: they count no more, and the cursor will pass them. */
  floor = 0
  readonly #host: UnreadHost
  readonly #skips = new Skips()

  constructor(host: UnreadHost, position: Position) {
    this.#host = host
    this.cursor = new Cursor(host.topic.log, host, position)
  }

  /** How many messages may be read from the cursor on, which is moved past what is left out. */
  get available(): number {
    let end = ordinalAt(this.#host.topic.distributed)
    if (!this.#skips.isEmpty) {
      const next = this.#pass()
      if (next !== undefined) end = ordinalAt(next.from)
    }
    return end - this.cursor.ordinal
  }

  /** How many messages there are before this ordinal. */
  countBefore(end: number): number {
    return this.#count(this.#start, Math.min(end, ordinalAt(this.#host.topic.distributed)))
  }

  /** What they take in the log, in bytes; those before the floor are among them until the cursor has passed them. */
  get bytes(): number {
    const start = byteAt(this.cursor)
    const end = byteAt(this.#host.topic.distributed)
    return Math.max(0, end - start) - this.#skips.countBytes(start, end)
  }

  countIn({ stretches }: LogRange): number {
    const start = this.#start
    let count = 0
    for (const { from, to } of stretches) {
      count += this.#count(Math.max(start, ordinalAt(from)), ordinalAt(to))
    }
    return count
  }

  /** Drops the first `count` of them: see `floor`. */
  dropFirst(count: number): void {
    if (count > 0) this.floor = this.#behind(count, this.#start, ordinalAt)
  }

  /** The byte of the log behind the first `bytes` bytes of them. */
  byteBehind(bytes: number): number {
    return this.#behind(bytes, byteAt(this.cursor), byteAt)
  }

  /** Where they lie. */
  stretches(): Readable[] {
    const end = ordinalAt(this.#host.topic.distributed)
    return this.#skips
      .stretchesFrom(this.cursor.position)
      .map(({ from, to }) => ({ from, until: to === undefined ? end : ordinalAt(to) }))
  }

  /** The segment of the first of them: the cursor steps out of one that it has read to its end. */
  firstSegment(): Segment {
    this.#pass()
    this.cursor.settle()
    return this.cursor.segment
  }

  /** Leaves this out, which lies behind all that is left out already. */
  skip(stretch: Stretch): void {
    this.#skips.push(stretch)
    this.#pass()
  }

  /** Takes these messages in as well. */
  add({ stretches }: LogRange): void {
    const all = union(this.#skips.stretchesFrom(this.cursor.position), stretches)
    const [first] = all
    if (first !== undefined) this.#host.jump(first.from)
    this.#skips.readOnly(all)
  }

  /** Goes on at the end. */
  clear(): void {
    this.#skips.clear()
    this.#host.jump(this.#host.topic.distributed)
  }

  checkpoint(): Pick<ChannelCheckpoint, 'cursor' | 'skips'> {
    const { cursor } = this
    const skips = this.#skips.after(cursor.ordinal)
    return {
      cursor: placeOf(cursor.position),
      skips: skips.map(({ from, to }) => ({ from: placeOf(from), to: placeOf(to) })),
    }
  }

  /** The ordinal of the first of them. */
  get #start(): number {
    return Math.max(this.cursor.ordinal, this.floor)
  }

  /** Where one is that has gone `length` on from `start`, but for what is left out; by ordinals, or by bytes. */
  #behind(length: number, start: number, placeAt: (position: Position) => number): number {
    let left = length
    for (const { from, to } of this.#skips.stretchesFrom(this.cursor.position)) {
      const first = Math.max(start, placeAt(from))
      const end = to === undefined ? Infinity : placeAt(to)
      if (first + left <= end) return first + left
      left -= Math.max(0, end - first)
    }
    return start + length
  }

  /** Moves the cursor past what is left out, if it stands there. Returns what is left out next. */
  #pass(): Stretch | undefined {
    for (;;) {
      const next = this.#skips.next(this.cursor.ordinal)
      if (next === undefined || ordinalAt(next.from) > this.cursor.ordinal) return next
      this.#host.jump(next.to)
    }
  }

  /** How many of those with ordinals from `start` on and before `end` are not left out. */
  #count(start: number, end: number): number {
    return Math.max(0, end - start) - this.#skips.count(start, end)
  }
}
