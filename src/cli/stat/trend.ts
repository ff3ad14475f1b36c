/** Looks that a trend remembers. */
export const TREND_LENGTH = 16

/** The depths of each row in the looks of late, oldest first. */
export class Trends {
  #last = new Map<string, number[]>()
  #current = new Map<string, number[]>()
  #nsqds = ''
  /** Looks in which the same nsqds answered, with this one. */
  #comparable = 0

  /**
   * A look begins. Rows that the last one did not have are forgotten.
   *
   * @param nsqds - those that answered: without one of them depths are lower, which says nothing
   */
  begin(nsqds: readonly string[]): void {
    const names = nsqds.toSorted().join()
    this.#comparable = names === this.#nsqds ? this.#comparable + 1 : 1
    this.#nsqds = names
    this.#last = this.#current
    this.#current = new Map()
  }

  /** Notes the depth of a row, and gives those of late. The list is the same in every look. */
  note(row: string, depth: number): readonly number[] {
    const depths = this.#last.get(row) ?? []
    depths.push(depth)
    if (depths.length > TREND_LENGTH) depths.shift()
    this.#current.set(row, depths)
    return depths
  }

  /** Whether a depth grows, as far as looks can be compared. */
  isGrowing(depths: readonly number[]): boolean {
    return isGrowing(depths.slice(-this.#comparable))
  }
}

/**
 * Whether all of the later half of these depths are above all of the earlier half. So what goes up and down with every
 * batch does not grow, and what grows with setbacks does. Fewer than four say nothing.
 */
export function isGrowing(depths: readonly number[]): boolean {
  const half = Math.floor(depths.length / 2)
  if (half < 2) return false
  return Math.min(...depths.slice(-half)) > Math.max(...depths.slice(0, half))
}
