import type { ChunkPool } from '../../protocol/chunk-pool.ts'
import { Batch } from './batch.ts'
import { type Body, lengthUpTo } from './body.ts'

export interface BatchLimits {
  /** Bytes of an MPUB's body. */
  maxBatchBytes: number
  maxBatchMessages: number
}

/** The batches of this turn of the event loop, one for each topic. They are sent when they are full, or the turn ends. */
export class OpenBatches {
  readonly #limits: BatchLimits
  readonly #pool: ChunkPool
  readonly #send: (batch: Batch) => void
  readonly #open = new Map<string, Batch>()
  #isScheduled = false

  constructor(limits: BatchLimits, pool: ChunkPool, send: (batch: Batch) => void) {
    this.#limits = limits
    this.#pool = pool
    this.#send = send
  }

  /** Whether something was published to this topic in this turn, so that its name is known to be good. */
  has(topic: string): boolean {
    return this.#open.has(topic)
  }

  /** The batch to put this message in. */
  batchFor(topic: string, body: Body): Batch {
    const open = this.#open.get(topic)
    if (open !== undefined) {
      if (!this.#isFull(open, body)) return open
      this.#send(open)
    }
    const batch = new Batch(topic, 0, this.#pool)
    this.#open.set(topic, batch)
    this.#sendLater()
    return batch
  }

  #isFull(batch: Batch, body: Body): boolean {
    const { maxBatchBytes, maxBatchMessages } = this.#limits
    if (batch.length >= maxBatchMessages) return true
    const left = maxBatchBytes - batch.size - Batch.sizeOf(0)
    return lengthUpTo(body, left) > left
  }

  /** Sends a batch at the end of this turn as well. */
  #sendLater(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#sendAll)
  }

  readonly #sendAll = (): void => {
    this.#isScheduled = false
    const batches = [...this.#open.values()]
    this.#open.clear()
    for (const batch of batches) this.#send(batch)
  }
}
