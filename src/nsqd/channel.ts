import type { ChannelCheckpoint } from '../storage/checkpoint.ts'
import type { Cursor, CursorEvents } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import type { Position } from '../storage/position.ts'
import { frameOf, isDeferred, recordLength } from '../storage/record.ts'
import type { Segment } from '../storage/segment.ts'
import type { Stretch } from '../storage/stretch.ts'
import { errorText, NsqError } from '../util/errors.ts'
import type { LatencyQuantiles } from '../util/quantile.ts'
import { Alarm } from './alarm.ts'
import { now } from './clock.ts'
import { InFlight } from './in-flight.ts'
import type { Pending } from './peek.ts'
import { Rotation } from './rotation.ts'
import type { Session } from './session.ts'
import type { Topic } from './topic.ts'
import { Unread } from './unread.ts'

/** Most bytes of one write to a session. */
const MAX_RUN = 256 * 1024
const MAX_ATTEMPTS = 65_535
/** How long to wait after the disk refused a read, in ms. */
const READ_RETRY = 1000

/**
 * A named reader of a topic. It shares the topic's messages among its sessions: each message goes to one of them, and
 * to another when it is not finished in time.
 */
export class Channel implements CursorEvents {
  readonly name: string
  readonly topic: Topic
  readonly ephemeral: boolean
  /** Time from publish to FIN; only with --e2e-processing-latency-percentile. */
  readonly latency: LatencyQuantiles | undefined
  /** Since the start: messages that came, REQs, timeouts, and deliveries by where the consumer is. */
  messageCount = 0
  requeueCount = 0
  timeoutCount = 0
  zoneLocalCount = 0
  regionLocalCount = 0
  globalCount = 0
  /** Owned by Turn. */
  inTurn = false
  #paused = false
  #closed = false
  readonly #sessions = new Set<Session>()
  readonly #rotation: Rotation
  readonly #unread: Unread
  readonly #cursor: Cursor
  readonly #inFlight: InFlight
  /** For the next message that times out or is due. */
  readonly #alarm = new Alarm(() => this.#expire())
  /** Set while nothing is delivered, because the disk refused a read. */
  #retry: NodeJS.Timeout | undefined

  constructor(topic: Topic, name: string, ephemeral: boolean, position: Position) {
    this.topic = topic
    this.name = name
    this.ephemeral = ephemeral
    this.latency = topic.newLatency()
    this.#rotation = new Rotation(topic.prefersLocal ? session => topic.distanceOf(session) : undefined)
    this.#unread = new Unread(this, position)
    this.#cursor = this.#unread.cursor
    this.#inFlight = new InFlight(topic.log, this.#cursor, this.#sessions, this.latency)
  }

