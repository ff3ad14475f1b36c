import { PublishError } from '../../client/errors.ts'

/** What a Publisher needs of the client's Producer, which makes the batches and keeps several on their way. */
export interface PublishTarget {
  /** Resolves when nsqd has acknowledged all of them. */
  publishBatch(topic: string, bodies: readonly Buffer[], options: { defer?: number }): Promise<void>
  /** Resolves when there is room for more: this keeps memory flat. */
  room(): Promise<void>
}

/** Messages and bytes, counted together. */
export interface Tally {
  messages: number
  bytes: number
}

/** Publishes without waiting for each answer, and counts what is acknowledged and what is not. */
export class Publisher {
  readonly acknowledged: Tally = { messages: 0, bytes: 0 }
  /** Of what was given to `publish`: whether nsqd has it is not known. */
  readonly failed: Tally = { messages: 0, bytes: 0 }
  readonly #failure = new AbortController()
  readonly #target: PublishTarget
  readonly #options: { defer?: number }
  #onTheirWay = 0
  #idle: (() => void) | undefined

  /** @param deferMs - 0 delivers at once */
  constructor(target: PublishTarget, deferMs: number) {
    this.#target = target
    this.#options = deferMs > 0 ? { defer: deferMs } : {}
  }

  /** Aborted by the first failure: nothing should be published after it. */
  get failure(): AbortSignal {
    return this.#failure.signal
  }

  /** The first failure, undefined when there was none. */
  get error(): unknown {
    return this.#failure.signal.reason
  }

  /** @param acknowledged - called when nsqd has acknowledged all of them */
  publish(topic: string, bodies: readonly Buffer[], acknowledged?: () => void): void {
    let bytes = 0
    for (const body of bodies) bytes += body.length
    const sent = { messages: bodies.length, bytes }
    this.#onTheirWay++
    this.#target.publishBatch(topic, bodies, this.#options).then(
      () => this.#settle(sent, 0, acknowledged),
      (error: unknown) => {
        this.#failure.abort(error)
        this.#settle(sent, error instanceof PublishError ? error.unacknowledged : sent.messages)
      },
    )
  }

  room(): Promise<void> {
    return this.#target.room()
  }

  /** Resolves when everything is acknowledged or has failed. Never rejects. */
  finish(): Promise<void> {
    return new Promise(resolve => {
      if (this.#onTheirWay === 0) resolve()
      else this.#idle = resolve
    })
  }

  #settle({ messages, bytes }: Tally, failed: number, acknowledged?: () => void): void {
    acknowledged?.()
    // Which of a batch failed is not known; their bytes are taken to be their share.
    const failedBytes = failed === messages ? bytes : Math.round((bytes * failed) / messages)
    this.failed.messages += failed
    this.failed.bytes += failedBytes
    this.acknowledged.messages += messages - failed
    this.acknowledged.bytes += bytes - failedBytes
    this.#onTheirWay--
    if (this.#onTheirWay === 0) this.#idle?.()
  }
}
