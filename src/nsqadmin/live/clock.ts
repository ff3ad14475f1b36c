/** How far the system's clock may run off before this one follows: clocks are slewed by less, and set by more. */
const JUMP_MS = 1000

/**
 * The time in ms since 1970, for what is shown. It runs evenly, so that charts have no kinks, until the system's clock is
 * set: then it follows at once.
 */
export class WallClock {
  #offset = Date.now() - performance.now()

  now(): number {
    return this.at(performance.now())
  }

  /** The same of a moment of `performance.now()`: what was measured before a jump moves with it, and stays in order. */
  at(steadyMs: number): number {
    const offset = Date.now() - performance.now()
    if (Math.abs(offset - this.#offset) > JUMP_MS) this.#offset = offset
    return Math.round(steadyMs + this.#offset)
  }
}
