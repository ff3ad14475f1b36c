import { listNodes } from '../cluster/lookup.ts'
import { NsqError } from '../util/errors.ts'
import { Queue } from '../util/queue.ts'
import type { Batch } from './batch.ts'
import { Discovery } from './discovery.ts'
import { chooseFirst, chooseNext, Lane, type LaneOwner } from './lane.ts'
import type { ProducerNodeOptions } from './producer-node.ts'

/**
 * To which of several nsqds a message goes.
 *
 * - `failover`: to the first one in the order given; to the next when it is not connected
 * - `round-robin`: each batch to the next one
 * - `all`: each message to all of them; it is acknowledged when all have acknowledged it
 */
export type ProducerStrategy = 'failover' | 'round-robin' | 'all'

export interface RouterOptions extends ProducerNodeOptions {
  nsqd: readonly string[]
  lookupd: readonly string[]
  strategy: ProducerStrategy
}

/**
 * The nsqds of a producer: one lane of all of them, or, when everything goes to all, a lane for each.
 */
export class Router {
  readonly #owner: LaneOwner
  readonly #options: RouterOptions
  readonly #lanes: Lane[] = []
  readonly #discovery: Discovery | undefined
  // With the strategy `all`, what comes before any nsqd is known.
  readonly #held = new Queue<Batch>()
  #started: Promise<void> | undefined

  constructor(owner: LaneOwner, options: RouterOptions) {
    this.#owner = owner
    this.#options = options
    if (options.strategy !== 'all') this.#addLane()
    if (options.lookupd.length > 0) {
      this.#discovery = new Discovery({
        pollIntervalMs: options.lookupPollIntervalMs,
        query: async signal => {
          const { lookupd, lookupTimeoutMs: requestTimeoutMs } = options
          const result = await listNodes(lookupd, { requestTimeoutMs, signal })
          return { ...result, value: result.value.map(node => node.tcpAddress) }
        },
        found: (addresses, isComplete) => this.#found(addresses, isComplete),
        failed: options.onError,
      })
    }
  }

  /** Begins to connect; resolves when nsqlookupd, if there is one, has answered for the first time. */
  start(): Promise<void> {
    if (this.#started === undefined) {
      for (const address of this.#options.nsqd) this.#add(address)
      this.#started = this.#discovery?.start() ?? Promise.resolve()
      // Whoever asks for it gets the failure; it is no unhandled rejection for the others.
      this.#started.catch(() => {})
    }
    return this.#started
  }

  /** Resolves when a message could go where it should; rejects when the first attempts have failed. */
  async connected(): Promise<void> {
    try {
      await this.start()
    } catch (error) {
      if (!this.#hasNodes()) throw error
    }
    if (!this.#hasNodes()) {
      throw new NsqError('E_NO_NSQD', `no nsqd is registered with ${this.#options.lookupd.join(', ')}`, {
        remedy: 'Start an nsqd with --lookupd-tcp-address, or name one directly.',
      })
    }
    await Promise.all(this.#lanes.map(lane => lane.connected()))
  }

  send(batch: Batch): void {
    if (this.#lanes.length === 0) {
      this.#held.push(batch)
      return
    }
    batch.deliveries = this.#lanes.length
    for (const lane of this.#lanes) lane.send(batch)
  }

  /** Drops what still waits although nobody waits for it any more. */
  prune(): void {
    for (const lane of this.#lanes) lane.prune()
    for (let i = this.#held.length; i > 0; i--) {
      const batch = this.#held.shift()
      if (batch === undefined) return
      if (batch.isAbandoned) this.#owner.delivered(batch)
      else this.#held.push(batch)
    }
  }

  /** Ends every connection; resolves when they are closed. */
  async end(): Promise<void> {
    this.#discovery?.stop()
    await Promise.all(this.#lanes.map(lane => lane.end()))
  }

  #hasNodes(): boolean {
    return this.#lanes.some(lane => lane.nodes.length > 0)
  }

  #addLane(): Lane {
    const choose = this.#options.strategy === 'round-robin' ? chooseNext : chooseFirst
    const lane = new Lane(this.#owner, this.#options, choose)
    this.#lanes.push(lane)
    return lane
  }

  #add(address: string): void {
    const [shared] = this.#lanes
    const lane = this.#options.strategy === 'all' || shared === undefined ? this.#addLane() : shared
    lane.add(address)
  }

  #found(addresses: ReadonlySet<string>, isComplete: boolean): void {
    const unknown = new Set(addresses)
    for (const lane of this.#lanes.slice()) {
      for (const node of lane.nodes.slice()) {
        unknown.delete(node.address)
        if (addresses.has(node.address) || this.#options.nsqd.includes(node.address)) node.keep()
        else if (isComplete) lane.release(node, () => this.#gone(lane))
      }
    }
    for (const address of unknown) this.#add(address)
    if (this.#lanes.length === 0) return
    for (let i = this.#held.length; i > 0; i--) {
      const batch = this.#held.shift()
      if (batch !== undefined) this.send(batch)
    }
  }

  /** A lane lost an nsqd that nobody names any more. */
  #gone(lane: Lane): void {
    if (this.#options.strategy !== 'all') return
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    lane.fail(new NsqError('E_NO_NSQD', 'the nsqd is gone, and no nsqlookupd names it any more'))
  }
}
