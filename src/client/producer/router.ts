import { listNodes } from '../../cluster/lookup.ts'
import { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import type { Batch, Outcome } from './batch.ts'
import { type Choice, chooseFirst, chooseLeastPending, chooseNext } from './choice.ts'
import { Discovery } from '../discovery.ts'
import { Lane, type LaneOwner } from './lane.ts'
import { lookupOptions } from '../options.ts'
import type { ProducerNodeOptions } from './producer-node.ts'
import { Rank } from './producer-node.ts'

/**
 * To which of several nsqds a message goes.
 *
 * - `failover`: to the first one in the order given; to the next when it is not there
 * - `round-robin`: each batch to the next one
 * - `least-pending`: each batch to the one with the fewest bytes that it has not acknowledged yet, so that a slow nsqd
 *   gets less
 * - `all`: each message to all that are there, as for the redundant pair of the NSQ documentation. It is acknowledged when
 *   all of those have acknowledged it and at least one has; a consumer of all of them gets it from each
 *
 * An nsqd that cannot be reached, or could not take a message (`E_PUB_FAILED`, as when its disk is full), or has not
 * answered in time, is left out until it is back, and `onError` is told. So is, for a topic, one that nsqlookupd hides
 * (a tombstone), as long as there is another.
 */
export type ProducerStrategy = 'failover' | 'round-robin' | 'least-pending' | 'all'

export interface RouterOptions extends ProducerNodeOptions {
  nsqd: readonly string[]
  lookupd: readonly string[]
  strategy: ProducerStrategy
}

export interface RouterOwner {
  /** A batch is acknowledged or has failed; its publications have been told. */
  delivered(batch: Batch): void
}

const CHOICES: Record<ProducerStrategy, Choice> = {
  failover: chooseFirst,
  'round-robin': chooseNext,
  'least-pending': chooseLeastPending,
  // In lanes of one.
  all: chooseFirst,
}

const LEFT_OUT = new NsqError('E_NO_NSQD', 'the nsqd is left out: it cannot be reached')

/**
 * The nsqds of a producer: one lane of all of them, or, when everything goes to all, a lane for each.
 */
export class Router implements LaneOwner {
  readonly #owner: RouterOwner
  readonly #options: RouterOptions
  readonly #isToAll: boolean
  readonly #lanes: Lane[] = []
  readonly #discovery: Discovery | undefined
  /** For which topics nsqlookupd hides an nsqd, by its address. */
  #tombstones: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  // With the strategy `all`, what comes before any nsqd is known.
  readonly #held = new Queue<Batch>()
  readonly #missed = new Map<string, number>()
  readonly #acknowledged = new Map<string, number>()
  #started: Promise<void> | undefined
  #hasEnded = false

  constructor(owner: RouterOwner, options: RouterOptions) {
    this.#owner = owner
    this.#options = options
    this.#isToAll = options.strategy === 'all'
    if (!this.#isToAll) this.#addLane()
    if (options.lookupd.length > 0) {
      this.#discovery = new Discovery({
        pollIntervalMs: options.lookupPollIntervalMs,
        query: async signal => {
          const result = await listNodes(options.lookupd, { ...lookupOptions(options), signal })
          const hidden = result.value.map(({ tcpAddress, topics }) => {
            const names = topics.filter(topic => topic.tombstoned).map(topic => topic.name)
            return [tcpAddress, new Set(names)] as const
          })
          this.#tombstones = new Map(hidden)
          return { ...result, value: result.value.map(node => node.tcpAddress) }
        },
        found: (addresses, isComplete) => this.#found(addresses, isComplete),
        failed: options.onError,
      })
    }
  }

  /** With the strategy `all`: how many messages an nsqd did not get although others did, by its address. */
  get missed(): ReadonlyMap<string, number> {
    return this.#missed
  }

  /** How many messages each nsqd has acknowledged, by its address. */
  get acknowledgedBy(): ReadonlyMap<string, number> {
    return this.#acknowledged
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
    if (this.#hasEnded) {
      this.#owner.delivered(batch)
      return
    }
    if (this.#lanes.length === 0) {
      this.#held.push(batch)
      return
    }
    const lanes = this.#isToAll ? this.#forAll(batch) : this.#lanes
    batch.deliveries = lanes.length
    for (const lane of lanes) lane.send(batch)
    for (const lane of this.#lanes) lane.start()
  }

  /** Drops what still waits although nobody waits for it any more. */
  prune(): void {
    for (const lane of this.#lanes) lane.prune()
    while (this.#held.peek()?.isAbandoned === true) {
      const batch = this.#held.shift()
      if (batch !== undefined) this.#owner.delivered(batch)
    }
  }

  /** Ends every connection; resolves when they are closed. To be called when every publication has settled. */
  async end(): Promise<void> {
    this.#hasEnded = true
    this.#discovery?.stop()
    this.prune()
    await Promise.all(this.#lanes.map(lane => lane.end()))
  }

  /** For the lanes. */
  acknowledged(batch: Batch, nsqd: string): void {
    this.#acknowledged.set(nsqd, (this.#acknowledged.get(nsqd) ?? 0) + batch.length)
  }

  /** For the lanes. */
  delivered(batch: Batch, outcome: Outcome): void {
    // Its calls have failed already, and counted it.
    const { isAbandoned } = batch
    if (!batch.delivered(outcome)) return
    if (!isAbandoned) {
      for (const nsqd of batch.missedBy) this.#missed.set(nsqd, (this.#missed.get(nsqd) ?? 0) + batch.length)
    }
    this.#owner.delivered(batch)
  }

  /** For the lanes: with the strategy `all`, nothing waits for an nsqd that is gone while there is another. */
  changed(): void {
    if (!this.#isToAll) return
    const up = this.#lanes.find(lane => lane.nodes.some(node => node.isConnected))
    if (up === undefined) return
    for (const lane of this.#lanes) if (lane.isUnreachable) this.#leaveOut(lane, up)
  }

  /** What waits in `lane` is left to the other lanes; what no other has gets `up`. */
  #leaveOut(lane: Lane, up: Lane): void {
    for (let transfer = lane.shift(); transfer !== undefined; transfer = lane.shift()) {
      const { batch } = transfer
      if (batch.deliveries > 1 || batch.isAcknowledged) lane.leaveOut(transfer, LEFT_OUT)
      else up.take(transfer)
    }
  }

  /** The lanes of those nsqds that are best for a batch: all when none is there. Those that are worse will miss it. */
  #forAll(batch: Batch): readonly Lane[] {
    const ranks = this.#lanes.map(({ nodes: [node] }) =>
      node === undefined || node.isUndecided ? Rank.ready : node.rank(batch.topic),
    )
    const best = Math.min(...ranks)
    const wanted = this.#lanes.filter((_, index) => ranks[index] !== Rank.hidden || best === Rank.hidden)
    batch.expectAt(wanted.flatMap(({ nodes }) => nodes.map(node => node.address)))
    return this.#lanes.filter((_, index) => ranks[index] === best)
  }

  #hasNodes(): boolean {
    return this.#lanes.some(lane => lane.nodes.length > 0)
  }

  #addLane(): Lane {
    const lane = new Lane(this, this.#options, CHOICES[this.#options.strategy])
    this.#lanes.push(lane)
    return lane
  }

  #add(address: string): void {
    const [shared] = this.#lanes
    const lane = this.#isToAll || shared === undefined ? this.#addLane() : shared
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
    for (const lane of this.#lanes) {
      for (const node of lane.nodes) node.tombstones = this.#tombstones.get(node.address) ?? node.tombstones
    }
    if (this.#lanes.length === 0) return
    for (let i = this.#held.length; i > 0; i--) {
      const batch = this.#held.shift()
      if (batch !== undefined) this.send(batch)
    }
  }

  /** A lane lost an nsqd that nobody names any more. */
  #gone(lane: Lane): void {
    if (!this.#isToAll) return
    this.#lanes.splice(this.#lanes.indexOf(lane), 1)
    const up = this.#lanes.find(({ nodes }) => nodes.some(node => node.isConnected))
    if (up === undefined) lane.fail(LEFT_OUT)
    else this.#leaveOut(lane, up)
  }
}
