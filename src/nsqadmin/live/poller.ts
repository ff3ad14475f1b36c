import type { Cluster } from '../../cluster/cluster.ts'
import { Patience } from '../../cluster/patience.ts'
import { sumTopics } from '../../cluster/totals.ts'
import type { WallClock } from './clock.ts'
import type { Look } from './look.ts'
import { Memory } from './memory.ts'
import { orphanWarnings, toWarning } from './warnings.ts'

/** While nobody watches, so that charts have a past when somebody does. */
const IDLE_MS = 10_000
/** A look that has taken longer than the interval is not followed by the next at once. */
const REST_MS = 100

export interface PollerOptions {
  /** The cluster, which may be another the next time. */
  cluster: () => Cluster
  intervalMs: number
  clock: WallClock
  /** Called after each look. */
  looked: (look: Look) => void
}

/** Looks at the cluster again and again: often while somebody watches, and now and then otherwise. */
export class Poller {
  readonly memory: Memory
  readonly #options: PollerOptions
  readonly #patience = new Patience()
  readonly #stop = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #last: Look | undefined
  #startedMs = -Infinity
  #isStarted = false
  #isLooking = false
  #count = 0
  #watchers = 0

  constructor(options: PollerOptions) {
    this.#options = options
    this.memory = new Memory(options.clock)
  }

  /** Looks for the first time. */
  start(): void {
    this.#isStarted = true
    void this.#look()
  }

  /** The last look; undefined before the first is done. */
  get last(): Look | undefined {
    return this.#last
  }

  /** The cluster, not waited for long when a daemon hangs. */
  get cluster(): Cluster {
    return this.#patience.between(this.#options.cluster())
  }

  /** Aborted by `close`. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Whether what is known is as new as it is while somebody watches. */
  get isFresh(): boolean {
    return this.#last !== undefined && performance.now() - this.#last.atMs < 2 * this.#options.intervalMs
  }

  /** Somebody watches, until the returned function is called. */
  watch(): () => void {
    this.#watchers++
    if (this.#watchers === 1) this.#schedule()
    let isWatching = true
    return () => {
      if (isWatching) this.#watchers--
      isWatching = false
    }
  }

  close(): void {
    this.#stop.abort()
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (!this.#isStarted || this.#isLooking || this.#stop.signal.aborted) return
    const now = performance.now()
    const interval =
      this.#watchers > 0 ? this.#options.intervalMs : Math.max(IDLE_MS, this.#options.intervalMs)
    const waitMs = Math.max(0, this.#startedMs + interval - now)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#look(), waitMs)
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    this.#startedMs = performance.now()
    const look = await this.#ask()
    this.#isLooking = false
    if (this.#stop.signal.aborted) return
    this.#last = look
    this.#startedMs = Math.max(this.#startedMs, performance.now() + REST_MS - this.#options.intervalMs)
    this.#schedule()
    this.#options.looked(look)
  }

  async #ask(): Promise<Look> {
    const cluster = this.#patience.next(this.#options.cluster())
    const { signal } = this.#stop
    const registered = registeredTopics(cluster, signal)
    try {
      const { value, warnings } = await cluster.look({}, signal)
      const names = await registered
      this.#patience.learn(warnings)
      const atMs = performance.now()
      const totals = sumTopics(value.stats)
      this.memory.observe(value.stats, totals, atMs)
      return {
        ...this.#stamp(atMs),
        ...value,
        totals,
        topicNames: new Set([...totals.keys(), ...names]),
        warnings: [...warnings.map(toWarning), ...orphanWarnings(totals)],
        failed: undefined,
      }
    } catch (error) {
      this.#patience.learn([error])
      const { message, remedy } = toWarning(error)
      return {
        ...this.#stamp(performance.now()),
        nodes: [],
        stats: [],
        totals: new Map(),
        topicNames: new Set(),
        warnings: [],
        failed: { message, warnings: remedy === null ? [] : [{ message, remedy }] },
      }
    }
  }

  #stamp(atMs: number): Pick<Look, 'number' | 'time' | 'atMs'> {
    return { number: ++this.#count, time: this.#options.clock.at(atMs), atMs }
  }
}

/** The topics that nsqlookupd knows, as it may be the only one. What is wrong with an nsqlookupd the look itself says. */
async function registeredTopics(cluster: Cluster, signal: AbortSignal): Promise<string[]> {
  if (cluster.lookupds.length === 0) return []
  try {
    return (await cluster.topics(signal)).value
  } catch {
    return []
  }
}
