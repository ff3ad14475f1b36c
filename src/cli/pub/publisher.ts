/** What a Publisher needs of the client's Producer. */
export interface PublishTarget {
  /** Resolves when nsqd has acknowledged all of them. */
  publishBatch(topic: string, bodies: Buffer[], options: { defer?: number }): Promise<void>
}

export interface PublisherOptions {
  /** Milliseconds; 0 publishes at once. */
  deferMs: number
  /** A batch is sent when it has so many bytes or messages, or when nothing is on its way. */
  maxBatchBytes?: number
  maxBatchMessages?: number
  /** More than this is not taken until some of it has been acknowledged: memory stays flat. */
  maxUnacknowledgedBytes?: number
}

/** Messages and bytes, counted together. */
export interface Tally {
  messages: number
  bytes: number
}

/**
 * Sends messages in batches, several on their way at a time, and counts what is acknowledged. A slow trickle is sent
 * message by message without delay; a flood fills its batches while earlier ones are on their way.
 */
export class Publisher {
  readonly acknowledged: Tally = { messages: 0, bytes: 0 }
  /** Given to `add` but refused or lost: the server may or may not have them. */
  readonly failed: Tally = { messages: 0, bytes: 0 }
  /** The first failure. */
  error: unknown
  readonly #target: PublishTarget
  readonly #options: Required<PublisherOptions>
  #topic = ''
  #bodies: Buffer[] = []
  #bytes = 0
  #batchesOnTheirWay = 0
  #bytesOnTheirWay = 0
  #waiting: (() => void)[] = []

  constructor(target: PublishTarget, options: PublisherOptions) {
    this.#target = target
    this.#options = {
      maxBatchBytes: 256 * 1024,
      maxBatchMessages: 5000,
      maxUnacknowledgedBytes: 8 * 1024 * 1024,
      ...options,
    }
  }

  add(topic: string, body: Buffer): void {
    if (topic !== this.#topic) {
      this.#send()
      this.#topic = topic
    }
    this.#bodies.push(body)
    this.#bytes += body.length
    const { maxBatchBytes, maxBatchMessages } = this.#options
    if (this.#bytes >= maxBatchBytes || this.#bodies.length >= maxBatchMessages) this.#send()
  }

  /** Call when there is nothing more to add for now: what was added does not wait for more, unless it costs nothing. */
  flush(): void {
    if (this.#batchesOnTheirWay === 0) this.#send()
  }

  get isFull(): boolean {
    return this.#bytesOnTheirWay >= this.#options.maxUnacknowledgedBytes
  }

  /** Resolves when there is room for more, or after a failure. */
  async room(): Promise<void> {
    while (this.isFull && this.error === undefined) await this.#settledBatch()
  }

  /** Sends what is left and resolves when everything is acknowledged or has failed. Never rejects. */
  async finish(): Promise<void> {
    this.#send()
    while (this.#batchesOnTheirWay > 0) await this.#settledBatch()
  }

  #send(): void {
    const bodies = this.#bodies
    if (bodies.length === 0) return
    const batch = { messages: bodies.length, bytes: this.#bytes }
    this.#bodies = []
    this.#bytes = 0
    // After a failure nothing can be delivered in order any more: what is left is counted, not sent.
    if (this.error !== undefined) {
      count(this.failed, batch)
      return
    }
    const { deferMs } = this.#options
    this.#batchesOnTheirWay++
    this.#bytesOnTheirWay += batch.bytes
    this.#target.publishBatch(this.#topic, bodies, deferMs > 0 ? { defer: deferMs } : {}).then(
      () => this.#settle(batch, this.acknowledged),
      (error: unknown) => {
        this.error ??= error
        this.#settle(batch, this.failed)
      },
    )
  }

  #settle(batch: Tally, outcome: Tally): void {
    count(outcome, batch)
    this.#batchesOnTheirWay--
    this.#bytesOnTheirWay -= batch.bytes
    this.flush()
    const waiting = this.#waiting
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  #settledBatch(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}

function count(tally: Tally, { messages, bytes }: Tally): void {
  tally.messages += messages
  tally.bytes += bytes
}
