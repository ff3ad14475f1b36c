import { NsqError } from '../util/errors.ts'
import { Connection, type ConnectionHandler, type Reply } from './connection.ts'
import { Link, type LinkHandler } from './link.ts'
import type { ResolvedConnectionOptions } from './options.ts'

export interface ProducerNodeOptions extends ResolvedConnectionOptions {
  maxConnectAttempts: number
  retries: number
}

export interface ProducerNodeOwner {
  /** It connected, or its first attempt has failed. */
  changed(): void
  /** The attempts allowed have all failed; nothing more is tried until `start`. */
  failed(error: NsqError): void
}

/** One nsqd of a producer, and the connection to it as long as there is one. */
export class ProducerNode implements ConnectionHandler, LinkHandler {
  readonly address: string
  readonly #options: ProducerNodeOptions
  readonly #owner: ProducerNodeOwner
  readonly #link: Link
  #connection: Connection | undefined
  /** Set while no nsqlookupd names this nsqd any more: what to do when its connection ends. */
  #released: (() => void) | undefined
  hasGivenUp = false

  constructor(address: string, options: ProducerNodeOptions, owner: ProducerNodeOwner) {
    this.address = address
    this.#options = options
    this.#owner = owner
    this.#link = new Link(this, options)
  }

  get isConnected(): boolean {
    return this.#connection !== undefined
  }

  /** Whether the first attempt of a row is still under way. */
  get isUndecided(): boolean {
    return this.#link.state === 'connecting' && this.#link.failedAttempts === 0
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

  /** Sends a command; only to be called when connected. */
  ask(command: Buffer, reply: Reply): void {
    this.#connection?.ask(command, reply)
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
    this.#owner.changed()
  }

  /** For the link. */
  down(error: NsqError, failedAttempts: number): boolean {
    this.#options.onError(error)
    if (this.#released !== undefined) {
      this.#giveUp()
      return false
    }
    this.hasGivenUp = failedAttempts >= this.#options.maxConnectAttempts
    if (this.hasGivenUp) this.#owner.failed(error)
    else this.#owner.changed()
    return !this.hasGivenUp
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

  #giveUp(): void {
    this.#link.stop(closedError(this.address))
    this.#released?.()
  }
}

function closedError(address: string): NsqError {
  return new NsqError('E_CLOSED', `the connection to nsqd ${address} is no longer wanted`)
}
