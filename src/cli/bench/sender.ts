import type { Reply } from '../../client/connection/connection.ts'
import type { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import type { Clock } from './clock.ts'
import { Latencies } from './latencies.ts'
import type { Schedule } from './schedule.ts'
import { Waiting } from './waiting.ts'

/** What a command can be sent over. */
export interface Line {
  ask(command: Buffer, reply: Reply): void
}

/** A command that is sent again when it was answered. */
export interface Numbered {
  readonly command: Buffer
  /** Numbers its messages from this one on. */
  number(first: number): void
}

export interface SenderOptions {
  readonly lines: readonly Line[]
  /** Commands that wait for their answer, on each line. */
  readonly pipeline: number
  /** Messages of a command. */
  readonly batch: number
  readonly schedule: Schedule
  readonly clock: Clock
  /** Makes a command; each is under way once at a time. */
  readonly payload: (index: number) => Numbered
  /** A command was acknowledged: from when on it counts, and when that was. */
  readonly acknowledged: (firstMessage: number, from: number, now: number) => void
}

/**
 * Sends commands by a schedule, over whichever line has room. A command that is due while there is no room goes as soon as
 * there is, and its latency counts from when it was due: a server that makes its clients wait does not thereby look fast.
 */
export class Sender {
  /** How late this process itself was, in ms: a command was due, and there was room for it. */
  readonly lateness = new Latencies()
  readonly #options: SenderOptions
  readonly #free = new Queue<Slot>()
  readonly #failure = new Waiting<never>()
  #next = 0
  #waiting = 0
  #isStopped = false
  #wake: (() => void) | undefined
  #onAnswered: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#options = options
    const { lines, pipeline } = options
    for (let i = 0; i < pipeline; i++) {
      lines.forEach((line, index) => {
        const payload = options.payload(i * lines.length + index)
        this.#free.push(new Slot(line, payload, this.#onReply, this.#onFailure))
      })
    }
  }

  /** Rejects with what the first command failed with. */
  get failed(): Promise<never> {
    return this.#failure.promise
  }

  /** Commands that wait for their answer. */
  get unanswered(): number {
    return this.#waiting
  }

  start(): void {
    this.#pump()
  }

  /** Sends nothing more, and resolves when all is answered; `failed` may reject instead. */
  async stop(): Promise<void> {
    this.halt()
    if (this.#waiting === 0) return
    await Promise.race([new Promise<void>(resolve => (this.#onAnswered = resolve)), this.failed])
  }

  /** Sends nothing more. */
  halt(): void {
    this.#isStopped = true
    this.#wake?.()
  }

  #pump(): void {
    if (this.#isStopped) return
    const { schedule, clock } = this.#options
    const now = clock.now()
    while (schedule.dueAt(this.#next) <= now) {
      const slot = this.#free.shift()
      if (slot === undefined) return
      this.#send(slot, schedule.isPaced ? schedule.dueAt(this.#next) : now)
    }
    if (this.#wake === undefined && this.#free.length > 0) this.#sleep()
  }

  #sleep(): void {
    const { schedule, clock } = this.#options
    const due = schedule.dueAt(this.#next)
    this.#wake = clock.at(due, () => {
      this.#wake = undefined
      // It may have been sent meanwhile, when something else was answered.
      if (due === schedule.dueAt(this.#next)) this.lateness.record(clock.now() - due)
      this.#pump()
    })
  }

  #send(slot: Slot, from: number): void {
    slot.first = this.#next * this.#options.batch
    slot.from = from
    this.#next++
    this.#waiting++
    slot.send()
  }

  readonly #onReply = (slot: Slot): void => {
    const { acknowledged, clock } = this.#options
    this.#waiting--
    acknowledged(slot.first, slot.from, clock.now())
    this.#free.push(slot)
    this.#pump()
    if (this.#waiting === 0) this.#onAnswered?.()
  }

  readonly #onFailure = (error: NsqError): void => {
    this.halt()
    this.#failure.reject(error)
  }
}

/** Room for one command on a line. */
class Slot implements Reply {
  /** The number of its first message. */
  first = 0
  from = 0
  readonly #line: Line
  readonly #payload: Numbered
  readonly #answered: (slot: Slot) => void
  readonly #failed: (error: NsqError) => void

  constructor(
    line: Line,
    payload: Numbered,
    answered: (slot: Slot) => void,
    failed: (error: NsqError) => void,
  ) {
    this.#line = line
    this.#payload = payload
    this.#answered = answered
    this.#failed = failed
  }

  send(): void {
    this.#payload.number(this.first)
    this.#line.ask(this.#payload.command, this)
  }

  ok(): void {
    this.#answered(this)
  }

  refused(error: NsqError): void {
    this.#failed(error)
  }

  lost(error: NsqError): void {
    this.#failed(error)
  }
}
