import { setTimeout } from 'node:timers/promises'
import { formatAddress } from '../../src/util/address.ts'
import { Random } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import { Account } from './account.ts'
import { LibraryLoad, type LibraryOptions } from './library-load.ts'
import type { Load, LoadContext } from './load.ts'
import { Probe } from './probe.ts'
import { RawLoad } from './raw-load.ts'
import type { Verdict } from './series.ts'
import { SoakCluster } from './soak-cluster.ts'
import { Visitors } from './visitors.ts'

export interface SoakOptions {
  seed: number
  /** How long messages are published. */
  ms: number
  /** Messages a second over all topics, about. */
  rate: number
  /** Between two samples. */
  sampleMs: number
  /** Between two restarts, on average. */
  restartMs: number
  /** Between two uses of the command line's tools. */
  toolsMs: number
  /** Ends it before that, in good order. */
  signal?: AbortSignal
  /** Gets each sample as a line of CSV, the names first. */
  csv: (line: string) => void
}

export interface SoakResult {
  /** What must not have been; none when all is well. */
  problems: readonly string[]
  /** What has grown; it takes minutes to tell. */
  grown: readonly string[]
  verdicts: readonly { name: string; unit: string; verdict: Verdict }[]
  published: number
  failed: number
  deliveries: number
  repeated: number
  restarts: number
  /** FINs that came too late. */
  late: number
  samples: number
}

const TICK_MS = 50
/** For what was deferred or requeued, and for timeouts. A busy machine may need many of these. */
const PATIENCE_MS = 60_000
/** Wrong things that are kept: one is enough to fail. */
const MOST_PROBLEMS = 20

