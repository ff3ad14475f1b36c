import type { Segment } from '../storage/segment.ts'
import { Heap } from '../util/heap.ts'
import { Queue } from '../util/queue.ts'
import type { Session } from './session.ts'

/**
 * A message that has left the straight way from cursor to FIN: deferred, requeued, timed out, touched, or overtaken by
 * more messages than the in-flight window holds.
 *
 *     deferred --due--> ready --delivered--> inFlight --FIN--> gone
 *         ^               ^                     |
 *         +--REQ later----+--REQ now, timeout---+
 */
export interface Held {
  /** The message's place among all of this node: the low 53 bits of its id. */
  readonly key: number
  segment: Segment
  offset: number
  /** Deliveries so far. */
  attempts: number
  state: 'ready' | 'deferred' | 'inFlight'
  /** Who has it, when in flight. */
  session: Session | undefined
  /** When deferred: due. When in flight: times out. Unix ms. */
  when: number
  /** When it was delivered last, Unix ms: TOUCH may not go past the maximum timeout from here. */
  deliveredAt: number
  /** The record itself, for a log that has no disk to read it from again. */
  record: Buffer | undefined
  heapIndex: number
}

/** The held messages of a channel: by id, those to deliver again in order, and those that wait for a time. */
export class HeldMessages {
  readonly #byKey = new Map<number, Held>()
  readonly #ready = new Queue<Held>()
  readonly #waiting = new Heap<Held>((a, b) => a.when < b.when)
  /** How many are deferred. */
  deferredCount = 0

  get readyCount(): number {
    return this.#ready.length
  }

  get size(): number {
    return this.#byKey.size
  }

  /** The nearest due time or deadline; undefined when nothing waits. */
  get nextWhen(): number | undefined {
    return this.#waiting.peek()?.when
  }

  get(key: number): Held | undefined {
    return this.#byKey.get(key)
  }

  values(): IterableIterator<Held> {
    return this.#byKey.values()
  }

  /** The first of those to deliver again, at most `most`. */
  firstReady(most: number): Held[] {
    return take(this.#ready, most)
  }

  /** The first of those that are due later, at most `most`. */
  firstDeferred(most: number): Held[] {
    return take(this.#waiting.inOrder(), most, held => held.state === 'deferred')
  }

  /** Those in flight, in no order. There are no more than consumers have asked for. */
  inFlight(): Held[] {
    const count = this.size - this.readyCount - this.deferredCount
    return take(this.values(), count, held => held.state === 'inFlight')
  }

  /** Takes a message in, in the state it has. */
  add(held: Held): void {
    this.#byKey.set(held.key, held)
    this.#enter(held)
  }

  /** The next message to deliver again. It must be given a state by `move` or `remove`. */
  nextReady(): Held | undefined {
    return this.#ready.peek()
  }

  /** Gives a message a new state, and the time that goes with it. */
  move(held: Held, state: Held['state'], when: number): void {
    this.#leave(held)
    held.state = state
    held.when = when
    if (state !== 'inFlight') held.session = undefined
    this.#enter(held)
  }

  remove(held: Held): void {
    this.#leave(held)
    this.#byKey.delete(held.key)
  }

  /** The first message whose time has come, if any. */
  firstDue(now: number): Held | undefined {
    const first = this.#waiting.peek()
    return first !== undefined && first.when <= now ? first : undefined
  }

  clear(): void {
    this.#byKey.clear()
    this.#ready.clear()
    this.#waiting.clear()
    this.deferredCount = 0
  }

  #enter(held: Held): void {
    if (held.state === 'ready') {
      this.#ready.push(held)
      return
    }
    this.#waiting.push(held)
    if (held.state === 'deferred') this.deferredCount++
  }

  #leave(held: Held): void {
    // A ready message leaves only from the head of the queue.
    if (held.state === 'ready') {
      this.#ready.shift()
      return
    }
    this.#waiting.remove(held)
    if (held.state === 'deferred') this.deferredCount--
  }
}

/** The first `most` of those that are asked for; no further one is looked at. */
function take(all: Iterable<Held>, most: number, isAsked: (held: Held) => boolean = () => true): Held[] {
  const taken: Held[] = []
  if (most === 0) return taken
  for (const held of all) {
    if (isAsked(held) && taken.push(held) === most) break
  }
  return taken
}
