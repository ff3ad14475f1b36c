export const POOL_MODES = ['round-robin', 'hostpool', 'epsilon-greedy'] as const

/**
 * How the next host is chosen, as go-hostpool and the official tools mean these names:
 *
 * - `round-robin`: one after the other, whether they fail or not;
 * - `hostpool`: one after the other, but one that failed rests, at first for 30 s, then twice as long each time that it
 *   fails again when it is tried, up to 15 min. When all have failed, all are tried again;
 * - `epsilon-greedy`: likewise, and the fast ones more often than the slow ones. A share of the choices, at first 30 %,
 *   goes to one after the other all the same, to learn; with each the share gets smaller, down to 1 %.
 */
export type PoolMode = (typeof POOL_MODES)[number]

/** A host for one piece of work; how it went is to be told once. */
export interface Choice<T> {
  readonly host: T
  /** @param ms - how long it took */
  succeeded(ms: number): void
  /** @param restMs - how long the host has asked to be left alone: it rests just so long, in every mode */
  failed(restMs?: number): void
}

export interface HostPoolOptions {
  /** Milliseconds from anywhere, never going back. */
  readonly now?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

const FIRST_REST_MS = 30_000
const LONGEST_REST_MS = 900_000
const FIRST_EPSILON = 0.3
const EPSILON_DECAY = 0.9
const LEAST_EPSILON = 0.01
/** Of response times: after five minutes one counts a twentieth. */
const FORGET_MS = 100_000
/** Below this, differences say more about the clock than about the host. */
const LEAST_MS = 0.05

/** Hosts that the same work can go to, one of which is chosen for each piece of it. */
export class HostPool<T> {
  readonly #hosts: readonly Host<T>[]
  readonly #mode: PoolMode
  readonly #now: () => number
  readonly #random: () => number
  #next = 0
  #epsilon = FIRST_EPSILON

  /** @param hosts - at least one */
  constructor(hosts: readonly T[], mode: PoolMode, options: HostPoolOptions = {}) {
    this.#mode = mode
    this.#now = options.now ?? (() => performance.now())
    this.#random = options.random ?? Math.random
    this.#hosts = hosts.map(host => new Host(host, mode !== 'round-robin'))
  }

  /** Undefined while every host has asked to be left alone; see `waitMs`. */
  choose(): Choice<T> | undefined {
    const now = this.#now()
    const host = (this.#mode === 'epsilon-greedy' ? this.#choosesFast(now) : undefined) ?? this.#inTurn(now)
    if (host === undefined) return undefined
    host.tried(now)
    return new HostChoice(host, this.#now)
  }

  /** How long until some host may be tried: 0 when one may be now. */
  get waitMs(): number {
    const now = this.#now()
    return Math.max(0, Math.min(...this.#hosts.map(host => host.leaveUntil)) - now)
  }

  /**
   * Whether some host may be tried now that has not failed, so that a failure of another is no reason to slow down. Round-robin
   * goes to those that fail as well: never.
   */
  get hasSound(): boolean {
    const now = this.#now()
    return this.#mode !== 'round-robin' && this.#hosts.some(host => host.isSound(now))
  }

  #inTurn(now: number): Host<T> | undefined {
    const found = this.#nextOf(host => host.isReady(now))
    if (found !== undefined) return found
    // All have failed. Nobody knows which is back first, and the consumer goes slowly by itself.
    const free = this.#hosts.filter(host => host.leaveUntil <= now)
    for (const host of free) host.revive()
    return this.#nextOf(host => free.includes(host))
  }

  #nextOf(isMeant: (host: Host<T>) => boolean): Host<T> | undefined {
    const count = this.#hosts.length
    for (let step = 0; step < count; step++) {
      const at = (this.#next + step) % count
      const host = this.#hosts[at]
      if (host === undefined || !isMeant(host)) continue
      this.#next = at + 1
      return host
    }
    return undefined
  }

  /** Undefined when it is the turn of the next one, whatever is known of it. */
  #choosesFast(now: number): Host<T> | undefined {
    if (this.#random() < this.#epsilon) {
      this.#epsilon = Math.max(LEAST_EPSILON, this.#epsilon * EPSILON_DECAY)
      return undefined
    }
    const ready = this.#hosts.filter(host => host.isReady(now))
    // One of which nothing is known yet may be the best.
    if (ready.some(({ meanMs }) => meanMs === undefined)) return undefined
    const speeds = ready.map(({ meanMs = 1 }) => 1 / meanMs)
    let rest = this.#random() * speeds.reduce((sum, speed) => sum + speed, 0)
    return ready.find((_, index) => (rest -= speeds[index] ?? 0) <= 0) ?? ready.at(-1)
  }
}

class Host<T> {
  readonly host: T
  /** What it has asked for itself. */
  leaveUntil = Number.NEGATIVE_INFINITY
  readonly #restsAfterFailure: boolean
  #hasFailed = false
  #restMs = FIRST_REST_MS
  #restsUntil = 0
  // Of response times, each counting less the older it is.
  #sum = 0
  #weight = 0
  #measuredAt = 0

  constructor(host: T, restsAfterFailure: boolean) {
    this.host = host
    this.#restsAfterFailure = restsAfterFailure
  }

  /** Undefined when nothing is known. */
  get meanMs(): number | undefined {
    return this.#weight === 0 ? undefined : Math.max(LEAST_MS, this.#sum / this.#weight)
  }

  isReady(now: number): boolean {
    return now >= this.leaveUntil && (!this.#hasFailed || now >= this.#restsUntil)
  }

  isSound(now: number): boolean {
    return now >= this.leaveUntil && !this.#hasFailed
  }

  /** One that has failed gets one try, and rests again until that has succeeded. */
  tried(now: number): void {
    if (!this.#hasFailed) return
    this.#restMs = Math.min(LONGEST_REST_MS, this.#restMs * 2)
    this.#restsUntil = now + this.#restMs
  }

  revive(): void {
    this.#hasFailed = false
  }

  succeeded(now: number, ms: number): void {
    this.#hasFailed = false
    const kept = this.#weight === 0 ? 0 : Math.exp((this.#measuredAt - now) / FORGET_MS)
    this.#sum = this.#sum * kept + ms
    this.#weight = this.#weight * kept + 1
    this.#measuredAt = now
  }

  failed(now: number, restMs: number | undefined): void {
    if (restMs !== undefined) {
      this.leaveUntil = Math.max(this.leaveUntil, now + restMs)
      return
    }
    if (!this.#restsAfterFailure || this.#hasFailed) return
    this.#hasFailed = true
    this.#restMs = FIRST_REST_MS
    this.#restsUntil = now + FIRST_REST_MS
  }
}

class HostChoice<T> implements Choice<T> {
  readonly #host: Host<T>
  readonly #now: () => number

  constructor(host: Host<T>, now: () => number) {
    this.#host = host
    this.#now = now
  }

  get host(): T {
    return this.#host.host
  }

  succeeded(ms: number): void {
    this.#host.succeeded(this.#now(), ms)
  }

  failed(restMs?: number): void {
    this.#host.failed(this.#now(), restMs)
  }
}
