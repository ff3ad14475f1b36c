import { NsqError } from '../../util/errors.ts'
import { Queue } from '../../util/queue.ts'
import { Connection, type ConnectionHandler } from '../connection/connection.ts'
import { Link, type LinkHandler } from '../connection/link.ts'
import type { ResolvedConnectionOptions } from '../options.ts'
import type { Transfer } from './transfer.ts'

export interface ProducerNodeOptions extends ResolvedConnectionOptions {
  maxConnectAttempts: number
  retries: number
}

export interface ProducerNodeOwner {
  /** It connected, it was lost, or an attempt to connect to it has failed. */
  changed(): void
  /** The attempts allowed have all failed; nothing more is tried until `start`. */
  failed(error: NsqError): void
}

/** How good an nsqd is for a message, the best first. */
export const Rank = {
  /** It is connected and does its work. */
  ready: 0,
  /** nsqlookupd hides it from those who look for the topic. */
  hidden: 1,
  /** It is connected, but it could not take a message, or has not answered in time. */
  sick: 2,
  down: 3,
} as const

/** What nsqd answers when it could not take a message that is good. */
const SICK: ReadonlySet<string> = new Set(['E_PUB_FAILED', 'E_MPUB_FAILED', 'E_DPUB_FAILED'])

const NONE: ReadonlySet<string> = new Set()

/** Whether another nsqd may well take what was refused with this. */
export function isSickness(error: NsqError): boolean {
  return SICK.has(error.code)
}

/** One nsqd of a producer, and the connection to it as long as there is one. */
export class ProducerNode implements ConnectionHandler, LinkHandler {
  readonly address: string
  /** Topics for which nsqlookupd hides it. */
  tombstones: ReadonlySet<string> = NONE
  /** Bytes sent to it that it has not acknowledged. */
  pendingBytes = 0
  /** When it was last chosen, in turns of its lane. */
  lastTurn = 0
  hasGivenUp = false
  readonly #options: ProducerNodeOptions
  readonly #owner: ProducerNodeOwner
  readonly #link: Link
  #connection: Connection | undefined
  /** Set while no nsqlookupd names this nsqd any more: what to do when its connection ends. */
  #released: (() => void) | undefined
  /** Whether its very first attempt has ended. */
  #isDecided = false
  /** Sent, and not answered. */
  readonly #unanswered = new Queue<Transfer>()
  /** On performance.now(); 0 when it is well. */
  #sickUntil = 0
  #sickMs = 0
  /** When it was noticed that it does not answer; 0 when it does. */
  #silentSince = 0
  /** It has answered that it does not take a command, and ends the connection for that. */
  #isEndedByRefusal = false

  constructor(address: string, options: ProducerNodeOptions, owner: ProducerNodeOwner) {
    this.address = address
    this.#options = options
    this.#owner = owner
    this.#link = new Link(this, options)
  }

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  /** Whether its very first attempt is still under way. */
  get isUndecided(): boolean {
    return !this.#isDecided && this.#link.state === 'connecting'
  }

  /** Whether the last attempt to connect to it has failed. */
  get isUnreachable(): boolean {
    return this.#connection === undefined && this.#link.failedAttempts > 0
  }

