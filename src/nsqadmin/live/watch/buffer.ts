import type { ShownMessage, WatchedMessages } from '../../live-types.ts'
import { Queue } from '../../../util/queue.ts'
import { cutBody, type ShownBody } from '../body.ts'

/** Of each body. */
const MAX_BODY = 64 * 1024
/** Of all bodies that wait to be sent: with more, the oldest go. */
const MAX_WAITING = 1024 * 1024

/** A message as it came; its body is not kept, as it is a view of what was received. */
export interface ReceivedMessage {
  id: string
  node: string
  timestamp: bigint
  attempts: number
  body: Buffer
}

interface Kept extends Omit<ReceivedMessage, 'body'> {
  size: number
  bytes: Buffer
  encoding: ShownBody['encoding']
}

/**
 * Lets through `rate` messages a second, and after a quiet second as many at once. Of those that come faster the newest
 * are shown, and the others counted.
 */
export class WatchBuffer {
  readonly #rate: number
  readonly #kept = new Queue<Kept>()
  #keptBytes = 0
  #skipped = 0
  #allowed: number
  #lastMs: number

  constructor(rate: number, nowMs: number) {
    this.#rate = rate
    this.#allowed = rate
    this.#lastMs = nowMs
  }

  add({ body, ...message }: ReceivedMessage): void {
    const { bytes, encoding } = cutBody(body, MAX_BODY)
    // A copy: what was received is many times as large.
    this.#kept.push({ ...message, size: body.length, bytes: Buffer.from(bytes), encoding })
    this.#keptBytes += bytes.length
    while (this.#kept.length > this.#rate || (this.#keptBytes > MAX_WAITING && this.#kept.length > 1)) {
      this.#dropOldest()
    }
  }

  /** Messages that have not even been received. */
  skip(count: number): void {
    this.#skipped += count
  }

  /** What is to be shown now, oldest first; undefined when there is nothing. */
  take(nowMs: number): WatchedMessages | undefined {
    this.#allowed = Math.min(this.#rate, this.#allowed + ((nowMs - this.#lastMs) / 1000) * this.#rate)
    this.#lastMs = nowMs
    const count = Math.min(this.#kept.length, Math.floor(this.#allowed))
    // What waits for its turn is shown in a moment, if nothing newer comes.
    if (count === 0) return undefined
    while (this.#kept.length > count) this.#dropOldest()
    this.#allowed -= count
    const messages = [...this.#kept].map(shown)
    const skipped = this.#skipped
    this.#clear()
    return { messages, skipped }
  }

  /** The same messages could not be sent: they count as skipped. */
  putBack({ messages, skipped }: WatchedMessages): void {
    this.#skipped += messages.length + skipped
  }

  #dropOldest(): void {
    const oldest = this.#kept.shift()
    if (oldest === undefined) return
    this.#keptBytes -= oldest.bytes.length
    this.#skipped++
  }

  #clear(): void {
    this.#kept.clear()
    this.#keptBytes = 0
    this.#skipped = 0
  }
}

function shown({ id, node, timestamp, attempts, size, bytes, encoding }: Kept): ShownMessage {
  const body = bytes.toString(encoding)
  return { id, node, timestamp: timestamp.toString(), attempts, size, body, encoding }
}
