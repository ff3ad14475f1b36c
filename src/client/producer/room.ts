import { Queue } from '../../util/queue.ts'

/** Something that waits until there is room. */
export interface Admission {
  /** Nobody waits for it any more. */
  readonly isOver: boolean
  /** It is its turn. */
  admit(): void
}

/** Bounds the memory of what waits for nsqd, in bytes. What does not fit waits outside, in the order it came. */
export class Room {
  readonly #limit: number
  #taken = 0
  readonly #waiting = new Queue<Admission>()
  #wakers: (() => void)[] = []
  #isClosed = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get taken(): number {
    return this.#taken
  }

  /** Whether more may come in. One that comes in may be larger than what was left. */
  get isOpen(): boolean {
    return this.#taken < this.#limit && this.#waiting.length === 0
  }

  take(bytes: number): void {
    this.#taken += bytes
  }

  /** Gives back what was taken. */
  give(bytes: number): void {
    this.#taken -= bytes
    this.#admit()
  }

  wait(admission: Admission): void {
    this.#waiting.push(admission)
  }

  /** Resolves when it is open. */
  opened(): Promise<void> {
    if (this.isOpen || this.#isClosed) return Promise.resolve()
    return new Promise(resolve => this.#wakers.push(resolve))
  }

  /** Those in front that are over give their place to others. */
  prune(): void {
    while (this.#waiting.peek()?.isOver === true) this.#waiting.shift()
    this.#admit()
  }

  /** Admits nobody any more, and lets nobody wait. */
  close(): void {
    this.#isClosed = true
    this.#waiting.clear()
    this.#wake()
  }

  #admit(): void {
    while (this.#taken < this.#limit) {
      const admission = this.#waiting.shift()
      if (admission === undefined) break
      if (!admission.isOver) admission.admit()
    }
    if (this.isOpen) this.#wake()
  }

  #wake(): void {
    if (this.#wakers.length === 0) return
    const wakers = this.#wakers
    this.#wakers = []
    for (const wake of wakers) wake()
  }
}
