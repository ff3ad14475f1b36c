import type { NsqError } from '../../util/errors.ts'
import type { Batch } from './batch.ts'
import type { Reply } from '../connection/connection.ts'
import type { ProducerNode } from './producer-node.ts'

export interface TransferOwner {
  /** It has ended well. */
  acknowledged(transfer: Transfer, node: ProducerNode): void
  /** nsqd has answered with an error. */
  refused(transfer: Transfer, node: ProducerNode, error: NsqError): void
  /** The connection was lost before the answer came. */
  lost(transfer: Transfer, error: NsqError): void
}

/** A batch on its way to one of several nsqds. */
export class Transfer implements Reply {
  readonly batch: Batch
  /** Lost connections that may have been its fault. */
  losses = 0
  /** nsqds that could not take it. */
  readonly refusedBy: ProducerNode[] = []
  /** What the last of these has said. */
  refusal: NsqError | undefined
  #owner: TransferOwner
  #node: ProducerNode | undefined

  constructor(owner: TransferOwner, batch: Batch) {
    this.#owner = owner
    this.batch = batch
  }

  /** Another owner takes care of it. */
  moveTo(owner: TransferOwner): void {
    this.#owner = owner
  }

  sendTo(node: ProducerNode): void {
    this.#node = node
    this.batch.nsqd = node.address
    node.ask(this)
  }

  ok(): void {
    const node = this.#node
    if (node === undefined) return
    node.answered()
    this.#owner.acknowledged(this, node)
  }

  refused(error: NsqError): void {
    const node = this.#node
    if (node === undefined) return
    // It may have answered before it had read everything.
    this.batch.wasLost = true
    node.refusedOne(error)
    this.#owner.refused(this, node, error)
  }

  lost(error: NsqError): void {
    const node = this.#node
    if (node === undefined) return
    this.batch.wasLost = true
    // The connection that an nsqd ends because of one command is not lost by those behind it.
    if (!node.lostOne()) this.losses++
    this.#owner.lost(this, error)
  }
}
