import { isEphemeral } from '../protocol/names.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import type { Segment } from '../storage/segment.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import { NsqError } from '../util/errors.ts'
import type { Logger } from '../util/logger.ts'
import { LatencyQuantiles } from '../util/quantile.ts'
import { Channel } from './channel.ts'
import { now } from './clock.ts'
import type { NsqdOptions } from './options.ts'
import type { Session } from './session.ts'
import type { Turn } from './turn.ts'

/** Who waits for a publish to be committed. */
export interface Publisher {
  acknowledge(): void
  refuse(error: NsqError): void
}

/** What a topic needs of its daemon. */
export interface TopicHost {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly turn: Turn
  /** A commit or a sync went well, or did not. */
  diskResult(error: Error | null): void
  channelCreated(topic: Topic, channel: Channel): void
  channelDeleted(topic: Topic, channel: Channel): void
  pauseChanged(): void
}

/** Messages of an emptied stretch, which channels before it skip. */
export interface Gap {
  readonly from: Position
  readonly to: Position
}

/**
 * A topic: its log, and the channels that read along it. What is committed is distributed to the channels at once,
 * but for a paused topic, or one without channels: then it waits in the topic, and the first channel gets it.
 *
 *     finished … | channels' cursors … | distributed | waits in the topic | visible | being committed
 */
export class Topic {
  readonly name: string
  readonly ephemeral: boolean
  readonly log: TopicLog
  readonly turn: Turn
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly nodeId: number
  /** Since the start. */
  messageCount = 0
  messageBytes = 0
  /** Owned by Turn. */
  inTurn = false
  /** Something has changed that a checkpoint should say. */
  dirty = false
  closed = false
  /** Up to here messages were given to the channels. */
  distributed: Position
  gaps: readonly Gap[] = []
  /** Time from publish to FIN, over all channels; only with --e2e-processing-latency-percentile. */
  readonly latency: LatencyQuantiles | undefined
  readonly #host: TopicHost
  readonly #channels = new Map<string, Channel>()
  #paused = false
  /** Nothing is distributed before `begin`: channels are still being made. */
  #starting = true
  /** Up to here messages are acknowledged. */
  #visible: Position
  /** Publishes since the last commit, and those whose commit waits for the disk. */
  #publishers: Publisher[] = []
  #pending = { messages: 0, bytes: 0 }
  #unsynced = 0
  #syncing = false
  #syncTimer: NodeJS.Timeout | undefined

  constructor(host: TopicHost, name: string, log: TopicLog, distributed: Position = startOf(log)) {
    this.#host = host
    this.name = name
    this.ephemeral = isEphemeral(name)
    this.log = log
    this.turn = host.turn
    this.options = host.options
    this.logger = host.logger
    this.nodeId = host.options.nodeId
    this.distributed = distributed
    this.#visible = log.end
    this.latency = this.newLatency()
  }

