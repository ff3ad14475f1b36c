/** How long the other side may take for a step, in ms; official nsqd gives as long, two heartbeats of its default. */
const FOR_A_STEP = 60_000
/** And a millisecond more for so many bytes: about 64 KiB a second, less than the slowest link that one works over. */
const BYTES_A_MS = 64

/** How often to look when nothing else says how often, in ms. */
export const LOOK_EVERY = 60_000

/**
 * Has patience with a peer that is in the middle of something, but not without end: who sends a command byte by byte, or
 * does not read, holds memory and a connection. It is looked at now and then, so that it costs nothing in between; and
 * counts the time from look to look, so that what we ourselves were late does not count against the other side.
 */
export class Patience {
  #mark = -1
  #waited = 0

  /** Nothing is asked of the other side. */
  rest(): void {
    this.#mark = -1
  }

  /**
   * Whether the other side has stood still for too long.
   *
   * @param mark - changes with everything that it does; never negative
   * @param bytes - the length of what it is in the middle of
   * @param passedMs - since the last look
   */
  isOver(mark: number, bytes: number, passedMs: number): boolean {
    if (mark === this.#mark) {
      this.#waited += passedMs
    } else {
      this.#mark = mark
      this.#waited = 0
    }
    return this.#waited >= FOR_A_STEP + Math.floor(bytes / BYTES_A_MS)
  }
}
