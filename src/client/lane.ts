import { NsqError } from '../util/errors.ts'
import { Queue } from '../util/queue.ts'
import type { Batch } from './batch.ts'
import type { Reply } from './connection.ts'
import { ProducerNode, type ProducerNodeOptions } from './producer-node.ts'

/**
 * Chooses the nsqd for the next command; undefined when it has to wait. `turn` counts the choices of this lane.
 *
 * - `first`: the first one in their order that is connected, so that the others are spares
 * - `next`: each connected one in turn
 */
export type Choice = (nodes: readonly ProducerNode[], turn: number) => ProducerNode | undefined

export const chooseFirst: Choice = nodes => {
  for (const node of nodes) {
    if (node.isConnected) return node
    // The preferred nsqd gets the time of its first attempt, or a spare that connects sooner would take its place.
    if (node.isUndecided) return undefined
  }
  return undefined
}

export const chooseNext: Choice = (nodes, turn) => {
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[(turn + i) % nodes.length]
    if (node?.isConnected) return node
  }
  return undefined
}

export interface LaneOwner {
  /** A delivery of this batch is over. */
  delivered(batch: Batch, error?: NsqError): void
}

/** nsqds of which any may take a message, and what waits for one of them. */
export class Lane {
  readonly #owner: LaneOwner
  readonly #options: ProducerNodeOptions
  readonly #choose: Choice
  readonly #nodes: ProducerNode[] = []
  readonly #waiting = new Queue<Delivery>()
  #turn = 0

  constructor(owner: LaneOwner, options: ProducerNodeOptions, choose: Choice) {
    this.#owner = owner
    this.#options = options
    this.#choose = choose
  }

  get nodes(): readonly ProducerNode[] {
    return this.#nodes
  }

  /** Adds an nsqd and connects to it. */
  add(address: string): void {
    const node = new ProducerNode(address, this.#options, {
      changed: () => this.#drain(),
      failed: error => this.#failIfHopeless(error),
    })
    this.#nodes.push(node)
    node.start()
  }

  /** Lets an nsqd go when its connection is lost; see `ProducerNode.release`. */
  release(node: ProducerNode, gone: () => void): void {
    node.release(() => {
      this.#nodes.splice(this.#nodes.indexOf(node), 1)
      gone()
    })
  }

  /** Resolves when one nsqd is connected; rejects when the present or next attempt at each has failed. */
  async connected(): Promise<void> {
    try {
      await Promise.any(this.#nodes.map(node => node.outcome()))
    } catch (error) {
      const [first]: unknown[] = error instanceof AggregateError ? error.errors : [error]
      throw first ?? new NsqError('E_NO_NSQD', 'there is no nsqd to publish to')
    }
  }

  send(batch: Batch): void {
    this.#send(new Delivery(this, batch))
    // After all attempts have failed, a new publish is worth new ones.
    for (const node of this.#nodes) node.start()
  }

  acknowledged(delivery: Delivery, error?: NsqError): void {
    this.#owner.delivered(delivery.batch, error)
  }

  /** The connection was lost before the answer came. */
  lost(delivery: Delivery, error: NsqError): void {
    const { batch } = delivery
    if (batch.isAbandoned || delivery.sent > this.#options.retries) this.#owner.delivered(batch, error)
    else this.#send(delivery)
  }

  /** Drops what waits although nobody waits for it any more. */
  prune(): void {
    for (let i = this.#waiting.length; i > 0; i--) {
      const delivery = this.#waiting.shift()
      if (delivery === undefined) return
      if (delivery.batch.isAbandoned) this.#owner.delivered(delivery.batch)
      else this.#waiting.push(delivery)
    }
  }

  /** Fails everything that waits for an nsqd. */
  fail(error: NsqError): void {
    for (let i = this.#waiting.length; i > 0; i--) {
      const delivery = this.#waiting.shift()
      if (delivery !== undefined) this.#owner.delivered(delivery.batch, error)
    }
  }

  /** Ends every connection; resolves when they are closed. */
  async end(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.end()))
  }

  #send(delivery: Delivery): void {
    // What waits goes first.
    const node = this.#waiting.length === 0 ? this.#choose(this.#nodes, this.#turn++) : undefined
    if (node === undefined) this.#waiting.push(delivery)
    else delivery.sendTo(node)
  }

  #drain(): void {
    while (this.#waiting.length > 0) {
      const node = this.#choose(this.#nodes, this.#turn++)
      if (node === undefined) return
      this.#waiting.shift()?.sendTo(node)
    }
  }

  #failIfHopeless(error: NsqError): void {
    if (this.#nodes.every(node => node.hasGivenUp)) this.fail(error)
  }
}

/** A batch on its way to one of a lane's nsqds. */
class Delivery implements Reply {
  readonly batch: Batch
  /** Times it was sent. */
  sent = 0
  readonly #lane: Lane

  constructor(lane: Lane, batch: Batch) {
    this.#lane = lane
    this.batch = batch
  }

  sendTo(node: ProducerNode): void {
    this.sent++
    node.ask(this.batch.command(), this)
  }

  ok(): void {
    this.#lane.acknowledged(this)
  }

  refused(error: NsqError): void {
    this.#lane.acknowledged(this, error)
  }

  lost(error: NsqError): void {
    this.#lane.lost(this, error)
  }
}
