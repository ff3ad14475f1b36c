import type { Message } from '../../client/consumer/message.ts'
import { Queue } from '../../util/queue.ts'
import type { Choice, HostPool } from '../relay/host-pool.ts'
import type { Answers } from './answers.ts'
import type { Endpoint } from './endpoint.ts'
import type { Outcome } from './exchange.ts'
import type { Batch, BatchTaker, Gatherer } from './gatherer.ts'
import { describe, judge, nameOf } from './verdict.ts'

export interface DispatcherOptions {
  readonly pool: HostPool<Sender>
  /** Requests under way, at most. */
  readonly concurrency: number
  readonly answers: Answers
  /** The body of a request; what does not fit into it is refused before. */
  readonly encode: (messages: readonly Message[]) => Buffer
  /** Why a message cannot be in a request; undefined when it can. */
  readonly misfit: (message: Message) => string | undefined
  readonly events: DispatchEvents
}

/** What of an endpoint is needed. */
export type Sender = Pick<Endpoint, 'target' | 'statistics' | 'send'>

export interface DispatchEvents {
  /** A request has come to its end, one way or another. */
  requested(endpoint: Sender): void
  /** One was answered otherwise than 2xx, or not at all. */
  failed(endpoint: Sender, how: string, why: string, messages: number): void
}

/** When there is nobody to send to, or to wait for: what is left goes back this long after the end has begun. */
const CLOSE_MS = 5000

/** Sends batches, several at a time, each to an endpoint that the pool chooses, and answers their messages. */
export class Dispatcher implements BatchTaker {
  readonly #options: DispatcherOptions
  readonly #queue = new Queue<Batch>()
  /** Those that have gathered something for long enough. */
  readonly #offers = new Set<Gatherer>()
  #isTurnOfOffers = false
  #running = 0
  /** Set while all endpoints have asked to be left alone. */
  #rest: NodeJS.Timeout | undefined
  #isEnding = false
  #isOver = false
  #idle: (() => void) | undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  push(batch: Batch): void {
    this.#offers.delete(batch.from)
    this.#queue.push(batch)
    this.#pump()
  }

  offer(gatherer: Gatherer): void {
    this.#offers.add(gatherer)
    this.#pump()
  }

  /**
   * Sends what there is, as long as that works: once something fails, or after five seconds, the rest goes back. Resolves
   * when nothing is under way.
   */
  async close(): Promise<void> {
    this.#isEnding = true
    const timer = setTimeout(() => this.#stop(), CLOSE_MS)
    this.#pump()
    if (this.#running > 0) await new Promise<void>(resolve => (this.#idle = resolve))
    clearTimeout(timer)
    this.#stop()
  }

  #pump(): void {
    if (this.#rest !== undefined && !this.#isEnding) return
    while (this.#running < this.#options.concurrency) {
      const batch = this.#next()
      if (batch === undefined) break
      this.#begin(batch)
      if (this.#rest !== undefined) break
    }
    if (this.#running === 0) this.#idle?.()
  }

  /** From both in turn: a busy topic always has batches, and the few messages of another one must not wait for an end. */
  #next(): Batch | undefined {
    this.#isTurnOfOffers = !this.#isTurnOfOffers
    return this.#isTurnOfOffers
      ? (this.#offered() ?? this.#queue.shift())
      : (this.#queue.shift() ?? this.#offered())
  }

  #offered(): Batch | undefined {
    for (const gatherer of this.#offers) {
      this.#offers.delete(gatherer)
      const batch = gatherer.take()
      if (batch !== undefined) return batch
    }
    return undefined
  }

  #begin(batch: Batch): void {
    const { pool, encode, answers } = this.#options
    const messages = this.#fitting(batch)
    if (messages.length === 0) return batch.from.settled()
    if (this.#isOver) {
      answers.giveBack(messages)
      return batch.from.settled()
    }
    const choice = pool.choose()
    if (choice === undefined) return this.#wait({ ...batch, messages })
    this.#running++
    const bytes = encode(messages)
    choice.host.send(bytes, (outcome, ms) => {
      this.#running--
      this.#answered({ ...batch, messages }, choice, outcome, { bytes: bytes.length, ms })
      this.#pump()
    })
  }

  /** Without those that nsqd has taken back, and those that cannot be sent. */
  #fitting({ messages }: Batch): readonly Message[] {
    const { misfit, answers } = this.#options
    const fitting: Message[] = []
    for (const message of messages) {
      if (!message.isLive) continue
      const why = misfit(message)
      if (why === undefined) fitting.push(message)
      else answers.refused([message], why, false)
    }
    return fitting
  }

  /** Until an endpoint may be asked again. nsqd sends no more than is in hand, and the client touches that. */
  #wait(batch: Batch): void {
    if (this.#isEnding) {
      this.#queue.unshift(batch)
      return this.#stop()
    }
    this.#queue.unshift(batch)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#pump()
    }, this.#options.pool.waitMs)
  }

  #answered(
    batch: Batch,
    choice: Choice<Sender>,
    outcome: Outcome,
    { bytes, ms }: { bytes: number; ms: number },
  ): void {
    const { answers, pool, events } = this.#options
    const { messages, from } = batch
    const { host: endpoint } = choice
    const verdict = judge(outcome, Date.now())
    if (verdict.kind === 'done') {
      choice.succeeded(ms)
      endpoint.statistics.succeeded(messages.length, bytes, ms)
      answers.sent(messages)
      from.settled()
      return events.requested(endpoint)
    }
    endpoint.statistics.failed(nameOf(outcome))
    events.requested(endpoint)
    const why = describe(outcome)
    if (verdict.kind === 'refused') {
      // It works, and quickly: it only does not like these.
      if (verdict.isAboutMessages) choice.succeeded(ms)
      else choice.failed()
      if (verdict.isAboutMessages && messages.length > 1 && !this.#isOver) return this.#split(batch)
      events.failed(endpoint, nameOf(outcome), why, messages.length)
      answers.refused(messages, `${endpoint.target.name} ${why}`, !verdict.isAboutMessages)
    } else {
      choice.failed(verdict.restMs)
      events.failed(endpoint, nameOf(outcome), why, messages.length)
      if (verdict.restMs === undefined) answers.failed(messages, !pool.hasSound)
      else answers.postpone(messages, pool.waitMs)
      if (this.#isEnding) this.#stop()
    }
    from.settled()
  }

  /** One of them may be what the endpoint does not like: the halves go next. */
  #split({ messages, from }: Batch): void {
    const half = messages.length >> 1
    this.#queue.unshift({ messages: messages.slice(half), from })
    this.#queue.unshift({ messages: messages.slice(0, half), from })
    from.settled(2)
  }

  /** Nothing more is sent. */
  #stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#rest)
    this.#rest = undefined
    this.#options.answers.end()
    for (let batch = this.#next(); batch !== undefined; batch = this.#next()) this.#begin(batch)
  }
}