  get channels(): ReadonlyMap<string, Channel> {
    return this.#channels
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Messages that wait in the topic itself. */
  get depth(): number {
    return ordinalAt(this.#visible) - ordinalAt(this.distributed)
  }

  /** How many of these are on disk only. */
  get backendDepth(): number {
    return Math.max(
      0,
      Math.min(this.log.memoryOrdinal, ordinalAt(this.#visible)) - ordinalAt(this.distributed),
    )
  }

  get prefersLocal(): boolean {
    return this.options.enableExperiment.includes('topology-aware-consumption')
  }

  /** How far a session is from this nsqd: 0 in its zone, 1 in its region, 2 elsewhere. */
  distanceOf(session: Session): number {
    const { topologyZone, topologyRegion } = this.options
    if (topologyZone !== '' && session.topologyZone === topologyZone) return 0
    if (topologyRegion !== '' && session.topologyRegion === topologyRegion) return 1
    return 2
  }

  newLatency(): LatencyQuantiles | undefined {
    const { e2eProcessingLatencyPercentile: percentiles, e2eProcessingLatencyWindowTime: window } =
      this.options
    return percentiles.length > 0 ? new LatencyQuantiles(window) : undefined
  }

  touched(): void {
    this.dirty = true
  }

  /** Appends a message; it is acknowledged to whoever calls `awaitCommit`. */
  put(bytes: Buffer, start: number, end: number): void {
    const stamp = this.#stamp()
    this.log.append(bytes, start, end, stamp.high, stamp.low)
    this.#count(1, end - start)
  }

  /** Appends `count` messages that lie in bytes[start..end) one behind the other, each behind its size. */
  putSized(bytes: Buffer, start: number, end: number, count: number): void {
    const stamp = this.#stamp()
    for (let at = start; at < end;) {
      const body = at + 4
      at = body + bytes.readUInt32BE(at)
      this.log.append(bytes, body, at, stamp.high, stamp.low)
    }
    this.#count(count, end - start - 4 * count)
  }

  /** Appends a message that is not delivered before `dueMs`, Unix ms. */
  putDeferred(bytes: Buffer, start: number, end: number, dueMs: number): void {
    const stamp = this.#stamp()
    this.log.appendDeferred(bytes, start, end, stamp.high, stamp.low, dueMs)
    this.#count(1, end - start)
  }

  /** Calls the publisher when everything that was put is as safe as --durability says. */
  awaitCommit(publisher: Publisher): void {
    this.#publishers.push(publisher)
    this.turn.commit(this)
  }

  /** Bytes and time are bounded by a turn, but for `power`: there, publishers wait for the disk. */
  get isBehind(): boolean {
    return this.#syncing && this.#publishers.length > MAX_WAITING
  }

  /** Commits what was put since the last time. Called by Turn. */
  commit(): void {
    if (this.closed) return
    const { durability } = this.options
    if (durability === 'power' && this.#syncing) return
    const publishers = this.#publishers
    const { messages, bytes } = this.#pending
    this.#publishers = []
    this.#pending = { messages: 0, bytes: 0 }
    if (messages === 0) return
    if (durability === 'none') acknowledge(publishers)
    try {
      this.log.commit()
      this.#host.diskResult(null)
    } catch (error) {
      this.#refused(error, durability === 'none' ? [] : publishers)
      return
    }
    this.dirty = true
    this.messageCount += messages
    this.messageBytes += bytes
    if (durability === 'power') {
      this.#sync(publishers)
      return
    }
    this.#advance(this.log.end)
    if (durability === 'process') acknowledge(publishers)
    this.#syncLater(messages)
  }

  /** The channel of this name; made when there is none. */
  channel(name: string): Channel {
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    const channel = this.addChannel(name, this.distributed)
    this.#advance(this.#visible)
    return channel
  }

  /** Adds a channel that reads from this place on. */
  addChannel(name: string, position: Position): Channel {
    const channel = new Channel(this, name, isEphemeral(name), position)
    this.#channels.set(name, channel)
    this.dirty = true
    this.#host.channelCreated(this, channel)
    return channel
  }

  deleteChannel(channel: Channel): void {
    if (this.#channels.get(channel.name) !== channel) return
    this.#channels.delete(channel.name)
    channel.close()
    this.dirty = true
    this.#host.channelDeleted(this, channel)
  }

  pause(): void {
    this.#paused = true
    this.#host.pauseChanged()
  }

  unpause(): void {
    this.#paused = false
    this.#host.pauseChanged()
    this.#advance(this.#visible)
  }

  /** The channels that the topic begins with are made: messages may be distributed. */
  begin(): void {
    this.#starting = false
    if (!this.closed) this.#advance(this.#visible)
  }

  /** Forgets what waits in the topic itself. */
  empty(): void {
    const from = this.distributed
    const to = this.#visible
    if (ordinalAt(from) === ordinalAt(to)) return
    this.distributed = to
    let behind = false
    for (const channel of this.#channels.values()) {
      if (channel.ordinal >= ordinalAt(from)) channel.jump(to)
      else behind = true
    }
    if (behind) this.gaps = [...this.gaps, { from, to }]
    this.dirty = true
  }

  /** Up to which ordinal this channel may read; past a gap that it stands at, the channel is moved. */
  readableUntil(channel: Channel): number {
    if (this.gaps.length > 0) {
      for (const { from, to } of this.gaps) {
        if (channel.ordinal === ordinalAt(from)) channel.jump(to)
        else if (channel.ordinal < ordinalAt(from)) return ordinalAt(from)
      }
    }
    return ordinalAt(this.distributed)
  }

  /** How many messages lie from this ordinal on that channels may read, before `end`. */
  countReadable(ordinal: number, end: number): number {
    const until = Math.min(end, ordinalAt(this.distributed))
    let count = Math.max(0, until - ordinal)
    for (const { from, to } of this.gaps) {
      count -= Math.max(0, Math.min(until, ordinalAt(to)) - Math.max(ordinal, ordinalAt(from)))
    }
    return count
  }

  /** A channel of it was paused or unpaused. */
  pauseChanged(): void {
    this.#host.pauseChanged()
  }

  /** Ends the topic and its channels; nothing may be published any more. */
  close(): void {
    this.closed = true
    clearTimeout(this.#syncTimer)
    for (const channel of this.#channels.values()) channel.close()
    const waiting = this.#publishers
    this.#publishers = []
    for (const publisher of waiting)
      publisher.refuse(new NsqError('E_PUB_FAILED', `topic ${this.name} is closed`))
    this.log.close()
  }

  /** Drops from the oldest messages of what lives in memory only, down to --mem-queue-size. */
  trim(): void {
    if (!this.ephemeral) return
    const least = ordinalAt(this.#visible) - this.options.memQueueSize
    const position = this.log.positionOf(least)
    if (position !== undefined) {
      if (ordinalAt(this.distributed) < least) this.distributed = position
      for (const channel of this.#channels.values()) if (channel.ordinal < least) channel.jump(position)
    }
    this.releaseMemory()
  }

  /** Lets go of blocks in memory that nobody needs: those behind all channels. */
  releaseMemory(): void {
    let least = ordinalAt(this.distributed)
    for (const channel of this.#channels.values()) {
      least = Math.min(least, this.ephemeral ? channel.lowOrdinal : channel.ordinal)
    }
    this.log.forgetBlocksBefore(least)
  }

  /** The segment with this number in the log's chain. */
  findSegment(number: number): Segment | undefined {
    let segment: Segment | undefined = this.log.first
    while (segment !== undefined && segment.number !== number) segment = segment.next
    return segment
  }

  /** Forgets the gaps that every channel is past. */
  dropGaps(): void {
    if (this.gaps.length === 0) return
    const channels = [...this.#channels.values()]
    this.gaps = this.gaps.filter(({ to }) => channels.some(channel => channel.ordinal < ordinalAt(to)))
  }

  /** Steps from the end of a segment to the next, so that the one behind can go. */
  settleDistributed(): void {
    let { segment, offset, index } = this.distributed
    while (segment.next !== undefined && offset >= segment.committedSize) {
      segment = segment.next
      offset = index = 0
    }
    this.distributed = { segment, offset, index }
  }

  get #isFlowing(): boolean {
    return !this.#paused && !this.#starting && this.#channels.size > 0
  }

  /** Messages up to here are acknowledged: channels may have them. */
  #advance(visible: Position): void {
    this.#visible = visible
    if (this.#isFlowing) {
      const count = ordinalAt(visible) - ordinalAt(this.distributed)
      this.distributed = visible
      for (const channel of this.#channels.values()) {
        channel.messageCount += count
        this.turn.pump(channel)
      }
    }
    this.trim()
  }

  #stamp(): { high: number; low: number } {
    const ns = now() * 1e6
    stamp.high = Math.floor(ns / 2 ** 32)
    stamp.low = (ns % 2 ** 32) >>> 0
    return stamp
  }

  #count(messages: number, bytes: number): void {
    this.#pending.messages += messages
    this.#pending.bytes += bytes
  }

  #refused(cause: unknown, publishers: readonly Publisher[]): void {
    const error = new NsqError('E_PUB_FAILED', `cannot write to topic ${this.name}`, { cause })
    this.#host.diskResult(cause instanceof Error ? cause : error)
    for (const publisher of publishers) publisher.refuse(error)
  }

  /** Acknowledges when the disk has everything; what comes meanwhile is committed after that. */
  #sync(publishers: readonly Publisher[]): void {
    const end = this.log.end
    this.#syncing = true
    this.log.sync(error => {
      this.#syncing = false
      if (this.closed) return
      if (error === null) {
        this.#advance(end)
        acknowledge(publishers)
      } else {
        this.#refused(error, publishers)
      }
      if (this.#pending.messages > 0) this.turn.commit(this)
    })
  }

  /** Bounds what a power cut can take when publishes do not wait for the disk: --sync-every, --sync-timeout. */
  #syncLater(messages: number): void {
    if (this.ephemeral) return
    this.#unsynced += messages
    if (this.#unsynced === 0 || this.#syncing) return
    if (this.#unsynced >= this.options.syncEvery) this.#syncNow()
    else this.#syncTimer ??= setTimeout(() => this.#syncNow(), this.options.syncTimeout)
  }

  #syncNow(): void {
    clearTimeout(this.#syncTimer)
    this.#syncTimer = undefined
    this.#unsynced = 0
    this.#syncing = true
    this.log.sync(error => {
      this.#syncing = false
      if (this.closed) return
      if (error !== null) this.#host.diskResult(error)
      this.#syncLater(0)
    })
  }
}

/** Publishes that wait for the disk before their connections are read no further. */
const MAX_WAITING = 10_000

/** The current time in two halves, written anew for each use: no object a message. */
const stamp = { high: 0, low: 0 }

function acknowledge(publishers: readonly Publisher[]): void {
  for (const publisher of publishers) publisher.acknowledge()
}

function startOf(log: TopicLog): Position {
  return { segment: log.first, offset: 0, index: 0 }
}
