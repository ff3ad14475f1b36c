/** What a checkpoint says of a held message: ids, place and attempts u32 each, and when it is due, f64, big-endian. */
export const HELD_LENGTH = 28

const ATTEMPTS_AT = 16
const DUE_AT = 20
/** Records. */
const SMALLEST = 64

/**
 * Held messages as a checkpoint has them, kept as they change: so that one with a million deferred messages is a copy of
 * bytes, and not a walk over all of them. A record is known by its slot, from 0 on without gaps.
 */
export class HeldRecords {
  count = 0
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = viewOf(this.#bytes)

  /** The slot of a new record. */
  add(idSegment: number, idIndex: number, attempts: number, dueMs: number): number {
    const slot = this.count++
    if (this.count * HELD_LENGTH > this.#bytes.length) this.#resize(Math.max(SMALLEST, 2 * slot))
    const at = slot * HELD_LENGTH
    this.#view.setUint32(at, idSegment)
    this.#view.setUint32(at + 4, idIndex)
    this.update(slot, attempts, dueMs)
    return slot
  }

  place(slot: number, segment: number, offset: number): void {
    const at = slot * HELD_LENGTH
    this.#view.setUint32(at + 8, segment)
    this.#view.setUint32(at + 12, offset)
  }

  update(slot: number, attempts: number, dueMs: number): void {
    const at = slot * HELD_LENGTH
    this.#view.setUint32(at + ATTEMPTS_AT, attempts)
    this.#view.setFloat64(at + DUE_AT, dueMs)
  }

  /** The last record, if it is another one, has this slot from now on. */
  remove(slot: number): void {
    const last = --this.count
    if (last !== slot) {
      const from = last * HELD_LENGTH
      const to = slot * HELD_LENGTH
      for (let i = 0; i < HELD_LENGTH; i += 4) this.#view.setUint32(to + i, this.#view.getUint32(from + i))
    }
    const room = this.#bytes.length / HELD_LENGTH
    if (room > SMALLEST && last < room / 4) this.#resize(room / 2)
  }

  clear(): void {
    this.count = 0
    this.#resize(0)
  }

  /** All of them, until the next change. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.count * HELD_LENGTH)
  }

  #resize(room: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.floor(room) * HELD_LENGTH)
    this.#bytes.copy(bytes)
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
