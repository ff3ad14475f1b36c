import { LONGEST_TIMER_MS } from '../options.ts'
import type { Delivery } from './delivery.ts'

/** What nsqd granted, in milliseconds. */
export interface MessageTimeouts {
  /** After this a message that was neither answered nor touched is delivered again. */
  msg_timeout: number
  /** After this from its delivery it is, whatever was touched. */
  max_msg_timeout: number
}

export interface InHandHandler {
  /** Restart the timeout of this message. */
  touch(delivery: Delivery): void
  /** These have timed out before the program got to see them. */
  expired(deliveries: Delivery[]): void
}

/** Periods in a message timeout: a message is touched when it is between one and two of them old. */
const PERIODS = 4
/** Periods that nsqd may be late, and what it sent be on the way. */
const GRACE = 1

/**
 * The messages of one connection that are not answered yet, oldest first, and the clock that touches the slow ones.
 *
 * A message costs the links of a list and the number of the period in which it came: time is only looked at by the
 * clock, which goes through the list four times in a message timeout.
 */
export class InHand {
  #first: Delivery | undefined
  #last: Delivery | undefined
  #period = 0
  readonly #timer: NodeJS.Timeout
  readonly #handler: InHandHandler
  readonly #touches: boolean
  /** Periods from its delivery in which touching can keep a message. */
  readonly #maxPeriods: number

  constructor(timeouts: MessageTimeouts, touches: boolean, handler: InHandHandler) {
    this.#handler = handler
    this.#touches = touches
    // A timer that is longer than the longest would go off at once, again and again.
    const periodMs = Math.min(Math.max(1, timeouts.msg_timeout / PERIODS), LONGEST_TIMER_MS)
    this.#maxPeriods = timeouts.max_msg_timeout / periodMs
    this.#timer = setInterval(() => this.#tick(), periodMs)
  }

  add(delivery: Delivery): void {
    delivery.receivedIn = this.#period
    delivery.touchedIn = this.#period
    const last = this.#last
    this.#last = delivery
    if (last === undefined) {
      this.#first = delivery
    } else {
      last.next = delivery
      delivery.previous = last
    }
  }

  remove(delivery: Delivery): void {
    const { previous, next } = delivery
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    delivery.previous = undefined
    delivery.next = undefined
  }

  touched(delivery: Delivery): void {
    delivery.touchedIn = this.#period
  }

  /** The oldest one with this id. */
  find(id: string): Delivery | undefined {
    for (const delivery of this) if (delivery.id === id) return delivery
    return undefined
  }

  /** Ends: nothing is touched any more. What it held stays to be gone through. */
  stop(): void {
    clearInterval(this.#timer)
  }

  /** Oldest first. The one at hand may be removed meanwhile. */
  *[Symbol.iterator](): Generator<Delivery, void, undefined> {
    let delivery = this.#first
    while (delivery !== undefined) {
      const { next } = delivery
      yield delivery
      delivery = next
    }
  }

  #tick(): void {
    const period = ++this.#period
    const expired: Delivery[] = []
    for (const delivery of this) {
      // Those that follow are younger still.
      if (delivery.receivedIn > period - 2) break
      if (this.#touches && this.#wantsTouch(delivery)) this.#handler.touch(delivery)
      else if (!delivery.isSeen && this.#isExpired(delivery)) expired.push(delivery)
    }
    if (expired.length > 0) this.#handler.expired(expired)
  }

  /** Whether a touch now would keep it for longer. */
  #wantsTouch({ receivedIn, touchedIn }: Delivery): boolean {
    if (this.#period - touchedIn < 2) return false
    // It came at some time in its period, so at its last touch it was at least this old.
    const ageWhenTouched = Math.max(0, touchedIn - receivedIn - 1)
    return ageWhenTouched + PERIODS < this.#maxPeriods
  }

  #isExpired({ receivedIn, touchedIn }: Delivery): boolean {
    const heldUntil = 1 + Math.min(touchedIn + PERIODS, receivedIn + this.#maxPeriods)
    return this.#period > heldUntil + GRACE
  }
}
