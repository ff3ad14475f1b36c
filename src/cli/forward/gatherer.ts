import type { Message } from '../../client/consumer/message.ts'

/** Messages of one topic that go in one request. */
export interface Batch {
  readonly messages: readonly Message[]
  /** Where they were gathered, which is told when all of them are answered. */
  readonly from: Gatherer
}

/** Where batches go. */
export interface BatchTaker {
  /** One that is to be sent. */
  push(batch: Batch): void
  /** That there are some that have waited for long enough: `take` gives them, once there is a use for them. */
  offer(gatherer: Gatherer): void
}

export interface GathererOptions {
  readonly topic: string
  /** Messages of a batch, at most. */
  readonly messages: number
  readonly bytes: number
  readonly waitMs: number
  readonly taker: BatchTaker
  /** Whether nsqd sends hardly anything more until some messages are answered. */
  readonly isStarved: () => boolean
}

/** Between two messages of a batch. */
const SEPARATOR_BYTES = 1

/**
 * Makes batches of the messages of a topic. One is cut when it is full; when its first message has waited for long enough; or
 * when nothing more can come, as nsqd waits for answers and no other batch is on its way.
 */
export class Gatherer {
  readonly topic: string
  readonly #options: GathererOptions
  #open: Message[] = []
  #bytes = 0
  /** Batches that were cut and are not answered. */
  #underWay = 0
  #timer: NodeJS.Timeout | undefined
  #isLookDue = false
  #isEnding = false

  constructor(options: GathererOptions) {
    this.topic = options.topic
    this.#options = options
  }

  add(message: Message): void {
    const { messages, bytes, waitMs } = this.#options
    if (messages === 1) {
      this.#open.push(message)
      return this.#push()
    }
    const length = message.body.length + SEPARATOR_BYTES
    if (this.#open.length > 0 && this.#bytes + length > bytes) this.#push()
    this.#open.push(message)
    this.#bytes += length
    if (this.#open.length >= messages || this.#bytes >= bytes) return this.#push()
    if (this.#isEnding) return this.#options.taker.offer(this)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#options.taker.offer(this)
    }, waitMs)
    this.#look()
  }

  /** Nothing more is worth waiting for. */
  end(): void {
    this.#isEnding = true
    if (this.#open.length > 0) this.#options.taker.offer(this)
  }

  /** What was gathered, and not pushed. */
  take(): Batch | undefined {
    if (this.#open.length === 0) return undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    const batch = { messages: this.#open, from: this }
    this.#open = []
    this.#bytes = 0
    this.#underWay++
    return batch
  }

  /** A batch of it was answered, or goes on as so many. */
  settled(becomes = 0): void {
    this.#underWay += becomes - 1
    if (this.#open.length > 0) this.#look()
  }

  #push(): void {
    const batch = this.take()
    if (batch !== undefined) this.#options.taker.push(batch)
  }

  /** Once a turn: what comes in one turn comes together. */
  #look(): void {
    if (this.#isLookDue || this.#underWay > 0) return
    this.#isLookDue = true
    setImmediate(() => {
      this.#isLookDue = false
      if (this.#underWay === 0 && this.#options.isStarved()) this.#options.taker.offer(this)
    })
  }
}
