import { idIndex, idSegment, readIdHigh, readIdLow } from '../protocol/message-id.ts'
import type { HeldMessage } from '../storage/checkpoint.ts'
import type { Cursor } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import type { Segment } from '../storage/segment.ts'
import { InFlightWindow } from './in-flight-window.ts'
import { RunQueue } from './run-queue.ts'
import type { Session } from './session.ts'

/** So many message timeouts are kept track of though nothing is in flight with them. */
const FEW = 8

/** A message that somebody has for the first time. */
export interface Flight extends Position {
  /** When it times out, Unix ms. */
  readonly deadline: number
}

/** The messages of a channel that are on their first flight: who has each, where it lies, and when it times out. */
export class Flights {
  readonly window: InFlightWindow
  readonly #cursor: Cursor
  readonly #sessions: ReadonlySet<Session>
  /** By message timeout, in ms. */
  readonly #runs = new Map<number, RunQueue>()
  /** The segment in which the window's low end lies. */
  #lowSegment: Segment

  constructor(cursor: Cursor, sessions: ReadonlySet<Session>) {
    this.#cursor = cursor
    this.#sessions = sessions
    this.#lowSegment = cursor.segment
    this.window = new InFlightWindow(cursor.ordinal)
  }

  /** How many different message timeouts are kept track of. */
  get timeouts(): number {
    return this.#runs.size
  }

  /** A run of `count` messages, already added to the window, was sent to this session. */
  sent(session: Session, first: number, count: number, nowMs: number): void {
    const timeout = session.msgTimeout
    let runs = this.#runs.get(timeout)
    if (runs === undefined) {
      runs = new RunQueue()
      this.#runs.set(timeout, runs)
    }
    runs.push(first, first + count, nowMs + timeout)
  }

  /** Who has the message; undefined when nobody. */
  sessionOf(ordinal: number): Session | undefined {
    const number = this.window.ownerOf(ordinal)
    if (number === 0) return undefined
    for (const session of this.#sessions) if (session.number === number) return session
    return undefined
  }

  /**
   * The ordinal of an id in one of the window's segments, or -1. The node in it does not matter: only what was sent to
   * the session counts, and --node-id may have been another when the message came.
   */
  ordinalOf(bytes: Buffer, at: number): number {
    const high = readIdHigh(bytes, at)
    const low = readIdLow(bytes, at)
    if (high < 0 || low < 0) return -1
    const number = idSegment(high, low)
    for (let segment: Segment | undefined = this.#lowSegment; segment !== undefined; segment = segment.next) {
      if (segment.number === number) {
        const ordinal = segment.firstOrdinal + idIndex(low)
        return ordinal < segment.endOrdinal ? ordinal : -1
      }
      if (segment === this.#cursor.segment) break
    }
    return -1
  }

  segmentAt(ordinal: number): Segment {
    let segment = this.#lowSegment
    while (segment.next !== undefined && ordinal >= segment.endOrdinal) segment = segment.next
    return segment
  }

  /** When a message times out that this session has, Unix ms. */
  deadlineOf(ordinal: number, session: Session): number {
    return this.#runs.get(session.msgTimeout)?.deadlineOf(ordinal) ?? 0
  }

  /** The nearest deadline, Unix ms; undefined when there is none. That message may be settled already. */
  get nextDeadline(): number | undefined {
    let next: number | undefined
    for (const [timeout, runs] of this.#runs) {
      while (!runs.isEmpty && runs.headEnd <= this.window.low) runs.shift()
      if (runs.isEmpty) {
        // Each client may ask for another one. A few are kept, so that who has one message after the other makes none anew.
        if (this.#runs.size > FEW) this.#runs.delete(timeout)
      } else if (next === undefined || runs.headDeadline < next) {
        next = runs.headDeadline
      }
    }
    return next
  }

  /** Calls `late` for each message that has timed out. It must take the message out of the window. */
  expire(nowMs: number, late: (ordinal: number, session: Session) => void): void {
    for (const runs of this.#runs.values()) {
      for (; !runs.isEmpty && runs.headDeadline <= nowMs; runs.shift()) {
        const end = runs.headEnd
        for (let ordinal = Math.max(runs.headFirst, this.window.low); ordinal < end; ordinal++) {
          const session = this.sessionOf(ordinal)
          if (session !== undefined) late(ordinal, session)
        }
      }
    }
  }

  /** The ordinals of the window that lie in this range, settled ones too. */
  *in({ stretches }: LogRange): Generator<number, void, undefined> {
    const { low, high } = this.window
    for (const { from, to } of stretches) {
      const end = Math.min(high, ordinalAt(to))
      for (let ordinal = Math.max(low, ordinalAt(from)); ordinal < end; ordinal++) yield ordinal
    }
  }

  /** The first messages, oldest first, at most `most`. */
  first(most: number): Flight[] {
    const { window } = this
    const flights: Flight[] = []
    for (let ordinal = window.low; ordinal < window.high && flights.length < most; ordinal++) {
      const session = this.sessionOf(ordinal)
      if (session === undefined) continue
      const segment = this.segmentAt(ordinal)
      const index = ordinal - segment.firstOrdinal
      flights.push({
        segment,
        offset: window.offsetOf(ordinal),
        index,
        deadline: this.deadlineOf(ordinal, session),
      })
    }
    return flights
  }

  /** All of them, for a checkpoint. */
  checkpoint(): HeldMessage[] {
    const { window } = this
    const messages: HeldMessage[] = []
    for (let ordinal = window.low; ordinal < window.high; ordinal++) {
      if (window.ownerOf(ordinal) === 0) continue
      const segment = this.segmentAt(ordinal)
      messages.push({
        idSegment: segment.number,
        idIndex: ordinal - segment.firstOrdinal,
        segment: segment.number,
        offset: window.offsetOf(ordinal),
        attempts: 1,
        dueMs: 0,
      })
    }
    return messages
  }

  /** Begins anew at the cursor, which has jumped, with nothing in flight. */
  reset(): void {
    // The cursor may come to the same messages again, after a replay.
    this.#runs.clear()
    this.window.reset(this.#cursor.ordinal)
    this.#lowSegment = this.#cursor.segment
  }

  /** Follows the window's low end into the next segments, so that old ones can go. */
  tidy(): void {
    let segment = this.#lowSegment
    while (
      segment.next !== undefined &&
      segment !== this.#cursor.segment &&
      segment.endOrdinal <= this.window.low
    ) {
      segment = segment.next
    }
    this.#lowSegment = segment
  }
}
