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

/** Nothing has come for so long: the channels may be empty. */
const QUIET_MS = 2000
/** So much longer it may take an nsqd that is out of reach to come back. */
const PATIENCE_MS = 10_000
const TICK_MS = 100
/** Between two looks at what is left. */
const LOOK_MS = 500

/** How it was when nothing more was to be had. */
export interface Emptied {
  /** Whether nothing is in flight or deferred anywhere either. */
  readonly isVoid: boolean
  /** Why messages may be left that cannot be had. */
  readonly left: readonly string[]
}

/** Resolves when the channels are empty, or when what is left cannot be had; some time after an abort of the signal, too. */
export async function untilEmpty(source: Emptying, signal: AbortSignal): Promise<Emptied> {
  let taken = source.taken
  let quietSince = performance.now()
  let pauseMs = TICK_MS
  while (!signal.aborted) {
    await sleep(pauseMs, undefined, { signal }).catch(() => {})
    pauseMs = TICK_MS
    if (taken !== source.taken) {
      taken = source.taken
      quietSince = performance.now()
    }
    if (performance.now() - quietSince < QUIET_MS) continue
    await source.flush()
    const { flowing, isVoid, outOfReach, paused } = await source.look()
    pauseMs = LOOK_MS
    // What came meanwhile was not asked about.
    if (taken !== source.taken || source.inHand > 0 || flowing > 0) continue
    if (outOfReach.length > 0 && performance.now() - quietSince < PATIENCE_MS) continue
    return { isVoid, left: [...paused, ...outOfReach] }
  }
  return { isVoid: false, left: [] }
}