  get sessions(): ReadonlySet<Session> {
    return this.#sessions
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Messages that wait: not delivered yet, or to be delivered again. */
  get depth(): number {
    return this.#unread.countBefore(Infinity) + this.#inFlight.held.readyCount
  }

  /** How many of these are on disk only. */
  get backendDepth(): number {
    return this.#unread.countBefore(this.topic.log.memoryOrdinal)
  }

  get inFlightCount(): number {
    return this.#inFlight.count
  }

  get deferredCount(): number {
    return this.#inFlight.held.deferredCount
  }

  /** The ordinal of the next fresh message. */
  get ordinal(): number {
    return this.#cursor.ordinal
  }

  /** Everything before this ordinal is finished or held by name. */
  get lowOrdinal(): number {
    return this.#inFlight.window.low
  }

  pause(): void {
    this.#paused = true
    this.topic.pauseChanged()
  }

  unpause(): void {
    this.#paused = false
    this.topic.pauseChanged()
    this.topic.turn.pump(this)
  }

  /** Forgets every message that waits, is deferred or is in flight. */
  empty(): void {
    this.#unread.clear()
    this.#inFlight.clear()
    this.topic.touched()
    for (const session of this.#sessions) session.emptied()
    this.topic.turn.pump(this)
  }

  /** Forgets these messages, which are just leaving the topic. */
  skip(stretch: Stretch): void {
    this.#unread.skip(stretch)
  }

  /** How many of these messages it has not finished. */
  countUnfinished(range: LogRange): number {
    return this.#unread.countIn(range) + this.#inFlight.countIn(range)
  }

  /**
   * Puts these messages before the consumers again, with all that waits already, in the order of the log. What is in
   * flight or held of them is taken back, so that none comes twice.
   */
  replay(range: LogRange): void {
    this.messageCount += range.messages - this.countUnfinished(range)
    this.#inFlight.letGo(range, session => session.timedOut())
    this.#unread.add(range)
    this.topic.touched()
    this.topic.turn.pump(this)
  }

  addSession(session: Session): void {
    this.#sessions.add(session)
    this.#rotation.add(session)
  }

  /** The session is gone: what it had goes to the others. */
  removeSession(session: Session): void {
    if (!this.#sessions.has(session)) return
    this.#inFlight.release(session)
    this.#sessions.delete(session)
    this.#rotation.remove(session)
    this.topic.touched()
    if (this.ephemeral && this.#sessions.size === 0) this.topic.deleteChannel(this)
    else this.topic.turn.pump(this)
  }

  FIN(session: Session, bytes: Buffer, at: number): void {
    this.#inFlight.finish(session, bytes, at)
    this.#settled(session)
  }

  /** `dueMs`: when the message may be delivered again, Unix ms; 0 for at once. */
  REQ(session: Session, bytes: Buffer, at: number, dueMs: number): void {
    this.#inFlight.requeue(session, bytes, at, dueMs)
    this.requeueCount++
    this.#settled(session)
  }

  TOUCH(session: Session, bytes: Buffer, at: number): void {
    this.#inFlight.touch(session, bytes, at, now(), this.topic.options.maxMsgTimeout)
    this.topic.touched()
    this.#alarm.set(this.#inFlight.nextExpiry())
  }

  /** Gives messages to the sessions that have room for them. Called by Turn. */
  pump(): void {
    if (this.#closed) return
    if (!this.#paused && this.#sessions.size > 0 && this.#retry === undefined) {
      this.#deliverHeld()
      this.#deliverFresh()
    }
    this.#takeDeferred(false)
    this.#inFlight.tidy()
    this.#alarm.set(this.#inFlight.nextExpiry())
  }

  /** Moves the cursor; what was in flight stays so. */
  jump(position: Position): void {
    this.#inFlight.holdUpTo(Infinity)
    this.#cursor.jump(position)
    this.#inFlight.resetWindow()
  }

  /** The segment of the next fresh message: those before it are finished, but for what is in flight or held. */
  firstSegment(): Segment {
    return this.#unread.firstSegment()
  }

  /** Lets go of the log before this ordinal: what is in flight there is held by name. */
  holdUpTo(ordinal: number): void {
    this.#inFlight.holdUpTo(ordinal)
    this.#inFlight.tidy()
  }

  /** The messages held by name, wherever they lie. */
  held(): InFlight['held'] {
    return this.#inFlight.held
  }

  /** What is not finished; of each kind the first, at most `most`. For those who look and change nothing. */
  pending(most: number): Pending {
    const { held } = this.#inFlight
    return {
      ready: held.firstReady(most),
      fresh: this.#unread.stretches(),
      flights: this.#inFlight.firstFlights(most),
      inFlight: held.firstInFlight(most),
      deferred: held.firstDeferred(most),
    }
  }

  checkpoint(): ChannelCheckpoint {
    return { name: this.name, ...this.#unread.checkpoint(), held: this.#inFlight.checkpoint() }
  }

  /** Takes over what a checkpoint says was held, and what is left out. `find` gives segments by their numbers. */
  restore(
    held: ChannelCheckpoint['held'],
    skips: readonly Stretch[],
    find: (number: number) => Segment | undefined,
  ): void {
    for (const skip of skips) this.#unread.skip(skip)
    for (const message of held) {
      const segment = find(message.segment)
      // Without its segment the message was finished: segments go only then. Behind the end it fell to a torn tail.
      if (segment !== undefined && message.offset < segment.committedSize) {
        this.#inFlight.restore(message, segment)
      }
    }
    this.#alarm.set(this.#inFlight.nextExpiry())
  }

  /** Ends the channel and its sessions' connections. */
  close(): void {
    this.#closed = true
    this.#alarm.clear()
    clearTimeout(this.#retry)
    for (const session of this.#sessions) session.destroy()
    this.#sessions.clear()
    this.#rotation.clear()
    this.#cursor.close()
  }

  readable(): void {
    this.topic.turn.pump(this)
  }

  readFailed(cause: Error): void {
    if (this.#retry !== undefined || this.#closed) return
    this.topic.logger.error(`topic ${this.topic.name}: cannot read the log, trying again: ${cause.message}`)
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.readable()
    }, READ_RETRY)
  }

  damaged(segment: Segment, offset: number, bytes: number, messages: number): void {
    this.topic.logger.error(
      `topic ${this.topic.name}: ${segment.file?.logPath ?? 'memory'} is damaged at byte ${offset}: channel ${this.name} ` +
        `leaves out ${messages} messages; these ${bytes} bytes were copied to a file named …bad-${offset}`,
    )
    this.#inFlight.holdUpTo(Infinity)
    this.#inFlight.resetWindow()
  }

  #settled(session: Session): void {
    session.inFlightCount--
    this.topic.touched()
    this.topic.turn.pump(this)
  }

  #deliverHeld(): void {
    const { held } = this.#inFlight
    for (let message = held.nextReady(); message !== undefined; message = held.nextReady()) {
      const session = this.#rotation.next()
      if (session === undefined) return
      const attempts = Math.min(message.attempts + 1, MAX_ATTEMPTS)
      let frame: Buffer
      try {
        frame =
          message.record === undefined
            ? this.topic.log.fetch(message.segment, message.offset, attempts)
            : frameOf(message.record, 0, attempts)
      } catch (error) {
        if (error instanceof NsqError && error.code === 'E_DAMAGED') {
          this.topic.logger.error(
            `topic ${this.topic.name}: channel ${this.name} leaves out a message: ${error.message}`,
          )
          held.remove(message)
          continue
        }
        this.readFailed(error instanceof Error ? error : new Error(errorText(error)))
        return
      }
      if (session.skips()) {
        held.remove(message)
        continue
      }
      message.attempts = attempts
      this.#inFlight.redelivered(message, session, now())
      session.deliver(frame, 1)
      this.#countDelivered(session, 1)
    }
  }

  #deliverFresh(): void {
    for (;;) {
      this.#takeDeferred(true)
      const { available } = this.#unread
      if (available <= 0) return
      let ready = 0
      for (const session of this.#sessions) if (session.room() > 0) ready++
      if (ready === 0) return
      const share = Math.ceil(available / ready)
      // Not asked whose turn it is when there is nothing left: it would lose its turn.
      for (; ready > 0 && this.#unread.available > 0; ready--) {
        const session = this.#rotation.next()
        if (session === undefined) return
        if (!this.#deliverRun(session, Math.min(share, session.room()))) return
      }
    }
  }

  /** Sends one run of fresh messages, at most `most`. False when the next message cannot be had now. */
  #deliverRun(session: Session, most: number): boolean {
    const cursor = this.#cursor
    const { window } = this.#inFlight
    // Asked first, as it may move the cursor.
    const { available } = this.#unread
    const first = cursor.ordinal
    const until = first + Math.min(most, available)
    if (first >= until || !cursor.fill() || cursor.block === undefined) return false
    if (window.isFull) this.#inFlight.makeRoom()
    const { bytes, start: blockStart, committed } = cursor.block
    const start = cursor.at
    const stop = Math.min(committed, start + MAX_RUN)
    const sampled = session.sampleRate > 0
    let skips = false
    let at = start
    let ordinal = first
    while (ordinal < until && at < stop && !window.isFull && !isDeferred(bytes, at)) {
      skips = sampled && session.skips()
      if (skips) break
      window.add(session.number, blockStart + at)
      at += recordLength(bytes, at)
      ordinal++
    }
    const count = ordinal - first
    cursor.advance(at - start, count)
    if (count > 0) {
      this.#inFlight.delivered(session, first, count, now())
      session.deliver(bytes.subarray(start, at), count)
      this.#countDelivered(session, count)
    }
    if (skips) {
      // Left out by the sample rate: this message is done with, as in the official nsqd.
      cursor.advance(recordLength(bytes, at), 1)
      window.addSettled()
    }
    return true
  }

  /** Takes deferred messages at the cursor out of the way. Without `fromDisk` only what is in memory is looked at. */
  #takeDeferred(fromDisk: boolean): void {
    const cursor = this.#cursor
    const { log } = this.topic
    while (this.#unread.available > 0) {
      if (!fromDisk && cursor.ordinal < log.memoryOrdinal) return
      if (!cursor.fill() || cursor.block === undefined) return
      if (!isDeferred(cursor.block.bytes, cursor.at)) return
      if (this.#inFlight.window.isFull) this.#inFlight.makeRoom()
      this.#inFlight.takeDeferred(cursor.block.bytes, cursor.at, now())
      if (this.#inFlight.held.readyCount > 0) this.topic.turn.pump(this)
    }
  }

  #countDelivered(session: Session, count: number): void {
    this.topic.touched()
    const distance = this.topic.distanceOf(session)
    if (distance === 0) this.zoneLocalCount += count
    else if (distance === 1) this.regionLocalCount += count
    else this.globalCount += count
  }

  #expire(): void {
    this.#inFlight.expire(now(), session => {
      this.timeoutCount++
      session.timedOut()
    })
    this.topic.touched()
    this.topic.turn.pump(this)
    this.#alarm.set(this.#inFlight.nextExpiry())
  }
}
