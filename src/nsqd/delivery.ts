import type { Cursor } from '../storage/cursor.ts'
import { frameOf, isDeferred, recordLength } from '../storage/record.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { now } from './clock.ts'
import type { Held } from './held-messages.ts'
import type { InFlight } from './in-flight.ts'
import type { Rotation } from './rotation.ts'
import type { Session } from './session.ts'
import type { Topic } from './topic.ts'
import type { Pumping } from './turn.ts'
import type { Unread } from './unread.ts'

/** Most bytes of one write to a session. */
const MAX_RUN = 256 * 1024
const MAX_ATTEMPTS = 65_535

/** What the delivery needs of its channel. */
export interface DeliveryHost extends Pumping {
  readonly name: string
  readonly topic: Topic
  readonly sessions: ReadonlySet<Session>
  /** This session was sent `count` messages. */
  delivered(session: Session, count: number): void
  /** Whether this message, which is ready, has waited for too long: it is gone then. */
  dropsHeld(held: Held): boolean
  readFailed(cause: Error): void
}

/** Gives the messages of a channel to the sessions that have room for them. */
export class Delivery {
  readonly #host: DeliveryHost
  readonly #rotation: Rotation
  readonly #unread: Unread
  readonly #cursor: Cursor
  readonly #inFlight: InFlight

  constructor(host: DeliveryHost, rotation: Rotation, unread: Unread, inFlight: InFlight) {
    this.#host = host
    this.#rotation = rotation
    this.#unread = unread
    this.#cursor = unread.cursor
    this.#inFlight = inFlight
  }

  /** First what is to be delivered again, then what is new. */
  deliver(): void {
    this.#deliverHeld()
    this.#deliverFresh()
  }

  /** Takes deferred messages at the cursor out of the way. Without `fromDisk` only what is in memory is looked at. */
  takeDeferred(fromDisk: boolean): void {
    const cursor = this.#cursor
    const { topic } = this.#host
    while (this.#unread.available > 0) {
      if (!fromDisk && cursor.ordinal < topic.log.memoryOrdinal) return
      if (!cursor.fill() || cursor.block === undefined) return
      if (!isDeferred(cursor.block.bytes, cursor.at)) return
      this.#inFlight.takeDeferred(now())
      if (this.#inFlight.held.readyCount > 0) topic.turn.pump(this.#host)
    }
  }

  #deliverHeld(): void {
    const { held } = this.#inFlight
    for (let message = held.nextReady(); message !== undefined; message = held.nextReady()) {
      if (this.#host.dropsHeld(message)) continue
      const session = this.#rotation.next()
      if (session === undefined) return
      const attempts = Math.min(message.attempts + 1, MAX_ATTEMPTS)
      let frame: Buffer
      try {
        frame =
          message.record === undefined
            ? this.#host.topic.log.fetch(message.segment, message.offset, attempts)
            : frameOf(message.record, 0, attempts)
      } catch (error) {
        if (error instanceof NsqError && error.code === 'E_DAMAGED') {
          const { name, topic } = this.#host
          topic.logger.error(`topic ${topic.name}: channel ${name} leaves out a message: ${error.message}`)
          held.remove(message)
          continue
        }
        this.#host.readFailed(error instanceof Error ? error : new Error(errorText(error)))
        return
      }
      if (session.skips()) {
        held.remove(message)
        continue
      }
      message.attempts = attempts
      this.#inFlight.redelivered(message, session, now())
      session.deliver(frame, 1)
      this.#host.delivered(session, 1)
    }
  }

  #deliverFresh(): void {
    for (;;) {
      this.takeDeferred(true)
      const { available } = this.#unread
      if (available <= 0) return
      let ready = 0
      for (const session of this.#host.sessions) if (session.room() > 0) ready++
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
      this.#host.delivered(session, count)
    }
    if (skips) {
      // Left out by the sample rate: this message is done with, as in the official nsqd.
      cursor.advance(recordLength(bytes, at), 1)
      window.addSettled()
    }
    return true
  }
}
