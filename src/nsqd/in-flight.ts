import { ProtocolError, type ProtocolErrorCode } from '../protocol/errors.ts'
import { ID_LENGTH, idIndex, idSegment, MAX_INDEX, readIdHigh, readIdLow } from '../protocol/message-id.ts'
import type { ChannelCheckpoint, HeldMessage } from '../storage/checkpoint.ts'
import type { Cursor } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import { dueOf, publishedMsOf, recordLength } from '../storage/record.ts'
import type { Segment } from '../storage/segment.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import type { LatencyQuantiles } from '../util/quantile.ts'
import { now } from './clock.ts'
import { Flights } from './flights.ts'
import { type Held, heldMessage, HeldMessages } from './held-messages.ts'
import type { InFlightWindow } from './in-flight-window.ts'
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

/**
 * The messages that a channel has taken from its cursor and that are not finished: who has them, until when, and which
 * are to be delivered again. Two representations share the work: the window for messages on their first flight, and
 * held messages for all others.
 */
export class InFlight {
  readonly held: HeldMessages = new HeldMessages()
  readonly flights: Flights
  readonly window: InFlightWindow
  readonly #log: TopicLog
  readonly #cursor: Cursor
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
    this.flights = new Flights(cursor, sessions)
    this.window = this.flights.window
  }

  /** A run of `count` messages, already added to the window, was sent to this session. */
  delivered(session: Session, first: number, count: number, nowMs: number): void {
    this.flights.sent(session, first, count, nowMs)
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
    const ordinal = this.flights.ordinalOf(bytes, at)
    if (ordinal >= 0 && this.window.ownerOf(ordinal) === session.number) {
      if (this.#latency !== undefined)
        this.#observe(this.flights.segmentAt(ordinal), this.window.offsetOf(ordinal))
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
    for (const held of this.held.ofSession(session)) this.#back(held)
  }

  /** Takes back what has timed out, and makes ready what is due. Calls `timedOut` for each message taken back. */
  expire(nowMs: number, timedOut: (session: Session) => void): void {
    this.flights.expire(nowMs, (ordinal, session) => {
      this.#back(this.#holdInFlight(ordinal, session))
      timedOut(session)
    })
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
    const held = this.held.nextWhen
    const flight = this.flights.nextDeadline
    return held === undefined || flight === undefined ? (held ?? flight) : Math.min(held, flight)
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
      const session = this.flights.sessionOf(ordinal)
      if (session !== undefined) this.#holdInFlight(ordinal, session)
    }
  }

  /** How many of these messages are in flight or held. */
  countIn(range: LogRange): number {
    const { window } = this
    let count = 0
    for (const ordinal of this.flights.in(range)) if (window.ownerOf(ordinal) !== 0) count++
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
    for (const ordinal of this.flights.in(range)) {
      const session = this.flights.sessionOf(ordinal)
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

  /** The deferred record at the cursor, which is filled, is held until it is due; the cursor moves behind it. */
  takeDeferred(nowMs: number): void {
    const { segment, offset, index, block, at } = this.#cursor
    if (block === undefined) return
    const due = dueOf(block.bytes, at)
    const dueMs = due <= nowMs ? 0 : due
    const key = messageKey(segment.number, index)
    const held = heldMessage(key, segment, offset, 0, dueMs, this.#recordOf(segment, offset))
    held.since = due
    this.held.add(held)
    this.pass(recordLength(block.bytes, at))
  }

  /** The message at the cursor, which is so many bytes long, goes elsewhere, or is done with. */
  pass(bytes: number): void {
    if (this.window.isFull) this.makeRoom()
    this.window.addSettled()
    this.#cursor.advance(bytes, 1)
  }

  /** Takes in a message that a checkpoint says was held. */
  restore(message: HeldMessage, segment: Segment): void {
    const key = messageKey(message.idSegment, message.idIndex)
    this.held.add(heldMessage(key, segment, message.offset, message.attempts, message.dueMs, undefined))
  }

  /** All of it, for a checkpoint. What is in flight now is ready again after a restart. */
  checkpoint(): Pick<ChannelCheckpoint, 'held' | 'records'> {
    return { held: this.flights.checkpoint(), records: this.held.records }
  }

  /** Forgets everything; the cursor has jumped. */
  clear(): void {
    this.held.clear()
    this.count = 0
    this.resetWindow()
  }

  /** Begins a new window at the cursor, which has jumped. What was in flight must be held already. */
  resetWindow(): void {
    this.flights.reset()
  }

  /** The message of a command as a held one: found among them, or taken out of the window. */
  #take(session: Session, bytes: Buffer, at: number, command: string, code: ProtocolErrorCode): Held {
    const ordinal = this.flights.ordinalOf(bytes, at)
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
    const segment = this.flights.segmentAt(ordinal)
    const offset = window.offsetOf(ordinal)
    const deadline = this.flights.deadlineOf(ordinal, session)
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
    const session = this.flights.sessionOf(ordinal)
    if (session !== undefined) this.#back(this.#holdInFlight(ordinal, session))
  }

  #back(held: Held): void {
    this.held.move(held, 'ready', 0)
    this.count--
  }

  /** Takes in how long a finished message took since it was published. */
  #observe(segment: Segment, offset: number, record?: Buffer): void {
    const nowMs = now()
    try {
      const publishedMs =
        record === undefined ? this.#log.publishedMs(segment, offset) : publishedMsOf(record, 0)
      this.#latency?.insert((nowMs - publishedMs) * 1e6, nowMs)
    } catch {
      // The disk does not say. It is finished all the same.
    }
  }

  /** A copy of the record, when the log cannot be asked for it later. */
  #recordOf(segment: Segment, offset: number): Buffer | undefined {
    if (segment.file !== undefined) return undefined
    return this.#log.copyRecord(segment, offset)
  }
}
