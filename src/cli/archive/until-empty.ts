import { setTimeout as sleep } from 'node:timers/promises'
import type { Backlog } from './backlog.ts'

/** What is being emptied: all topics together. */
export interface Emptying {
  /** Messages received so far. */
  readonly taken: number
  /** Of these, the ones not answered. */
  readonly inHand: number
  /** Resolves when all those in hand now were answered. */
  flush(): Promise<void>
  look(): Promise<Backlog>
}

/** Times in milliseconds. */
export interface Pace {
  /** Nothing has come for so long: the channels may be empty. */
  readonly quiet: number
  /** So long it may take an nsqd that is out of reach to come back, and a message that was sent to come. */
  readonly patience: number
  readonly tick: number
  /** Between two looks at what is left. */
  readonly look: number
}

const PACE: Pace = { quiet: 2000, patience: 10_000, tick: 100, look: 500 }

/** How it was when nothing more was to be had. */
export interface Emptied {
  /** Whether nothing is in flight or deferred anywhere either. */
  readonly isVoid: boolean
  /** Why messages may be left that cannot be had. */
  readonly left: readonly string[]
}

/** Resolves when the channels are empty, or when what is left cannot be had; some time after an abort of the signal, too. */
export async function untilEmpty(source: Emptying, signal: AbortSignal, pace = PACE): Promise<Emptied> {
  let taken = source.taken
  let quietSince = performance.now()
  let pauseMs = pace.tick
  while (!signal.aborted) {
    await sleep(pauseMs, undefined, { signal }).catch(() => {})
    pauseMs = pace.tick
    if (taken !== source.taken) {
      taken = source.taken
      quietSince = performance.now()
    }
    if (performance.now() - quietSince < pace.quiet) continue
    await source.flush()
    const { flowing, inFlight, isVoid, outOfReach, paused, roundMs } = await source.look()
    pauseMs = pace.look
    // What came meanwhile was not asked about.
    if (taken !== source.taken || source.inHand > 0 || flowing > 0) continue
    if (performance.now() - quietSince < pace.quiet + roundMs) continue
    const mayCome = outOfReach.length > 0 || inFlight > 0
    if (mayCome && performance.now() - quietSince < pace.patience) continue
    return { isVoid, left: [...paused, ...outOfReach] }
  }
  return { isVoid: false, left: [] }
}
