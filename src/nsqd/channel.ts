import type { ChannelCheckpoint } from '../storage/checkpoint.ts'
import type { Cursor, CursorEvents } from '../storage/cursor.ts'
import type { LogRange } from '../storage/log-range.ts'
import type { Position } from '../storage/position.ts'
import type { Segment } from '../storage/segment.ts'
import type { Stretch } from '../storage/stretch.ts'
import type { LatencyQuantiles } from '../util/quantile.ts'
import { Alarm } from './alarm.ts'
import { now } from './clock.ts'
import { Delivery, type DeliveryHost } from './delivery.ts'
import type { Held } from './held-messages.ts'
import { InFlight } from './in-flight.ts'
import { channelBounds, shedLimits } from './limits.ts'
import type { Pending } from './peek.ts'
import { Rotation } from './rotation.ts'
import type { Session } from './session.ts'
import { Shedding, type ShedLimits } from './shedding.ts'
import type { Topic } from './topic.ts'
import { Unread } from './unread.ts'

/** How long to wait after the disk refused a read, in ms. */
const READ_RETRY = 1000

/**
 * A named reader of a topic. It shares the topic's messages among its sessions: each message goes to one of them, and
 * to another when it is not finished in time.
 */
export class Channel implements CursorEvents, DeliveryHost {
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
  /** Messages that it has not delivered, as it is ephemeral and was too slow. */
  overtakenCount = 0
  /** Since when it has had no consumer, Unix ms; without meaning while it has some. */
  idleSince: number = now()
  /** Owned by Turn. */
  inTurn = false
  #paused = false
  #closed = false
  readonly #sessions = new Set<Session>()
  readonly #rotation: Rotation
  readonly #unread: Unread
  readonly #cursor: Cursor
  readonly #inFlight: InFlight
  readonly #delivery: Delivery
  /** Undefined when nothing is ever dropped. */
  readonly #shedding: Shedding | undefined
  /** Messages have come since it was last looked whether they are too many. */
  #hasArrivals = false
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
    this.#delivery = new Delivery(this, this.#rotation, this.#unread, this.#inFlight)
    const limits = shedLimits(channelBounds(topic.options), topic.options, ephemeral || topic.ephemeral)
    this.#shedding = limits === undefined ? undefined : this.#newShedding(limits)
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

  /** Messages that wait now or until they are due. */
  get waitingCount(): number {
    return this.depth + this.deferredCount
  }

  /** Bytes of the log that wait; of messages that were delivered once, or are deferred, only the number counts. */
  get waitingBytes(): number {
    return this.#unread.bytes
  }

  /** Messages that were dropped since the start: too many waited. Undefined when that never happens. */
  get droppedCount(): number | undefined {
    return this.#shedding === undefined && !this.ephemeral && !this.topic.ephemeral
      ? undefined
      : this.overtakenCount + (this.#shedding?.dropped ?? 0)
  }

  /** Those that were dropped as they were too old. Undefined when that never happens. */
  get expiredCount(): number | undefined {
    return this.#shedding?.expired
  }

  /** Whether messages that were dropped are yet to be passed. */
  get isShedding(): boolean {
    return this.#shedding?.isBehind ?? false
  }

  /** Whether messages wait, and no consumer has come for them for --orphan-after; undefined without that. */
  get isOrphaned(): boolean | undefined {
    const { orphanAfter } = this.topic.options
    if (orphanAfter === 0) return undefined
    return this.#sessions.size === 0 && now() - this.idleSince >= orphanAfter && this.waitingCount > 0
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
    this.#shedding?.reset()
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
    this.#shedding?.reset()
    this.messageCount += range.messages - this.countUnfinished(range)
    this.#inFlight.letGo(range, session => session.timedOut())
    this.#unread.add(range)
    this.topic.touched()
    this.topic.turn.pump(this)
  }

  /** `count` messages have come to it. */
  arrived(count: number): void {
    this.messageCount += count
    this.#hasArrivals ||= count > 0
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
    this.idleSince = now()
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
    const shedding = this.#shedding
    const canRead = this.#retry === undefined
    // What is too much or too old goes first; where that cannot be read now, it is not to be delivered either.
    if (shedding === undefined || (canRead && shedding.shed())) {
      if (canRead && !this.#paused && this.#sessions.size > 0) this.#delivery.deliver()
      this.#delivery.takeDeferred(false)
    }
    if (shedding !== undefined && this.#hasArrivals) {
      // Only now: what goes to a consumer at once is not too much.
      shedding.bound(this.waitingCount)
      if (canRead && shedding.shed()) this.#delivery.takeDeferred(false)
    }
    this.#hasArrivals = false
    this.#inFlight.flights.tidy()
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
    this.#inFlight.flights.tidy()
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
      flights: this.#inFlight.flights.first(most),
      inFlight: held.firstInFlight(most),
      deferred: held.firstDeferred(most),
    }
  }

  checkpoint(): ChannelCheckpoint {
    return { name: this.name, ...this.#unread.checkpoint(), ...this.#inFlight.checkpoint() }
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
    this.#shedding?.close()
    clearTimeout(this.#retry)
    for (const session of this.#sessions) session.destroy()
    this.#sessions.clear()
    this.#rotation.clear()
    this.#cursor.close()
  }

  delivered(session: Session, count: number): void {
    this.topic.touched()
    const distance = this.topic.distanceOf(session)
    if (distance === 0) this.zoneLocalCount += count
    else if (distance === 1) this.regionLocalCount += count
    else this.globalCount += count
  }

  dropsHeld(held: Held): boolean {
    return this.#shedding?.dropsHeld(held) ?? false
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

  #newShedding(limits: ShedLimits): Shedding {
    const { topic } = this
    const inFlight = this.#inFlight
    const host = {
      log: topic.log,
      held: inFlight.held,
      jump: (position: Position) => {
        topic.touched()
        this.jump(position)
      },
      pass: (bytes: number) => {
        topic.touched()
        inFlight.pass(bytes)
      },
      defer: () => {
        topic.touched()
        inFlight.takeDeferred(now())
        return true
      },
      touched: () => topic.touched(),
      again: () => topic.turn.pump(this),
    }
    return new Shedding(host, this.#unread, limits)
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
