import { saysLeaving } from '../../protocol/leaving.ts'
import { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import type { Batch, Outcome } from './batch.ts'
import { chooseLeastPending, type Choice } from './choice.ts'
import { isSickness, ProducerNode, type ProducerNodeOptions } from './producer-node.ts'
import { Transfer, type TransferOwner } from './transfer.ts'

export interface LaneOwner {
  /** This nsqd has acknowledged the batch; `delivered` follows. */
  acknowledged(batch: Batch, nsqd: string): void
  /** A delivery of this batch is over. */
  delivered(batch: Batch, outcome: Outcome): void
  /** One of the nsqds connected, was lost, or could not be reached. */
  changed(): void
}

const ACKNOWLEDGED: Outcome = {}

/** nsqds of which any may take a message, and what waits for one of them. */
export class Lane implements TransferOwner {
  readonly #owner: LaneOwner
  readonly #options: ProducerNodeOptions
  readonly #choose: Choice
  readonly #nodes: ProducerNode[] = []
  readonly #waiting = new Queue<Transfer>()
  /** Refused by nsqds that are about to leave: they wait for one that is not there now, and do not hold up the others. */
  #expecting: Transfer[] = []
  #turn = 0

  constructor(owner: LaneOwner, options: ProducerNodeOptions, choose: Choice) {
    this.#owner = owner
    this.#options = options
    this.#choose = choose
  }

  get nodes(): readonly ProducerNode[] {
    return this.#nodes
  }

  /** Whether nothing can be sent to any of its nsqds, and it is known that this will not change at once. */
  get isUnreachable(): boolean {
    return this.#nodes.every(node => node.isUnreachable)
  }

  /** Adds an nsqd and connects to it. */
  add(address: string): void {
    const node = new ProducerNode(address, this.#options, {
      changed: () => {
        this.#lookAtExpecting()
        this.#drain()
        this.#owner.changed()
      },
      failed: error => {
        this.#lookAtExpecting()
        this.#owner.changed()
        if (this.#nodes.every(node => node.hasGivenUp)) this.fail(error)
      },
    })
    this.#nodes.push(node)
    node.start()
  }

  /** Lets an nsqd go when its connection is lost; see `ProducerNode.release`. */
  release(node: ProducerNode, gone: () => void): void {
    node.release(() => {
      this.#nodes.splice(this.#nodes.indexOf(node), 1)
      this.#lookAtExpecting()
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

  /** After all attempts have failed, a new publish is worth new ones. */
  start(): void {
    for (const node of this.#nodes) node.start()
  }

  send(batch: Batch): void {
    this.#send(new Transfer(this, batch))
  }

  /** Takes over what waited in another lane. */
  take(transfer: Transfer): void {
    transfer.moveTo(this)
    this.#send(transfer)
  }

  /** Takes out the first of what waits. */
  shift(): Transfer | undefined {
    return this.#waiting.shift()
  }

  /** A batch will not be delivered here. */
  leaveOut({ batch }: Transfer, error: NsqError): void {
    this.#owner.delivered(batch, { error })
  }

  acknowledged({ batch }: Transfer, node: ProducerNode): void {
    batch.receivedBy(node.address)
    this.#owner.acknowledged(batch, node.address)
    this.#owner.delivered(batch, ACKNOWLEDGED)
  }

  refused(transfer: Transfer, node: ProducerNode, error: NsqError): void {
    const { batch, refusedBy } = transfer
    if (!isSickness(error)) {
      this.#owner.delivered(batch, { error, isRefusal: true })
      return
    }
    this.#options.onError(error)
    refusedBy.push(node)
    transfer.refusal = error
    this.#tryOther(transfer)
  }

  lost(transfer: Transfer, error: NsqError): void {
    const { batch, losses } = transfer
    if (batch.isAbandoned || losses > this.#options.retries) this.#owner.delivered(batch, { error })
    else this.#send(transfer)
  }

  /** To be called after publications have expired. Those that came first expire first. */
  prune(): void {
    for (const node of this.#nodes) node.noticeSilence()
    this.#lookAtExpecting()
    this.#dropAbandoned()
  }

  /** Fails everything that waits for an nsqd. */
  fail(error: NsqError): void {
    for (let i = this.#waiting.length; i > 0; i--) {
      const transfer = this.#waiting.shift()
      if (transfer !== undefined) this.leaveOut(transfer, error)
    }
  }

  /** Ends every connection; resolves when they are closed. */
  async end(): Promise<void> {
    await Promise.all(this.#nodes.map(node => node.end()))
  }

  #send(transfer: Transfer): void {
    // What waits goes first.
    const node = this.#waiting.length === 0 ? this.#next(transfer) : undefined
    if (node === undefined) this.#waiting.push(transfer)
    else this.#transfer(transfer, node)
  }

  /** Gives what was refused to an nsqd that has not refused it. */
  #tryOther(transfer: Transfer): void {
    const { batch, refusedBy, refusal } = transfer
    const others = this.#nodes.filter(node => !refusedBy.includes(node) && !node.hasGivenUp)
    const other = batch.isAbandoned ? undefined : chooseLeastPending(others, batch.topic)
    if (other !== undefined) {
      this.#transfer(transfer, other)
    } else if (
      !batch.isAbandoned &&
      others.length > 0 &&
      refusal !== undefined &&
      saysLeaving(refusal.message)
    ) {
      this.#expecting.push(transfer)
    } else {
      this.#owner.delivered(batch, refusal === undefined ? ACKNOWLEDGED : { error: refusal })
    }
  }

  #lookAtExpecting(): void {
    const expecting = this.#expecting
    if (expecting.length === 0) return
    this.#expecting = []
    for (const transfer of expecting) this.#tryOther(transfer)
  }

  #drain(): void {
    for (let transfer = this.#first(); transfer !== undefined; transfer = this.#first()) {
      const node = this.#next(transfer)
      if (node === undefined) return
      this.#waiting.shift()
      this.#transfer(transfer, node)
    }
  }

  /** The first of what waits and is still waited for. */
  #first(): Transfer | undefined {
    this.#dropAbandoned()
    return this.#waiting.peek()
  }

  #dropAbandoned(): void {
    while (this.#waiting.peek()?.batch.isAbandoned === true) {
      const transfer = this.#waiting.shift()
      if (transfer !== undefined) this.#owner.delivered(transfer.batch, ACKNOWLEDGED)
    }
  }

  #next({ batch }: Transfer): ProducerNode | undefined {
    return this.#choose(this.#nodes, batch.topic)
  }

  #transfer(transfer: Transfer, node: ProducerNode): void {
    node.lastTurn = ++this.#turn
    transfer.sendTo(node)
  }
}
