import type { SocketWriter } from '../net/writer.ts'
import { OK_FRAME } from '../protocol/frame.ts'
import { Queue } from '../util/queue.ts'

/** A client that has this many replies waiting is read no further. */
const MOST_WAITING = 1000

interface Waiting {
  readonly frame: Buffer
  /** How many publishes are answered before it. */
  readonly behind: number
}

/** Publishes without an answer, one behind the other, that are committed by one topic. */
interface Run {
  /** Which topic, whatever stands for it. */
  readonly source: object
  count: number
}

/**
 * The replies to one client, in the order of its commands: a publish is answered when it is committed, and what was
 * commanded after it waits behind it. An OK does not say what it is for, so that one topic's may not overtake another's,
 * though their disks may. The caller flushes the writer.
 */
export class Replies {
  readonly #writer: SocketWriter
  /** Publishes so far, and those of them that were answered. */
  #published = 0
  #answered = 0
  #waiting: Waiting[] = []
  /** The last of them stays when it is answered, as the next publish is of the same topic most often. */
  readonly #runs = new Queue<Run>()
  #lastRun: Run | undefined
  /** Publishes that are committed and wait for those before them, by their topics. */
  readonly #early = new Map<object, number>()
  #hasFailed = false

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

  /** A publish was taken in. `source` says later what has become of it. */
  published(source: object): void {
    this.#published++
    const last = this.#lastRun
    if (last?.source === source) {
      last.count++
      return
    }
    if (last?.count === 0) this.#runs.shift()
    this.#lastRun = { source, count: 1 }
    this.#runs.push(this.#lastRun)
  }

  /** The oldest publish of this source that had no answer is committed. */
  ok(source: object): void {
    let run = this.#runs.peek()
    if (run === undefined || this.#hasFailed) {
      this.#answered++
      this.#writeWaiting()
    } else if (run.source !== source) {
      this.#early.set(source, (this.#early.get(source) ?? 0) + 1)
    } else {
      this.#answer(run)
      while (this.#early.size > 0) {
        run = this.#runs.peek()
        if (run === undefined || !this.#takeEarly(run)) break
        this.#answer(run)
      }
    }
  }

  /**
   * A publish failed: its answer is an error that the connection ends with. There is no OK any more, as the client would
   * take it for this one's.
   */
  failed(): void {
    // Those that wait to be told of what is done need wait no longer.
    for (const count of this.#early.values()) this.#answered += count
    this.#early.clear()
    this.#hasFailed = true
    this.#answered++
    this.#writeWaiting()
  }

  /** Replies to anything but a publish. */
  reply(frame: Buffer): void {
    if (this.isSettled) this.#writer.write(frame)
    else this.#waiting.push({ frame, behind: this.#published })
  }

  /** Answers the first publish of the first run. */
  #answer(run: Run): void {
    run.count--
    if (run.count === 0 && run !== this.#lastRun) this.#runs.shift()
    this.#answered++
    this.#writer.write(OK_FRAME)
    this.#writeWaiting()
  }

  /** Whether the first publish of the first run was committed before its turn came. */
  #takeEarly({ source, count }: Run): boolean {
    const early = this.#early.get(source) ?? 0
    if (early === 0 || count === 0) return false
    if (early === 1) this.#early.delete(source)
    else this.#early.set(source, early - 1)
    return true
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
