import type { Position } from '../storage/position.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import { NsqError } from '../util/errors.ts'
import { now } from './clock.ts'
import type { DiskPart } from './disk-health.ts'
import type { NsqdOptions } from './options.ts'

/** Who waits for a publish to be committed. */
export interface Publisher {
  /** The oldest of its publishes to this intake that had no answer is committed. */
  acknowledge(intake: object): void
  refuse(error: NsqError): void
}

/** What the intake tells its topic. */
export interface IntakeHost {
  readonly name: string
  readonly options: Pick<NsqdOptions, 'durability' | 'syncEvery' | 'syncTimeout'>
  /** There is something to commit: call `commit` at the end of the turn. */
  commitLater(): void
  /** Everything up to here is as safe as --durability says. */
  committed(end: Position): void
  /** A commit or a sync went well, or did not: without `part`, that of messages. */
  diskResult(error: Error | null, part?: DiskPart): void
  /** The disk has refused something: whether something was given up, so that it may take it now. */
  makeRoom(error: unknown): boolean
}

/** Publishes, and bytes of them, that wait for the disk before their connections are read no further. */
const MAX_WAITING = 10_000
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/**
 * Between two syncs of a topic that nobody waits for, in ms. A disk that syncs without a pause lets no write through meanwhile,
 * and publishers would have less than half of it.
 */
const SYNC_REST = 10

/**
 * The way of messages into a topic's log: appended as they come, committed once a turn, and acknowledged when they are
 * as safe as --durability says.
 *
 *     none:     OK, write; whatever fails then is lost
 *     process:  write, OK, sync now and then
 *     power:    write, sync, OK; what comes during a sync waits for the next one
 */
export class Intake {
  /** Since the start. */
  messageCount = 0
  messageBytes = 0
  readonly #host: IntakeHost
  readonly #log: TopicLog
  /** Since the last commit. */
  #publishers: Publisher[] = []
  #messages = 0
  #bytes = 0
  /** Messages since the last sync. */
  #unsynced = 0
  #syncing = false
  #syncTimer: NodeJS.Timeout | undefined
  /** Set while the disk rests. */
  #resting: NodeJS.Timeout | undefined
  #closed = false
  /** The time of all messages of a commit: its nanoseconds, in two halves. */
  #timestampHigh = 0
  #timestampLow = 0

  readonly #makeRoom = (error: unknown): boolean => !this.#closed && this.#host.makeRoom(error)

  constructor(host: IntakeHost, log: TopicLog) {
    this.#host = host
    this.#log = log
    // Who was killed may not have synced what it had acknowledged. With `power` it had.
    if (log.hasUnsynced && host.options.durability !== 'power') this.#syncLater(1)
  }

  /** Whether publishers come faster than the disk syncs: their connections should not be read for a while. */
  get isBehind(): boolean {
    return this.#syncing && (this.#publishers.length > MAX_WAITING || this.#bytes > MAX_WAITING_BYTES)
  }

