/** How far the system's clock may run off before this one follows: clocks are slewed by less, and set by more. */
const JUMP_MS = 1000

/**
 * The time in ms since 1970, for what is shown. It runs evenly, so that charts have no kinks, until the system's clock is
 * set: then it follows at once.
 */
export class WallClock {
  readonly #systemNow: () => number
  readonly #steadyNow: () => number
  #offset: number

  constructor(systemNow = () => Date.now(), steadyNow = () => performance.now()) {
    this.#systemNow = systemNow
    this.#steadyNow = steadyNow
    this.#offset = systemNow() - steadyNow()
  }

  now(): number {
    return this.at(this.#steadyNow())
  }

  /** The same of a moment of `performance.now()`: what was measured before a jump moves with it, and stays in order. */
  at(steadyMs: number): number {
    const offset = this.#systemNow() - this.#steadyNow()
    if (Math.abs(offset - this.#offset) > JUMP_MS) this.#offset = offset
    return Math.round(steadyMs + this.#offset)
  }
}
