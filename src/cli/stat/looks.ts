import { setTimeout as sleep } from 'node:timers/promises'
import { toNsqError } from '../../client/errors.ts'
import type { Answers } from '../../cluster/answers.ts'
import type { Cluster, Look } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import { Patience } from '../../cluster/patience.ts'
import { NsqError } from '../../util/errors.ts'
import { Observer } from './observer.ts'
import type { Report } from './report.ts'
import type { Selection } from './selection.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1
/** So long it is said that an nsqd has left. */
const GONE_MS = 60_000

/** What a look has brought: a report, or why there is none. */
export type Outcome = { readonly report: Report } | { readonly error: NsqError }

/** Looks at a cluster, one after the other. */
export class Looks {
  readonly #cluster: Cluster
  readonly #selection: Selection
  readonly #observer: Observer
  readonly #patience = new Patience()
  /** When each nsqd was listed last. */
  readonly #listed = new Map<string, number>()
  #startedAt = Number.NEGATIVE_INFINITY

  constructor(cluster: Cluster, selection: Selection) {
    this.#cluster = cluster
    this.#selection = selection
    this.#observer = new Observer(selection)
  }

  /** @throws NsqError when nobody answers */
  async look(signal: AbortSignal): Promise<Report> {
    this.#startedAt = performance.now()
    const { value, warnings } = await this.#ask(signal)
    const gone = await this.#gone(
      value.nodes.map(({ node }) => node),
      signal,
    )
    return this.#observer.observe({ value, warnings: [...warnings, ...gone] })
  }

  /** Never rejects. */
  async attempt(signal: AbortSignal): Promise<Outcome> {
    try {
      return { report: await this.look(signal) }
    } catch (error) {
      return { error: toNsqError(error) }
    }
  }

  async #ask(signal: AbortSignal): Promise<Answers<Look>> {
    try {
      const answers = await this.#patience.next(this.#cluster).look(this.#selection.only, signal)
      this.#patience.learn(answers.warnings)
      return answers
    } catch (error) {
      this.#patience.learn([error])
      throw error
    }
  }

  /**
   * Resolves when so much time has passed since the last look began, or the signal is aborted.
   *
   * @param intervalMs - Infinity: only then
   */
  async due(intervalMs: number, signal: AbortSignal): Promise<void> {
    const left = Math.min(this.#startedAt + intervalMs - performance.now(), LONGEST_TIMER_MS)
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => {})
  }

  /** As far as it can be known. */
  async #registered(signal: AbortSignal): Promise<readonly ClusterNode[]> {
    try {
      return (await this.#patience.between(this.#cluster).nodes(signal)).value
    } catch {
      // The next look tells.
      return []
    }
  }

  /** nsqlookupd forgets an nsqd whose connection ends: without a word its messages would be missing. */
  async #gone(nodes: readonly string[], signal: AbortSignal): Promise<NsqError[]> {
    const now = performance.now()
    for (const [node, at] of this.#listed) if (now - at > GONE_MS) this.#listed.delete(node)
    for (const node of nodes) this.#listed.set(node, now)
    if (this.#listed.size > nodes.length && this.#selection.only.topic !== undefined) {
      // Those that are asked are those of the topic. One may have had it, and have it no more.
      const all = await this.#registered(signal)
      for (const { node } of all) if (!nodes.includes(node)) this.#listed.delete(node)
    }
    const gone = [...this.#listed].filter(([, at]) => at < now)
    return gone.map(([node]) => new NsqError('E_NODE_NOT_FOUND', `nsqd ${node} has left nsqlookupd`))
  }
}
