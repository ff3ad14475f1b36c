/*
 * What the ledger knows of each message, in a few bytes a message and channel: a soak publishes millions.
 */

/** A typed array that grows. Of numbers never set, it gives 0. */
class Column<T extends { readonly length: number }> {
  readonly #grow: (length: number, from: T | undefined) => T
  #values: T

  /** @param grow - makes an array of this length, with what is in the one given */
  constructor(grow: (length: number, from: T | undefined) => T) {
    this.#grow = grow
    this.#values = grow(64, undefined)
  }

  /** Its values, with room for this number. */
  with(number: number): T {
    if (number >= this.#values.length) {
      this.#values = this.#grow(Math.max(number + 1, this.#values.length * 2), this.#values)
    }
    return this.#values
  }
}

function bytes(length: number, from: Uint8Array = new Uint8Array()): Uint8Array {
  const grown = new Uint8Array(length)
  grown.set(from)
  return grown
}

function words(length: number, from: Uint16Array = new Uint16Array()): Uint16Array {
  const grown = new Uint16Array(length)
  grown.set(from)
  return grown
}

function longs(length: number, from: BigUint64Array = new BigUint64Array()): BigUint64Array {
  const grown = new BigUint64Array(length)
  grown.set(from)
  return grown
}

const ACKNOWLEDGED = 1
const REPEATED = 2

const DELIVERED = 1
const FINISHED = 2
/** Finished at some time, though a crash may have undone it. */
const WAS_FINISHED = 4
const SAVED_FINISHED = 8
/** Somebody has said FIN, though nobody may have heard it. */
const FINISHING = 16

/** The messages of one producer to one topic, by their numbers from 0. */
export class SeriesBook {
  count = 0
  readonly #flags = new Column(bytes)
  readonly #ids = new Column(longs)
  readonly #channels = new Map<string, ChannelBook>()

  add(): number {
    return this.count++
  }

  isAcknowledged(number: number): boolean {
    return (this.#flag(number) & ACKNOWLEDGED) !== 0
  }

  acknowledge(number: number): void {
    this.#flags.with(number)[number] = this.#flag(number) | ACKNOWLEDGED
  }

  /** It may be lost, as if nobody had been told that it was taken. */
  withdraw(number: number): void {
    this.#flags.with(number)[number] = this.#flag(number) & ~ACKNOWLEDGED
  }

  isRepeated(number: number): boolean {
    return (this.#flag(number) & REPEATED) !== 0
  }

  repeat(number: number): void {
    this.#flags.with(number)[number] = this.#flag(number) | REPEATED
  }

  /** Sets a message's id once; gives the one that it has when that is another. */
  setId(number: number, id: string): string | undefined {
    const ids = this.#ids.with(number)
    const given = BigInt(`0x${id}`)
    const known = ids[number] ?? 0n
    if (known === 0n) ids[number] = given
    return known === 0n || known === given ? undefined : known.toString(16).padStart(16, '0')
  }

  /** All ids that were set. */
  ids(): bigint[] {
    return this.count === 0 ? [] : Array.from(this.#ids.with(this.count - 1)).filter(id => id !== 0n)
  }

  channel(name: string): ChannelBook {
    let book = this.#channels.get(name)
    if (book === undefined) {
      book = new ChannelBook()
      this.#channels.set(name, book)
    }
    return book
  }

  missingCount(channel: string): number {
    const book = this.channel(channel)
    return this.#countAcknowledged(number => !book.isDelivered(number))
  }

  unfinishedCount(channel: string): number {
    const book = this.channel(channel)
    return this.#countAcknowledged(number => !book.isFinished(number))
  }

  #countAcknowledged(isCounted: (number: number) => boolean): number {
    let count = 0
    for (let number = 0; number < this.count; number++) {
      if (this.isAcknowledged(number) && isCounted(number)) count++
    }
    return count
  }

  #flag(number: number): number {
    return this.#flags.with(number)[number] ?? 0
  }
}

/** The same messages in one channel. */
export class ChannelBook {
  readonly #flags = new Column(bytes)
  readonly #attempts = new Column(words)
  readonly #savedAttempts = new Column(words)
  readonly #due = new Map<number, number>()
  readonly #savedDue = new Map<number, number>()

  isDelivered(number: number): boolean {
    return this.#has(number, DELIVERED)
  }

  isFinished(number: number): boolean {
    return this.#has(number, FINISHED)
  }

  wasFinished(number: number): boolean {
    return this.#has(number, WAS_FINISHED)
  }

  /** Whether it may be gone: somebody has finished it, or tried to. */
  mayBeGone(number: number): boolean {
    return this.#has(number, WAS_FINISHED) || this.#has(number, FINISHING)
  }

  finishing(number: number): void {
    this.#set(number, FINISHING)
  }

  attempts(number: number): number {
    return this.#attempts.with(number)[number] ?? 0
  }

  /** Unix ms before which a requeued one may not come; 0 for none. */
  due(number: number): number {
    return this.#due.get(number) ?? 0
  }

  deliver(number: number, attempts: number): void {
    this.#set(number, DELIVERED)
    this.#attempts.with(number)[number] = attempts
    this.#due.delete(number)
  }

  finish(number: number): void {
    this.#set(number, FINISHED | WAS_FINISHED)
  }

  defer(number: number, dueMs: number): void {
    this.#due.set(number, dueMs)
  }

  /** A checkpoint has this. */
  save(number: number, attempts: number, isFinished: boolean, dueMs: number): void {
    this.#savedAttempts.with(number)[number] = attempts
    if (isFinished) this.#set(number, SAVED_FINISHED)
    if (dueMs === 0 || isFinished) this.#savedDue.delete(number)
    else this.#savedDue.set(number, dueMs)
  }

  /** A crash: back to what a checkpoint has. */
  rollBack(number: number): void {
    const flags = this.#flags.with(number)
    if (!this.#has(number, SAVED_FINISHED)) flags[number] = (flags[number] ?? 0) & ~FINISHED
    this.#attempts.with(number)[number] = this.#savedAttempts.with(number)[number] ?? 0
    const due = this.#savedDue.get(number)
    if (due === undefined) this.#due.delete(number)
    else this.#due.set(number, due)
  }

  #has(number: number, flag: number): boolean {
    return ((this.#flags.with(number)[number] ?? 0) & flag) !== 0
  }

  #set(number: number, flag: number): void {
    const flags = this.#flags.with(number)
    flags[number] = (flags[number] ?? 0) | flag
  }
}