/** Mixed load on a small cluster with restarts, for any time: what comes is accounted for, what it takes is measured. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const cluster = await SoakCluster.start()
  const run = new Soak(cluster, options)
  try {
    await run.run()
  } finally {
    await run.close()
    for (const problem of await cluster.close()) run.wrong(problem)
  }
  return run.result()
}

class Soak implements LoadContext {
  readonly latencies: number[] = []
  readonly #cluster: SoakCluster
  readonly #options: SoakOptions
  readonly #random: Random
  readonly #loads: readonly Load[]
  readonly #probe: Probe
  readonly #visitors: Visitors
  readonly #problems: string[] = []
  #restarts = 0
  #samples = 0
  #isOver = false

  constructor(cluster: SoakCluster, options: SoakOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#random = new Random(options.seed)
    this.#probe = new Probe(cluster, this.latencies)
    this.#visitors = new Visitors(cluster, this.#fork())
    const tls = { ca: cluster.ca }
    this.#loads = [
      this.#library('orders', { strategy: 'round-robin', deferred: 0, channels: ['mail', 'bill'] }),
      this.#library('later', { strategy: 'least-pending', deferred: 0.7, channels: ['c'] }),
      this.#library('secret', {
        strategy: 'failover',
        deferred: 0,
        channels: ['c'],
        connection: { tls, snappy: true },
      }),
      this.#library('packed', {
        strategy: 'round-robin',
        deferred: 0.1,
        channels: ['c'],
        connection: { deflate: 3 },
      }),
      new RawLoad(new Account('web', ['c', 'd']), ['c', 'd'], cluster.nsqds, this.#fork()),
    ]
  }

  get lookupd(): string {
    return formatAddress(this.#cluster.lookupd.http)
  }

  get steady(): string {
    return this.#cluster.steady.tcp
  }

  wrong(what: string): void {
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(what)
  }

  async run(): Promise<void> {
    const { csv, ms, signal, sampleMs, restartMs, toolsMs } = this.#options
    await this.#createChannels()
    await Promise.all(this.#loads.map(load => load.start()))
    csv(['seconds', ...this.#probe.series.map(({ name }) => name)].join())
    const startedAt = performance.now()
    const around = [
      this.#again(TICK_MS, () => this.#publish()),
      this.#again(sampleMs, () => this.#sample(startedAt)),
      this.#again(1000, () => this.#visitors.churn()),
      this.#again(2000, () => this.#visitors.look()),
      this.#again(toolsMs, () => this.#visitors.useTools()),
      this.#again(restartMs, () => this.#restart(), true),
    ]
    // A rejection only says that it was cut short.
    await setTimeout(ms, undefined, { signal }).catch(() => undefined)
    this.#isOver = true
    await Promise.all(around)
    await Promise.all(this.#loads.map(load => load.settled()))
    await this.#mustArrive()
  }

  async close(): Promise<void> {
    this.#isOver = true
    await this.#visitors.close()
    await Promise.all(this.#loads.map(load => load.close()))
  }

  result(): SoakResult {
    const accounts = this.#loads.map(({ account }) => account)
    const sum = (count: (account: Account) => number): number =>
      accounts.reduce((all, account) => all + count(account), 0)
    const verdicts = this.#probe.series.map(series => {
      const { name, unit } = series
      return { name, unit, verdict: series.judge() }
    })
    return {
      problems: [
        ...this.#problems,
        ...[...accounts, ...this.#loads].flatMap(({ problems }) => problems).slice(0, MOST_PROBLEMS),
      ],
      grown: verdicts.flatMap(({ name, unit, verdict: { first, last, hasGrown } }) =>
        hasGrown ? [`${name} has grown from ${first.toFixed(1)} to ${last.toFixed(1)} ${unit}`] : [],
      ),
      verdicts,
      published: sum(({ published }) => published),
      failed: sum(({ failed }) => failed),
      deliveries: sum(({ deliveries }) => deliveries),
      repeated: sum(({ repeated }) => repeated),
      restarts: this.#restarts,
      late: this.#loads.reduce((all, load) => all + load.late, 0),
      samples: this.#samples,
    }
  }

  /** Random numbers of its own, so that who waits for what does not change those of others. */
  #fork(): Random {
    return new Random(this.#random.int(1, 1e9))
  }

  #library(topic: string, options: LibraryOptions): LibraryLoad {
    return new LibraryLoad(new Account(topic, options.channels), options, this, this.#fork())
  }

  /** On every nsqd: a channel gets what is published once it is there. */
  async #createChannels(): Promise<void> {
    const channels = [
      ['orders', 'mail'],
      ['orders', 'bill'],
      ...['later', 'secret', 'packed', 'web'].map(topic => [topic, 'c']),
      ['web', 'd'],
    ]
    for (const { http } of this.#cluster.nsqds) {
      for (const [topic, channel] of channels) {
        for (const path of [
          `topic/create?topic=${topic}`,
          `channel/create?topic=${topic}&channel=${channel}`,
        ]) {
          const response = await fetch(`http://${http}/${path}`, { method: 'POST' })
          if (!response.ok) throw new Error(`${path}: ${response.status}`)
        }
      }
    }
  }

  #publish(): Promise<void> {
    const messages = (this.#options.rate * TICK_MS) / 1000
    const load = this.#random.pick(this.#loads)
    load.publish(this.#random.int(1, Math.max(1, Math.round(2 * messages - 1))))
    return Promise.resolve()
  }

  async #sample(startedAt: number): Promise<void> {
    await this.#probe.sample()
    this.#samples++
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    this.#options.csv([seconds, ...this.#probe.series.map(({ latest }) => latest)].join())
  }

  async #restart(): Promise<void> {
    this.#restarts++
    const problem = await this.#cluster.restartOne(this.#random)
    if (problem !== undefined) this.wrong(problem)
  }

  /** Does something each time, at random intervals if wanted, until the end; a failure of it is one of the run. */
  async #again(everyMs: number, work: () => Promise<void>, isRandom = false): Promise<void> {
    const random = this.#fork()
    for (;;) {
      const until = performance.now() + (isRandom ? everyMs * (0.5 + random.fraction()) : everyMs)
      while (!this.#isOver && performance.now() < until) {
        await pause(Math.min(200, Math.max(1, until - performance.now())))
      }
      if (this.#isOver) return
      try {
        await work()
      } catch (error) {
        this.wrong(String(error))
      }
    }
  }

  async #mustArrive(): Promise<void> {
    const missing = (): number => this.#loads.reduce((sum, { account }) => sum + account.missing, 0)
    // On a busy machine all of them may take long; each must not.
    for (let before = Infinity; missing() > 0 && missing() < before;) {
      before = missing()
      const deadline = performance.now() + PATIENCE_MS
      while (missing() === before && performance.now() < deadline) await pause(20)
    }
    for (const { account } of this.#loads) {
      if (account.missing > 0) this.wrong(`acknowledged, and not delivered: ${account.describeMissing()}`)
    }
  }
}
