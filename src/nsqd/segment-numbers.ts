import { MAX_SEGMENT } from '../protocol/message-id.ts'
import { NsqError } from '../util/errors.ts'

/** Numbers set aside at once, so that they are not written down one by one. */
const RESERVE = 4096
/** Fresh numbers follow the clock, so that ids differ even after the data was wiped. */
const EPOCH_MS = Date.UTC(2025, 0, 1)

/** Gives every segment of this nsqd a number that none has had before, over restarts and crashes. */
export class SegmentNumbers {
  readonly #write: () => void
  #next: number = Math.floor((Date.now() - EPOCH_MS) / 1000)
  /** Numbers below this one may be used: that is written down. */
  #reserve = 0

  /** `write` writes `reserve` down, or throws. */
  constructor(write: () => void) {
    this.#write = write
  }

  /** Numbers below this may have been used after a crash. */
  get reserve(): number {
    return this.#reserve
  }

  /** Numbers below this one were used. */
  startFrom(number: number): void {
    this.#next = Math.max(this.#next, number)
    this.#reserve = Math.max(this.#reserve, number)
  }

  /** Sets numbers aside. Throws what `write` throws: then none are. */
  setAside(): void {
    const before = this.#reserve
    this.#reserve = Math.min(this.#next + RESERVE, MAX_SEGMENT + 1)
    try {
      this.#write()
    } catch (error) {
      this.#reserve = before
      throw error
    }
  }

  /** A number that is to be used, or not. Throws NsqError E_IDS. */
  next(): number {
    const number = this.#next
    if (number > MAX_SEGMENT) throw new NsqError('E_IDS', 'this node has used up its message ids')
    this.#next++
    return number
  }

  /** To be called before the first message is written under this number. Throws what `write` throws: it is not to be used yet. */
  use(number: number): void {
    if (number >= this.#reserve) this.setAside()
  }
}