  /** See `Rank`. */
  rank(topic: string): number {
    if (this.#connection === undefined) return Rank.down
    if (this.#silentSince > 0 || (this.#sickUntil > 0 && performance.now() < this.#sickUntil))
      return Rank.sick
    return this.tombstones.has(topic) ? Rank.hidden : Rank.ready
  }

  start(): void {
    if (this.#link.state !== 'idle') return
    this.hasGivenUp = false
    this.#link.start()
  }

  outcome(): Promise<void> {
    this.start()
    return this.#link.outcome()
  }

  /** Sends what is to be transferred; only to be called when connected. */
  ask(transfer: Transfer): void {
    const connection = this.#connection
    if (connection === undefined) throw new Error(`nsqd ${this.address} is not connected`)
    this.#unanswered.push(transfer)
    this.pendingBytes += transfer.batch.size
    const [first, ...rest] = transfer.batch.parts()
    if (first === undefined) throw new Error('a batch without messages')
    connection.ask(first, transfer)
    for (const part of rest) connection.send(part)
  }

  /** It has acknowledged the oldest of what it was sent. */
  answered(): void {
    this.#settleOldest()
    this.#silentSince = 0
    this.#sickUntil = 0
    this.#sickMs = 0
  }

  /** It has answered the oldest of what it was sent with an error. */
  refusedOne(error: NsqError): void {
    this.#settleOldest()
    this.#silentSince = 0
    if (isSickness(error)) this.#fallSick()
    else this.#isEndedByRefusal = true
  }

  /** The oldest of what it was sent is lost with the connection. Returns whether that is the fault of another. */
  lostOne(): boolean {
    this.#settleOldest()
    return this.#isEndedByRefusal
  }

  /** To be called when something was not acknowledged in time: was it sent here? */
  noticeSilence(): void {
    if (this.#connection === undefined || this.#unanswered.peek()?.batch.isAbandoned !== true) return
    const now = performance.now()
    if (this.#silentSince === 0) this.#silentSince = now
    // By the same measure by which a connection is dead over which no heartbeats come. It holds memory that others need.
    const limitMs = 2 * this.#options.heartbeatIntervalMs
    if (now - this.#silentSince < limitMs) return
    this.#fallSick()
    this.#connection.destroy(
      new NsqError('E_READ_TIMEOUT', `nsqd ${this.address} has acknowledged nothing for ${limitMs} ms`),
    )
  }

  /** No nsqlookupd names it any more: it is kept only as long as its connection holds, then `gone` is called. */
  release(gone: () => void): void {
    this.#released = gone
    if (this.#connection === undefined) this.#giveUp()
  }

  /** It is named again. */
  keep(): void {
    this.#released = undefined
  }

  async end(): Promise<void> {
    this.#link.stop(closedError(this.address))
    await this.#connection?.end()
  }

  /** For the link. */
  async connect(signal: AbortSignal): Promise<void> {
    const connection = await Connection.open(this.address, this.#options, this, {}, signal)
    if (signal.aborted) {
      connection.destroy()
      return
    }
    this.#connection = connection
    this.#isDecided = true
    this.#silentSince = 0
    this.#isEndedByRefusal = false
    this.#owner.changed()
  }

  /** For the link. */
  down(error: NsqError, failedAttempts: number): boolean {
    this.#isDecided = true
    this.#options.onError(error)
    if (this.#released !== undefined) {
      this.#giveUp()
      return false
    }
    this.hasGivenUp = failedAttempts >= this.#options.maxConnectAttempts
    if (!this.hasGivenUp) {
      this.#owner.changed()
      return true
    }
    // When the link is idle: what gets its turn because others fail begins anew.
    queueMicrotask(() => this.#owner.failed(error))
    return false
  }

  message(): void {}

  refused(error: NsqError): void {
    this.#options.onError(error)
  }

  closed(error: NsqError): void {
    if (this.#connection === undefined) return
    this.#connection = undefined
    this.#link.lost(error)
  }

  #settleOldest(): void {
    const transfer = this.#unanswered.shift()
    if (transfer !== undefined) this.pendingBytes -= transfer.batch.size
  }

  /** For a while others are better; then it is tried with one message after the other until it takes one. */
  #fallSick(): void {
    const { reconnectDelayMs, maxReconnectDelayMs } = this.#options
    this.#sickMs = Math.min(Math.max(reconnectDelayMs, 2 * this.#sickMs), maxReconnectDelayMs)
    this.#sickUntil = performance.now() + this.#sickMs * (0.5 + Math.random() / 2)
  }

  #giveUp(): void {
    this.#link.stop(closedError(this.address))
    this.#released?.()
  }
}

function closedError(address: string): NsqError {
  return new NsqError('E_CLOSED', `the connection to nsqd ${address} is no longer wanted`)
}