  /** Takes in a message; it is acknowledged to whoever calls `awaitCommit`. */
  put(bytes: Buffer, start: number, end: number): void {
    if (this.#messages === 0) this.#stamp()
    this.#log.append(bytes, start, end, this.#timestampHigh, this.#timestampLow)
    this.#count(1, end - start)
  }

  /** Takes in `count` messages that lie in bytes[start..end) one behind the other, each behind its size. */
  putSized(bytes: Buffer, start: number, end: number, count: number): void {
    if (this.#messages === 0) this.#stamp()
    for (let at = start; at < end;) {
      const body = at + 4
      at = body + bytes.readUInt32BE(at)
      this.#log.append(bytes, body, at, this.#timestampHigh, this.#timestampLow)
    }
    this.#count(count, end - start - 4 * count)
  }

  /** Takes in a message that is not delivered before `dueMs`, Unix ms. */
  putDeferred(bytes: Buffer, start: number, end: number, dueMs: number): void {
    if (this.#messages === 0) this.#stamp()
    this.#log.appendDeferred(bytes, start, end, this.#timestampHigh, this.#timestampLow, dueMs)
    this.#count(1, end - start)
  }

  /** Calls the publisher when everything that was put is as safe as --durability says. */
  awaitCommit(publisher: Publisher): void {
    if (this.#host.options.durability === 'none') publisher.acknowledge(this)
    else this.#publishers.push(publisher)
    this.#host.commitLater()
  }

  /** Commits what was put since the last time. */
  commit(): void {
    const { durability } = this.#host.options
    if (this.#messages === 0 || (durability === 'power' && this.#syncing)) return
    const publishers = this.#publishers
    const messages = this.#messages
    const bytes = this.#bytes
    this.#publishers = []
    this.#messages = this.#bytes = 0
    try {
      this.#log.commit(this.#makeRoom)
    } catch (error) {
      this.#refuse(error, publishers)
      return
    }
    this.messageCount += messages
    this.messageBytes += bytes
    if (durability === 'power') {
      this.#syncFor(publishers)
      return
    }
    this.#host.diskResult(null)
    this.#host.committed(this.#log.end)
    this.#acknowledge(publishers)
    this.#syncLater(messages)
  }

  /** Refuses what was not committed. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#syncTimer)
    clearTimeout(this.#resting)
    const publishers = this.#publishers
    this.#publishers = []
    const error = new NsqError('E_PUB_FAILED', `topic ${this.#host.name} is closed`)
    for (const publisher of publishers) publisher.refuse(error)
  }

  #stamp(): void {
    const ns = now() * 1e6
    this.#timestampHigh = Math.floor(ns / 2 ** 32)
    this.#timestampLow = (ns % 2 ** 32) >>> 0
  }

  #count(messages: number, bytes: number): void {
    this.#messages += messages
    this.#bytes += bytes
  }

  #acknowledge(publishers: readonly Publisher[]): void {
    for (const publisher of publishers) publisher.acknowledge(this)
  }

  #refuse(cause: unknown, publishers: readonly Publisher[]): void {
    const error = new NsqError('E_PUB_FAILED', `cannot write to topic ${this.#host.name}`, { cause })
    this.#host.diskResult(cause instanceof Error ? cause : error)
    for (const publisher of publishers) publisher.refuse(error)
  }

  /** Acknowledges when the disk has everything. */
  #syncFor(publishers: readonly Publisher[]): void {
    const end = this.#log.end
    this.#syncing = true
    this.#log.sync(error => {
      this.#syncing = false
      if (error === null) {
        this.#host.diskResult(null)
        this.#host.committed(end)
        this.#acknowledge(publishers)
      } else {
        this.#refuse(error, publishers)
      }
      if (this.#messages > 0 && !this.#closed) this.#host.commitLater()
    })
  }

  /** Bounds what a power cut can take when publishes do not wait for the disk: --sync-every, --sync-timeout. */
  #syncLater(messages: number): void {
    this.#unsynced += messages
    if (this.#unsynced === 0 || this.#syncing || this.#resting !== undefined || this.#closed) return
    const { syncEvery, syncTimeout } = this.#host.options
    if (this.#unsynced >= syncEvery) this.#syncNow()
    else this.#syncTimer ??= setTimeout(() => this.#syncNow(), syncTimeout)
  }

  #syncNow(): void {
    clearTimeout(this.#syncTimer)
    this.#syncTimer = undefined
    this.#unsynced = 0
    this.#syncing = true
    this.#log.sync(error => {
      this.#syncing = false
      if (!this.#closed) this.#host.diskResult(error, 'what was not synced')
      this.#rest(error === null ? 0 : 1)
    })
  }

  /** What is acknowledged must get to the disk after that, though nothing else may come: so many messages at least. */
  #rest(messages: number): void {
    if (this.#closed) return
    this.#resting = setTimeout(() => {
      this.#resting = undefined
      this.#syncLater(messages)
    }, SYNC_REST)
  }
}
