import { MAX_INDEX } from '../protocol/message-id.ts'
import { HeldRecords } from '../storage/held-records.ts'
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
  /** Since when it might have been delivered, Unix ms: when it was published, or due. 0: nobody has looked. */
  since: number
  /** The record itself, for a log that has no disk to read it from again. */
  record: Buffer | undefined
  heapIndex: number
  /** Of its record for a checkpoint; HeldMessages writes this, nobody else does. */
  slot: number
}

/** One that nobody has; `record`: of a log that has no disk. */
export function heldMessage(
  key: number,
  segment: Segment,
  offset: number,
  attempts: number,
  dueMs: number,
  record: Buffer | undefined,
): Held {
  return {
    key,
    segment,
    offset,
    attempts,
    state: dueMs === 0 ? 'ready' : 'deferred',
    session: undefined,
    when: dueMs,
    deliveredAt: 0,
    since: 0,
    record,
    heapIndex: -1,
    slot: -1,
  }
}

/** The held messages of a channel: by id, those to deliver again in order, and those that wait for a time, by kind. */
export class HeldMessages {
  readonly #byKey = new Map<number, Held>()
  readonly #ready = new Queue<Held>()
  readonly #deferred = new Heap<Held>(isEarlier)
  readonly #inFlight = new Heap<Held>(isEarlier)
  readonly #records = new HeldRecords()
  /** Whose record is in each slot. */
  readonly #bySlot: Held[] = []
  /** How many lie in each segment. */
  readonly #counts = new Map<Segment, number>()

  get deferredCount(): number {
    return this.#deferred.size
  }

  get readyCount(): number {
    return this.#ready.length
  }

  get size(): number {
    return this.#byKey.size
  }

  /** The nearest due time or deadline; undefined when nothing waits. */
  get nextWhen(): number | undefined {
    return this.#first()?.when
  }

  get(key: number): Held | undefined {
    return this.#byKey.get(key)
  }

  values(): IterableIterator<Held> {
    return this.#byKey.values()
  }

  /** Those that this session has, in the order in which they time out. */
  ofSession(session: Session): Held[] {
    const all: Held[] = []
    for (const held of this.#inFlight.inOrder()) if (held.session === session) all.push(held)
    return all
  }

  /** How many lie in this segment. */
  countOf(segment: Segment): number {
    return this.#counts.get(segment) ?? 0
  }

  /** All of them as a checkpoint has them, until the next change. What is in flight now is ready again after a restart. */
  get records(): Buffer {
    return this.#records.bytes
  }

  /** The first of those to deliver again, at most `most`. */
  firstReady(most: number): Held[] {
    return take(this.#ready, most)
  }

  /** The first of those that are due later, at most `most`. */
  firstDeferred(most: number): Held[] {
    return take(this.#deferred.inOrder(), most)
  }

  /** The first of those in flight that time out, at most `most`. */
  firstInFlight(most: number): Held[] {
    return take(this.#inFlight.inOrder(), most)
  }

  /** Takes a message in, in the state it has. */
  add(held: Held): void {
    this.#byKey.set(held.key, held)
    this.#enter(held)
    const { key, segment, offset, attempts } = held
    held.slot = this.#records.add(
      Math.floor(key / (MAX_INDEX + 1)),
      key % (MAX_INDEX + 1),
      attempts,
      dueOf(held),
    )
    this.#records.place(held.slot, segment.number, offset)
    this.#bySlot.push(held)
    this.#count(segment, 1)
  }

  /** The next message to deliver again. It must be given a state by `move` or `remove`. */
  nextReady(): Held | undefined {
    return this.#ready.peek()
  }

  /** The first of those that are due later. */
  nextDeferred(): Held | undefined {
    return this.#deferred.peek()
  }

  /** Gives a message a new state, and the time that goes with it. */
  move(held: Held, state: Held['state'], when: number): void {
    this.#leave(held)
    held.state = state
    held.when = when
    if (state !== 'inFlight') held.session = undefined
    this.#enter(held)
    this.#records.update(held.slot, held.attempts, dueOf(held))
  }

  /** The message lies elsewhere now. */
  relocate(held: Held, segment: Segment, offset: number): void {
    this.#count(held.segment, -1)
    this.#count(segment, 1)
    held.segment = segment
    held.offset = offset
    this.#records.place(held.slot, segment.number, offset)
  }

  remove(held: Held): void {
    this.#leave(held)
    this.#forget(held)
  }

  /** Removes all that `chosen` names. */
  removeWhere(chosen: (held: Held) => boolean): void {
    const gone = new Set<Held>()
    for (const held of this.#byKey.values()) if (chosen(held)) gone.add(held)
    if (gone.size === 0) return
    // Those that are ready can leave from the head only.
    const ready = [...this.#ready].filter(held => !gone.has(held))
    this.#ready.clear()
    for (const held of ready) this.#ready.push(held)
    for (const held of gone) {
      if (held.state !== 'ready') this.#leave(held)
      this.#forget(held)
    }
  }

  /** The first message whose time has come, if any. */
  firstDue(now: number): Held | undefined {
    const first = this.#first()
    return first !== undefined && first.when <= now ? first : undefined
  }

  clear(): void {
    this.#byKey.clear()
    this.#ready.clear()
    this.#deferred.clear()
    this.#inFlight.clear()
    this.#records.clear()
    this.#bySlot.length = 0
    this.#counts.clear()
  }

  #forget(held: Held): void {
    this.#byKey.delete(held.key)
    this.#count(held.segment, -1)
    this.#records.remove(held.slot)
    const last = this.#bySlot.pop()
    if (last === undefined || last === held) return
    last.slot = held.slot
    this.#bySlot[held.slot] = last
  }

  #count(segment: Segment, by: number): void {
    const count = this.countOf(segment) + by
    if (count === 0) this.#counts.delete(segment)
    else this.#counts.set(segment, count)
  }

  #first(): Held | undefined {
    const deferred = this.#deferred.peek()
    const inFlight = this.#inFlight.peek()
    if (deferred === undefined || inFlight === undefined) return deferred ?? inFlight
    return isEarlier(deferred, inFlight) ? deferred : inFlight
  }

  #enter(held: Held): void {
    if (held.state === 'ready') this.#ready.push(held)
    else if (held.state === 'deferred') this.#deferred.push(held)
    else this.#inFlight.push(held)
  }

  #leave(held: Held): void {
    // A ready message leaves only from the head of the queue.
    if (held.state === 'ready') this.#ready.shift()
    else if (held.state === 'deferred') this.#deferred.remove(held)
    else this.#inFlight.remove(held)
  }
}

/** 0: at once. */
function dueOf({ state, when }: Held): number {
  return state === 'deferred' ? when : 0
}

function isEarlier(a: Held, b: Held): boolean {
  return a.when < b.when
}

/** The first `most`; no further one is looked at. */
function take(all: Iterable<Held>, most: number): Held[] {
  const taken: Held[] = []
  if (most === 0) return taken
  for (const held of all) if (taken.push(held) === most) break
  return taken
}
