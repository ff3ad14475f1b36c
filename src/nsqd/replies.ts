import type { SocketWriter } from '../net/writer.ts'
import { OK_FRAME } from '../protocol/frame.ts'

/** A client that has this many replies waiting is read no further. */
const MOST_WAITING = 1000

interface Waiting {
  readonly frame: Buffer
  /** How many publishes are answered before it. */
  readonly behind: number
}

/**
 * The replies to one client, in the order of its commands: a publish is answered when it is committed, and what was
 * commanded after it waits behind it. The caller flushes the writer.
 */
export class Replies {
  readonly #writer: SocketWriter
  /** Publishes so far, and those of them that were answered. */
  #published = 0
  #answered = 0
  #waiting: Waiting[] = []

  constructor(writer: SocketWriter) {
    this.#writer = writer
  }

  /** Whether every publish was answered. */
  get isSettled(): boolean {
    return this.#answered === this.#published
  }

  /** Whether so much waits behind publishes that nothing more should be asked for. */
  get isLong(): boolean {
    return this.#waiting.length >= MOST_WAITING
  }

  /** A publish was taken in. */
  published(): void {
    this.#published++
  }

  /** The oldest publish without an answer is committed. */
  ok(): void {
    this.#answered++
    this.#writer.write(OK_FRAME)
    this.#writeWaiting()
  }

  /** It failed: its answer is an error that the connection ends with. */
  failed(): void {
    this.#answered++
    this.#writeWaiting()
  }

  /** Replies to anything but a publish. */
  reply(frame: Buffer): void {
    if (this.isSettled) this.#writer.write(frame)
    else this.#waiting.push({ frame, behind: this.#published })
  }

  #writeWaiting(): void {
    if (this.#waiting.length === 0) return
    let written = 0
    for (const { frame, behind } of this.#waiting) {
      if (behind > this.#answered) break
      this.#writer.write(frame)
      written++
    }
    this.#waiting.splice(0, written)
  }
}
