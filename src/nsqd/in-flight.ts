import { ProtocolError, type ProtocolErrorCode } from '../protocol/errors.ts'
import { ID_LENGTH, idIndex, idSegment, MAX_INDEX, readIdHigh, readIdLow } from '../protocol/message-id.ts'
import type { HeldMessage } from '../storage/checkpoint.ts'
import type { Cursor } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import { dueOf, publishedMsOf, recordLength } from '../storage/record.ts'
import type { Segment } from '../storage/segment.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import type { LatencyQuantiles } from '../util/quantile.ts'
import { now } from './clock.ts'
import { type Held, heldMessage, HeldMessages } from './held-messages.ts'
import { InFlightWindow } from './in-flight-window.ts'
import { RunQueue } from './run-queue.ts'
import type { Session } from './session.ts'

/** How many messages leave a full window at once. */
const ROOM = 1024

/** The number that stands for a message among all of this node's: the low 53 bits of its id. */
export function messageKey(segment: number, index: number): number {
  return segment * (MAX_INDEX + 1) + index
}

function isIn(range: LogRange, key: number): boolean {
  return range.has(Math.floor(key / (MAX_INDEX + 1)), key % (MAX_INDEX + 1))
}

/** A message of the window that somebody has. */
export interface Flight extends Position {
  /** When it times out, Unix ms. */
  readonly deadline: number
}

/**
 * The messages that a channel has taken from its cursor and that are not finished: who has them, until when, and which
 * are to be delivered again. Two representations share the work: the window for messages on their first flight, and
 * held messages for all others.
 */
export class InFlight {
  readonly held: HeldMessages = new HeldMessages()
  readonly window: InFlightWindow
  readonly #log: TopicLog
  readonly #cursor: Cursor
  /** By message timeout, in ms. */
  readonly #runs = new Map<number, RunQueue>()
  /** The segment in which the window's low end lies. */
  #lowSegment: Segment
  readonly #sessions: ReadonlySet<Session>
  readonly #latency: LatencyQuantiles | undefined
  /** Messages with a session now. */
  count = 0

  constructor(
    log: TopicLog,
    cursor: Cursor,
    sessions: ReadonlySet<Session>,
    latency: LatencyQuantiles | undefined,
  ) {
    this.#latency = latency
    this.#log = log
    this.#cursor = cursor
    this.#sessions = sessions
    this.#lowSegment = cursor.segment
    this.window = new InFlightWindow(cursor.ordinal)
  }

  /** A run of `count` messages, already added to the window, was sent to this session. */
  delivered(session: Session, first: number, count: number, nowMs: number): void {
    const timeout = session.msgTimeout
    let runs = this.#runs.get(timeout)
    if (runs === undefined) {
      runs = new RunQueue()
      this.#runs.set(timeout, runs)
    }
    runs.push(first, first + count, nowMs + timeout)
    this.count += count
  }

  /** A held message was sent to this session. */
  redelivered(held: Held, session: Session, nowMs: number): void {
    this.held.move(held, 'inFlight', nowMs + session.msgTimeout)
    held.session = session
    held.deliveredAt = nowMs
    this.count++
  }

