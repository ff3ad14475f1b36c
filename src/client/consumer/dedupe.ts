import { errorText, NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import type { Delivery, OutcomeWatcher } from './delivery.ts'

/** What tells the same message. */
export type DedupeKey = string | number | bigint

export interface ResolvedDedupeOptions {
  /** Undefined for the id. */
  key: ((delivery: Delivery) => DedupeKey) | undefined
  /** Finished messages that are remembered. */
  size: number
  /** How long they are. */
  ms: number
}

export interface DedupeOwner {
  /** The message is to be handled: it is the first of its kind, or the one before it failed. */
  admitted(delivery: Delivery): void
  /** No key could be made of a message, which is admitted all the same. */
  keyFailed(error: NsqError): void
}

/**
 * Keeps a message from being handled twice, as far as one process can. Of the messages with one key
 *
 *     the first --admitted--> in hand --finished--> done: the others are finished, too, while it is remembered
 *                                `------failed----> the next of them is admitted
 *
 * One that was lost with its connection stays in hand, as its handler may finish the work. If after `ms` there is no
 * answer, the program has dropped it: the next one is admitted.
 */
export class Dedupe {
  readonly #options: ResolvedDedupeOptions
  readonly #owner: DedupeOwner
  readonly #inHand = new Map<DedupeKey, Original>()
  /** When what is remembered was finished, and the same in that order. */
  readonly #done = new Map<DedupeKey, number>()
  readonly #order = new Queue<{ key: DedupeKey; doneAt: number }>()

  constructor(options: ResolvedDedupeOptions, owner: DedupeOwner) {
    this.#options = options
    this.#owner = owner
  }

  push(delivery: Delivery): void {
    const key = this.#keyOf(delivery)
    if (key === undefined) {
      this.#owner.admitted(delivery)
      return
    }
    const now = performance.now()
    const doneAt = this.#done.get(key)
    if (doneAt !== undefined && now - doneAt < this.#options.ms) {
      delivery.discard()
      return
    }
    const original = this.#inHand.get(key)
    if (original === undefined) {
      this.#put(key, delivery)
      this.#owner.admitted(delivery)
    } else if (this.#isDropped(original, now)) {
      this.#put(key, delivery, original.parked)
      this.#owner.admitted(delivery)
    } else {
      original.park(delivery)
    }
  }

  /** Forgets what the program has dropped. To be called when messages were lost: others were before. */
  sweep(): void {
    const now = performance.now()
    for (const original of this.#inHand.values()) if (this.#isDropped(original, now)) this.failed(original)
  }

  /** For an original. */
  finished(original: Original): void {
    const { key } = original
    // Another may have taken its place.
    if (this.#inHand.get(key) === original) this.#inHand.delete(key)
    this.#remember(key)
    const { parked } = original
    for (let copy = parked?.shift(); copy !== undefined; copy = parked?.shift()) copy.discard()
  }

  /** For an original. */
  failed(original: Original): void {
    const { key } = original
    if (this.#inHand.get(key) !== original) return
    this.#inHand.delete(key)
    const { parked } = original
    let next = parked?.shift()
    while (next !== undefined && !next.isLive) next = parked?.shift()
    if (next !== undefined) this.#admitLater(key, next, parked)
  }

  #isDropped({ first, since }: Original, now: number): boolean {
    return !first.isLive && now - since > this.#options.ms
  }

  #admitLater(key: DedupeKey, next: Delivery, parked: Queue<Delivery> | undefined): void {
    this.#put(key, next, parked)
    // Not now: it may fail as quickly as this one, and the one after it.
    queueMicrotask(() => {
      if (next.isLive) this.#owner.admitted(next)
      else next.requeue()
    })
  }

  #keyOf(delivery: Delivery): DedupeKey | undefined {
    const { key } = this.#options
    // An id is unique for one nsqd.
    if (key === undefined) return `${delivery.id} ${delivery.nsqd}`
    try {
      return key(delivery)
    } catch (error) {
      const what = `the key function of dedupe failed on ${delivery.toString()}`
      this.#owner.keyFailed(new NsqError('E_DEDUPE_KEY', `${what}: ${errorText(error)}`, { cause: error }))
      return undefined
    }
  }

  #put(key: DedupeKey, delivery: Delivery, parked?: Queue<Delivery>): void {
    const original = new Original(this, key, delivery, parked)
    this.#inHand.set(key, original)
    delivery.watch(original)
  }

  #remember(key: DedupeKey): void {
    const doneAt = performance.now()
    this.#done.set(key, doneAt)
    this.#order.push({ key, doneAt })
    for (let oldest = this.#order.peek(); oldest !== undefined; oldest = this.#order.peek()) {
      const { size, ms } = this.#options
      if (this.#order.length <= size && doneAt - oldest.doneAt < ms) break
      this.#order.shift()
      // It may have been finished once more since.
      if (this.#done.get(oldest.key) === oldest.doneAt) this.#done.delete(oldest.key)
    }
  }
}

/** The message that is handled for all those with its key. */
class Original implements OutcomeWatcher {
  readonly key: DedupeKey
  readonly first: Delivery
  /** Copies that wait for its outcome; most messages have none. */
  parked: Queue<Delivery> | undefined
  /** When it was put in hand. */
  readonly since = performance.now()
  readonly #owner: Dedupe

  constructor(owner: Dedupe, key: DedupeKey, first: Delivery, parked: Queue<Delivery> | undefined) {
    this.#owner = owner
    this.key = key
    this.first = first
    this.parked = parked
  }

  park(delivery: Delivery): void {
    this.parked ??= new Queue()
    if (delivery.attempts > 1) this.#supersede(delivery, this.parked)
    this.parked.push(delivery)
  }

  finished(): void {
    this.#owner.finished(this)
  }

  failed(): void {
    this.#owner.failed(this)
  }

  /** Delivered again over the same connection, a message is held there for the newest delivery, which is to be answered. */
  #supersede(delivery: Delivery, parked: Queue<Delivery>): void {
    if (delivery.isSameAs(this.first)) this.first.supersede()
    for (let waiting = parked.length; waiting > 0; waiting--) {
      const copy = parked.shift()
      if (copy === undefined || !copy.isLive) continue
      if (delivery.isSameAs(copy)) copy.supersede()
      else parked.push(copy)
    }
  }
}
