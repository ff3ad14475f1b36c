import { now } from './clock.ts'

/** The longest delay that setTimeout takes, in ms. */
const MAX_TIMER = 2 ** 31 - 1

/** Rings once, at the earliest time that it was set to, or before, if that is very far away. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | undefined
  #at = Infinity

  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** `at`: Unix ms. */
  set(at: number | undefined): void {
    if (at === undefined || at >= this.#at) return
    clearTimeout(this.#timer)
    this.#at = at
    this.#timer = setTimeout(this.#due, Math.min(MAX_TIMER, Math.max(0, Math.ceil(at - now()))))
  }

  clear(): void {
    clearTimeout(this.#timer)
    this.#at = Infinity
  }

  readonly #due = (): void => {
    this.#at = Infinity
    this.#ring()
  }
}
