import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { LeftOut } from './selection.ts'

/** What a run has done so far. */
export class Tally {
  /** Messages that the destination has acknowledged. */
  mirrored = 0
  /** Messages that were published for these, and their bytes. */
  published = 0
  bytes = 0
  /** Messages that were finished without being mirrored, and why. */
  readonly leftOut = new Map<LeftOut, number>()
  /** Failures of single messages: a function that threw, a message that is too large. */
  failed = 0
  /** Messages that went back as the destination did not take them. */
  requeued = 0
  /** The same at the end of the run. */
  unsent = 0
  /** Messages that are mirrored, and that nsqd may deliver again. */
  unfinished = 0
  /** Messages whose attempts were over (`--consumer-opt max_attempts`), and that are lost. */
  givenUp = 0
  /** From receiving to acknowledgement, in microseconds, since `takeTimes`. */
  #times: RecordableHistogram = createHistogram()

  leave(reason: LeftOut): void {
    this.leftOut.set(reason, (this.leftOut.get(reason) ?? 0) + 1)
  }

  /** How long it took from receiving to acknowledgement. */
  took(ms: number): void {
    this.#times.record(Math.max(1, Math.round(ms * 1000)))
  }

  /** What `took` was told since the last time, in microseconds. */
  takeTimes(): RecordableHistogram {
    const times = this.#times
    this.#times = createHistogram()
    return times
  }

  get leftOutTotal(): number {
    let sum = 0
    for (const count of this.leftOut.values()) sum += count
    return sum
  }
}
