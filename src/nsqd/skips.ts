import { byteAt, ordinalAt, type Position } from '../storage/position.ts'
import { between, countWithin, type OpenStretch, type Stretch } from '../storage/stretch.ts'

/**
 * What a channel leaves out behind its cursor: messages that it has finished before it was sent back, or that were
 * emptied while they waited in the topic.
 *
 *     finished … | cursor: to be read | left out | to be read | left out | to be read …
 */
export class Skips {
  /** In order, apart from each other. */
  #skips: Stretch[] = []

  get isEmpty(): boolean {
    return this.#skips.length === 0
  }

  /** The first that does not end before this ordinal. Those that do are forgotten. */
  next(ordinal: number): Stretch | undefined {
    for (;;) {
      const first = this.#skips[0]
      if (first === undefined || ordinalAt(first.to) > ordinal) return first
      this.#skips.shift()
    }
  }

  /** Leaves this out as well, which lies behind all others. */
  push(skip: Stretch): void {
    if (ordinalAt(skip.from) >= ordinalAt(skip.to)) return
    const last = this.#skips.at(-1)
    if (last === undefined || ordinalAt(last.to) < ordinalAt(skip.from)) this.#skips.push(skip)
    else this.#skips[this.#skips.length - 1] = { from: last.from, to: skip.to }
  }

  /** Leaves out what lies between these, and nothing else. */
  readOnly(stretches: readonly OpenStretch[]): void {
    this.#skips = between(stretches)
  }

  clear(): void {
    this.#skips = []
  }

  /** How many messages with ordinals from `start` on and before `end` are left out. */
  count(start: number, end: number): number {
    let count = 0
    for (const skip of this.#skips) count += countWithin(skip, start, end)
    return count
  }

  /** How many bytes of the log from byte `start` on and before byte `end` are left out. */
  countBytes(start: number, end: number): number {
    let count = 0
    for (const { from, to } of this.#skips) {
      count += Math.max(0, Math.min(end, byteAt(to)) - Math.max(start, byteAt(from)))
    }
    return count
  }

  /** What is to be read from this place on; the last of it is open. */
  stretchesFrom(position: Position): OpenStretch[] {
    const stretches: OpenStretch[] = []
    let from = position
    for (const skip of this.after(ordinalAt(position))) {
      if (ordinalAt(from) < ordinalAt(skip.from)) stretches.push({ from, to: skip.from })
      from = skip.to
    }
    return [...stretches, { from, to: undefined }]
  }

  /** Those that do not end before this ordinal. */
  after(ordinal: number): Stretch[] {
    return this.#skips.filter(({ to }) => ordinalAt(to) > ordinal)
  }
}
