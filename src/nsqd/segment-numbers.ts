import { MAX_SEGMENT } from '../protocol/message-id.ts'
import { NsqError } from '../util/errors.ts'

/** Numbers set aside at once, so that they are not written down one by one. */
const RESERVE = 4096
/** Fresh numbers follow the clock, so that ids differ even after the data was wiped. */
const EPOCH_MS = Date.UTC(2025, 0, 1)

/** Gives every segment of this nsqd a number that none has had before, over restarts and crashes. */
export class SegmentNumbers {
  readonly #reserved: () => void
  #next: number = Math.floor((Date.now() - EPOCH_MS) / 1000)
  /** Up to this one they may be used, as was written down; 0 until `reserve`. */
  #reserve = 0

  /** `reserved` is called when `reserve` has grown: it must be written down at once. */
  constructor(reserved: () => void) {
    this.#reserved = reserved
  }

  /** Numbers below this may have been used after a crash. */
  get reserve(): number {
    return this.#reserve
  }

  /** Numbers below this one were used. */
  startFrom(number: number): void {
    this.#next = Math.max(this.#next, number)
  }

  /** Sets numbers aside, and from then on more whenever they are used up. */
  setAside(): void {
    this.#reserve = this.#next + RESERVE
    this.#reserved()
  }

  next(): number {
    const number = this.#next
    if (number > MAX_SEGMENT) throw new NsqError('E_IDS', 'this node has used up its message ids')
    this.#next++
    if (this.#reserve > 0 && this.#next >= this.#reserve) this.setAside()
    return number
  }
}