  /**
   * FIN: the message is done with. Throws E_FIN_FAILED (not fatal) when this session does not have it.
   */
  finish(session: Session, bytes: Buffer, at: number): void {
    const ordinal = this.#ordinalOf(bytes, at)
    if (ordinal >= 0 && this.window.ownerOf(ordinal) === session.number) {
      if (this.#latency !== undefined) this.#observe(this.#segmentAt(ordinal), this.window.offsetOf(ordinal))
      this.window.settle(ordinal)
      this.count--
      return
    }
    const held = this.#find(session, bytes, at, ordinal, 'FIN', 'E_FIN_FAILED')
    if (this.#latency !== undefined) this.#observe(held.segment, held.offset, held.record)
    this.held.remove(held)
    this.count--
  }

  /** REQ: the message comes again, at once or at `dueMs`. Throws E_REQ_FAILED (not fatal). */
  requeue(session: Session, bytes: Buffer, at: number, dueMs: number): void {
    const held = this.#take(session, bytes, at, 'REQ', 'E_REQ_FAILED')
    this.held.move(held, dueMs === 0 ? 'ready' : 'deferred', dueMs)
    this.count--
  }

  /**
   * TOUCH: the session gets its message timeout anew, but never more than `maxTimeout` ms from delivery.
   * Throws E_TOUCH_FAILED (not fatal).
   */
  touch(session: Session, bytes: Buffer, at: number, nowMs: number, maxTimeout: number): void {
    const held = this.#take(session, bytes, at, 'TOUCH', 'E_TOUCH_FAILED')
    this.held.move(held, 'inFlight', Math.min(nowMs + session.msgTimeout, held.deliveredAt + maxTimeout))
    held.session = session
  }

  /** The session is gone: what it had can be delivered again. */
  release(session: Session): void {
    const { window } = this
    for (let ordinal = window.low; ordinal < window.high; ordinal++) {
      if (window.ownerOf(ordinal) === session.number) this.#backFromWindow(ordinal)
    }
    for (const held of this.held.values()) {
      if (held.session === session) this.#back(held)
    }
  }

  /** Takes back what has timed out, and makes ready what is due. Calls `timedOut` for each message taken back. */
  expire(nowMs: number, timedOut: (session: Session) => void): void {
    const { window } = this
    for (const runs of this.#runs.values()) {
      for (; !runs.isEmpty && runs.headDeadline <= nowMs; runs.shift()) {
        const end = runs.headEnd
        for (let ordinal = Math.max(runs.headFirst, window.low); ordinal < end; ordinal++) {
          const session = this.#sessionOf(window.ownerOf(ordinal))
          if (session === undefined) continue
          this.#backFromWindow(ordinal)
          timedOut(session)
        }
      }
    }
    for (let held = this.held.firstDue(nowMs); held !== undefined; held = this.held.firstDue(nowMs)) {
      const session = held.session
      if (session === undefined) {
        this.held.move(held, 'ready', 0)
      } else {
        this.#back(held)
        timedOut(session)
      }
    }
  }

  /** The time of the next `expire` that has something to do; undefined when there is none. */
  nextExpiry(): number | undefined {
    let next = this.held.nextWhen
    for (const runs of this.#runs.values()) {
      while (!runs.isEmpty && runs.headEnd <= this.window.low) runs.shift()
      if (!runs.isEmpty && (next === undefined || runs.headDeadline < next)) next = runs.headDeadline
    }
    return next
  }

  /** Makes room in a full window: its oldest messages stay in flight, but are held by name from now on. */
  makeRoom(): void {
    const { window } = this
    const end = Math.min(window.low + ROOM, window.high)
    this.holdUpTo(end)
  }

  /** Holds by name whatever is in flight before this ordinal. */
  holdUpTo(end: number): void {
    const { window } = this
    for (let ordinal = window.low; ordinal < Math.min(end, window.high); ordinal++) {
      const session = this.#sessionOf(window.ownerOf(ordinal))
      if (session !== undefined) this.#holdInFlight(ordinal, session)
    }
  }

  /** How many of these messages are in flight or held. */
  countIn(range: LogRange): number {
    const { window } = this
    let count = 0
    for (const ordinal of this.#flightsIn(range)) if (window.ownerOf(ordinal) !== 0) count++
    for (const { key } of this.held.values()) if (isIn(range, key)) count++
    return count
  }

  /** Forgets whatever is in flight or held of these messages. Calls `lost` for each that somebody had. */
  letGo(range: LogRange, lost: (session: Session) => void): void {
    const taken = (session: Session | undefined): void => {
      if (session === undefined) return
      this.count--
      lost(session)
    }
    for (const ordinal of this.#flightsIn(range)) {
      const session = this.#sessionOf(this.window.ownerOf(ordinal))
      if (session === undefined) continue
      this.window.settle(ordinal)
      taken(session)
    }
    this.held.removeWhere(held => {
      if (!isIn(range, held.key)) return false
      taken(held.session)
      return true
    })
  }

  /** The deferred record at the cursor is held until it is due; the cursor moves behind it. */
  takeDeferred(bytes: Buffer, at: number, nowMs: number): void {
    const cursor = this.#cursor
    const due = dueOf(bytes, at)
    const ready = due <= nowMs
    const length = recordLength(bytes, at)
    const { segment, offset, index } = cursor
    const key = messageKey(segment.number, index)
    this.held.add(heldMessage(key, segment, offset, 0, ready ? 0 : due, this.#recordOf(segment, offset)))
    this.window.addSettled()
    cursor.advance(length, 1)
  }

  /** Takes in a message that a checkpoint says was held. */
  restore(message: HeldMessage, segment: Segment): void {
    const key = messageKey(message.idSegment, message.idIndex)
    this.held.add(heldMessage(key, segment, message.offset, message.attempts, message.dueMs, undefined))
  }

  /** The first messages of the window that are in flight, oldest first, at most `most`. */
  firstFlights(most: number): Flight[] {
    const { window } = this
    const flights: Flight[] = []
    for (let ordinal = window.low; ordinal < window.high && flights.length < most; ordinal++) {
      const session = this.#sessionOf(window.ownerOf(ordinal))
      if (session === undefined) continue
      const segment = this.#segmentAt(ordinal)
      const index = ordinal - segment.firstOrdinal
      const deadline = this.#runs.get(session.msgTimeout)?.deadlineOf(ordinal) ?? 0
      flights.push({ segment, offset: window.offsetOf(ordinal), index, deadline })
    }
    return flights
  }

  /** All of it, for a checkpoint. What is in flight now is ready again after a restart. */
  checkpoint(): HeldMessage[] {
    const { window } = this
    const messages: HeldMessage[] = []
    for (const held of this.held.values()) {
      messages.push({
        idSegment: Math.floor(held.key / (MAX_INDEX + 1)),
        idIndex: held.key % (MAX_INDEX + 1),
        segment: held.segment.number,
        offset: held.offset,
        attempts: held.attempts,
        dueMs: held.state === 'deferred' ? held.when : 0,
      })
    }
    for (let ordinal = window.low; ordinal < window.high; ordinal++) {
      if (window.ownerOf(ordinal) === 0) continue
      const segment = this.#segmentAt(ordinal)
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

  /** Forgets everything; the cursor has jumped. */
  clear(): void {
    this.held.clear()
    this.count = 0
    this.resetWindow()
  }

  /** Begins a new window at the cursor, which has jumped. What was in flight must be held already. */
  resetWindow(): void {
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

  /**
   * The ordinal of an id in one of the window's segments, or -1. The node in it does not matter: only what was sent to
   * the session counts, and --node-id may have been another when the message came.
   */
  #ordinalOf(bytes: Buffer, at: number): number {
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

  /** The ordinals of the window that lie in this range. */
  *#flightsIn({ stretches }: LogRange): Generator<number, void, undefined> {
    const { low, high } = this.window
    for (const { from, to } of stretches) {
      const end = Math.min(high, ordinalAt(to))
      for (let ordinal = Math.max(low, ordinalAt(from)); ordinal < end; ordinal++) yield ordinal
    }
  }

  #segmentAt(ordinal: number): Segment {
    let segment = this.#lowSegment
    while (segment.next !== undefined && ordinal >= segment.endOrdinal) segment = segment.next
    return segment
  }

  /** The message of a command as a held one: found among them, or taken out of the window. */
  #take(session: Session, bytes: Buffer, at: number, command: string, code: ProtocolErrorCode): Held {
    const ordinal = this.#ordinalOf(bytes, at)
    if (ordinal >= 0 && this.window.ownerOf(ordinal) === session.number)
      return this.#holdInFlight(ordinal, session)
    return this.#find(session, bytes, at, ordinal, command, code)
  }

  #find(
    session: Session,
    bytes: Buffer,
    at: number,
    ordinal: number,
    command: string,
    code: ProtocolErrorCode,
  ): Held {
    const high = readIdHigh(bytes, at)
    const low = readIdLow(bytes, at)
    const isId = high >= 0 && low >= 0
    const held = isId ? this.held.get(messageKey(idSegment(high, low), idIndex(low))) : undefined
    if (held?.session === session) return held
    const owned = held?.session !== undefined || (ordinal >= 0 && this.window.ownerOf(ordinal) !== 0)
    const id = bytes.toString('latin1', at, at + ID_LENGTH)
    const why = owned ? 'client does not own message' : 'ID not in flight'
    throw new ProtocolError(code, `${command} ${id} failed ${why}`, { fatal: false })
  }

  /** Moves a message from the window to the held ones; it stays in flight. */
  #holdInFlight(ordinal: number, session: Session): Held {
    const { window } = this
    const segment = this.#segmentAt(ordinal)
    const offset = window.offsetOf(ordinal)
    const deadline = this.#runs.get(session.msgTimeout)?.deadlineOf(ordinal) ?? 0
    const key = messageKey(segment.number, ordinal - segment.firstOrdinal)
    const held = heldMessage(key, segment, offset, 1, deadline, this.#recordOf(segment, offset))
    held.state = 'inFlight'
    held.session = session
    held.deliveredAt = deadline - session.msgTimeout
    window.settle(ordinal)
    this.held.add(held)
    return held
  }

  #backFromWindow(ordinal: number): void {
    const session = this.#sessionOf(this.window.ownerOf(ordinal))
    if (session !== undefined) this.#back(this.#holdInFlight(ordinal, session))
  }

  #back(held: Held): void {
    this.held.move(held, 'ready', 0)
    this.count--
  }

  /** Takes in how long a finished message took since it was published. */
  #observe(segment: Segment, offset: number, record?: Buffer): void {
    const publishedMs =
      record === undefined ? this.#log.publishedMs(segment, offset) : publishedMsOf(record, 0)
    const nowMs = now()
    this.#latency?.insert((nowMs - publishedMs) * 1e6, nowMs)
  }

  /** A copy of the record, when the log cannot be asked for it later. */
  #recordOf(segment: Segment, offset: number): Buffer | undefined {
    if (segment.file !== undefined) return undefined
    return this.#log.copyRecord(segment, offset)
  }

  #sessionOf(number: number): Session | undefined {
    if (number === 0) return undefined
    for (const session of this.#sessions) if (session.number === number) return session
    return undefined
  }
}
