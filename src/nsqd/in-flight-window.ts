const SMALLEST = 1024
/** At this size the window stops growing: its oldest message is taken out and held by name instead. */
const LARGEST = 128 * 1024

/**
 * The fresh messages of a channel that are between its low-water mark and its cursor, a slot each, in the order of the
 * log. A slot says who has the message, or that it is settled; no message is an object, and FIN costs two array
 * accesses.
 *
 *     … finished | low: in flight, settled, in flight, … | high: not delivered yet …
 */
export class InFlightWindow {
  /** Everything before this ordinal is settled. */
  low: number
  /** The next ordinal to come in: the channel's cursor. */
  high: number
  #mask = SMALLEST - 1
  /** Session number that has the message; 0 when it is settled. */
  #owners = new Uint32Array(SMALLEST)
  /** Where the message begins in its segment. */
  #offsets = new Uint32Array(SMALLEST)

  constructor(ordinal: number) {
    this.low = this.high = ordinal
  }

  get isFull(): boolean {
    return this.high - this.low >= LARGEST
  }

  /** Takes in the next message. There must be room: see `isFull`. */
  add(owner: number, offset: number): void {
    if (this.high - this.low > this.#mask) this.#grow()
    const slot = this.high & this.#mask
    this.#owners[slot] = owner
    this.#offsets[slot] = offset
    this.high++
  }

  /** Takes in the next message as settled: it went elsewhere. */
  addSettled(): void {
    this.add(0, 0)
    this.#rise()
  }

  /** Who has the message; 0 when nobody, or when it is outside the window. */
  ownerOf(ordinal: number): number {
    if (ordinal < this.low || ordinal >= this.high) return 0
    return this.#owners[ordinal & this.#mask] ?? 0
  }

  offsetOf(ordinal: number): number {
    return this.#offsets[ordinal & this.#mask] ?? 0
  }

  settle(ordinal: number): void {
    this.#owners[ordinal & this.#mask] = 0
    if (ordinal === this.low) this.#rise()
  }

  /** Begins anew at this ordinal, with nothing in flight. */
  reset(ordinal: number): void {
    this.low = this.high = ordinal
  }

  #rise(): void {
    while (this.low < this.high && this.#owners[this.low & this.#mask] === 0) this.low++
  }

  #grow(): void {
    const mask = this.#mask * 2 + 1
    const owners = new Uint32Array(mask + 1)
    const offsets = new Uint32Array(mask + 1)
    for (let ordinal = this.low; ordinal < this.high; ordinal++) {
      owners[ordinal & mask] = this.#owners[ordinal & this.#mask] ?? 0
      offsets[ordinal & mask] = this.#offsets[ordinal & this.#mask] ?? 0
    }
    this.#mask = mask
    this.#owners = owners
    this.#offsets = offsets
  }
}
