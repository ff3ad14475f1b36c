import { formatCount, plural } from '../units.ts'
import type { Tally } from './tally.ts'

/** Whatever `--status-every` says, nobody reads more. */
const LEAST_MS = 1000

export interface StatusOptions {
  /** Messages between two lines; 0 for none. */
  readonly every: number
  readonly tally: Tally
  readonly acknowledgedBy: () => ReadonlyMap<string, number>
  readonly say: (text: string) => void
}

/** Says how it goes, as nsq_to_nsq does: how long messages took lately, from receiving to acknowledgement. */
export class Status {
  readonly #options: StatusOptions
  #mirrored = 0
  #at: number = performance.now()
  #acknowledged: ReadonlyMap<string, number> = new Map()

  constructor(options: StatusOptions) {
    this.#options = options
  }

  /** To be called when more messages were mirrored. */
  advanced(): void {
    const { every, tally } = this.#options
    if (every === 0 || tally.mirrored - this.#mirrored < every) return
    const now = performance.now()
    if (now - this.#at < LEAST_MS) return
    this.#tell(now - this.#at)
    this.#at = now
  }

  #tell(ms: number): void {
    const { tally, acknowledgedBy, say } = this.#options
    const times = tally.takeTimes()
    const count = tally.mirrored - this.#mirrored
    this.#mirrored = tally.mirrored
    const before = this.#acknowledged
    this.#acknowledged = new Map(acknowledgedBy())
    const shares = Array.from(
      this.#acknowledged,
      ([nsqd, total]) => `${nsqd}: ${formatCount(total - (before.get(nsqd) ?? 0))}`,
    )
    const divided = shares.length > 1 ? ` (${shares.join(', ')})` : ''
    const at = (percentile: number): string => milliseconds(times.percentile(percentile))
    say(
      `mirrored ${plural(count, 'message')} in ${(ms / 1000).toFixed(1)} s${divided} - ` +
        `99th: ${at(99)} - 95th: ${at(95)} - avg: ${milliseconds(times.mean)}`,
    )
  }
}

function milliseconds(microseconds: number): string {
  return `${(microseconds / 1000).toFixed(2)}ms`
}
