import { setTimeout as delay } from 'node:timers/promises'
import { isEphemeral } from '../protocol/names.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import type { Logger } from '../util/logger.ts'
import { LatencyQuantiles } from '../util/quantile.ts'
import { Admission } from './admission.ts'
import { Channel } from './channel.ts'
import type { DiskPart } from './disk-health.ts'
import { Intake, type IntakeHost } from './intake.ts'
import { refusesOverflow, shedLimits, topicBounds } from './limits.ts'
import type { NsqdOptions } from './options.ts'
import { Refusal } from './refusal.ts'
import type { Session } from './session.ts'
import { TopicBacklog } from './topic-backlog.ts'
import type { Turn } from './turn.ts'

/** How long to wait at most for dropped messages to be passed, and how often it is looked, in ms. */
const SHED_TIME = 2000
const SHED_LOOK = 5

/** What a topic needs of its daemon. */
export interface TopicHost {
  readonly options: NsqdOptions
  readonly logger: Logger
  readonly turn: Turn
  /** The disk has taken something, or has refused it: without `part`, messages. */
  diskResult(error: Error | null, part?: DiskPart): void
  /** The disk has refused something: gives up what is retained, if it is full. False when that was of no use. */
  makeRoom(error: unknown): boolean
  channelCreated(topic: Topic, channel: Channel): void
  channelDeleted(topic: Topic, channel: Channel): void
  pauseChanged(): void
}

/** A stretch of the log: up to before the message with the ordinal `until`. */
export interface Readable {
  readonly from: Position
  readonly until: number
}

/**
 * A topic: its log, and the channels that read along it. What is committed is distributed to the channels at once,
 * but for a paused topic, or one without channels: then it waits in the topic, and the first channel gets it.
 *
 *     finished … | channels' cursors … | distributed | waits in the topic | visible | being committed
 */
export class Topic implements IntakeHost {
  readonly name: string
  readonly ephemeral: boolean
  readonly log: TopicLog
  readonly turn: Turn
  readonly options: NsqdOptions
  readonly logger: Logger
  /** Where messages come in. */
  readonly intake: Intake
  /** Owned by Turn. */
  inTurn = false
  /** Something has changed that a checkpoint should say. */
  dirty = false
  closed = false
  /** Up to here messages were given to the channels. */
  distributed: Position
  /** Up to here messages are acknowledged. */
  visible: Position
  /** Bytes of finished segments that are kept; undefined when nothing is. */
  retainedBytes: number | undefined = undefined
  readonly #host: TopicHost
  readonly #channels = new Map<string, Channel>()
  /** Set when something here may be refused, or dropped. */
  readonly #admission: Admission | undefined
  readonly #backlog: TopicBacklog | undefined
  #paused = false
  /** Nothing is distributed before `begin`: channels are still being made. */
  #starting = true

  constructor(host: TopicHost, name: string, log: TopicLog, distributed: Position = startOf(log)) {
    this.#host = host
    this.name = name
    this.ephemeral = isEphemeral(name)
    this.log = log
    this.turn = host.turn
    this.options = host.options
    this.logger = host.logger
    this.distributed = distributed
    this.visible = log.end
    this.intake = new Intake(this, log)
    const refuses = !this.ephemeral && refusesOverflow(this.options)
    this.#admission = refuses ? new Admission(this) : undefined
    const limits = shedLimits(topicBounds(this.options), this.options, this.ephemeral)
    this.#backlog = limits === undefined ? undefined : new TopicBacklog(this, limits)
  }

  get channels(): ReadonlyMap<string, Channel> {
    return this.#channels
  }

  /** Messages and their bytes since the start. */
  get messageCount(): number {
    return this.intake.messageCount
  }

  get messageBytes(): number {
    return this.intake.messageBytes
  }

  /** Messages that were not taken in, as too many wait. Undefined when that never happens. */
  get refusedCount(): number | undefined {
    return this.#admission?.refusedCount
  }

  /** Messages that waited here and were dropped, as too many, or too old. Undefined when that never happens. */
  get droppedCount(): number | undefined {
    return this.#backlog?.droppedCount
  }

  get expiredCount(): number | undefined {
    return this.#backlog?.expiredCount
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Messages that wait in the topic itself. */
  get depth(): number {
    return ordinalAt(this.visible) - ordinalAt(this.distributed) - (this.#backlog?.leaving ?? 0)
  }

  /** How many of these are on disk only. */
  get backendDepth(): number {
    return Math.max(
      0,
      Math.min(this.log.memoryOrdinal, ordinalAt(this.visible)) - ordinalAt(this.distributed),
    )
  }

  /** What its log takes on disk; undefined when it lives in memory. */
  get diskBytes(): number | undefined {
    return this.ephemeral ? undefined : this.log.bytesOnDisk
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

  /**
   * To be called before so many messages, with bodies of so many bytes in all, are put into the intake.
   *
   * @throws Refusal E_TOPIC_FULL: none of them may be
   */
  admit(messages: number, bytes: number): void {
    this.#admission?.admit(messages, bytes)
  }

  /** Commits what came in. Called by Turn. */
  commit(): void {
    if (this.#admission !== undefined) this.#admission.isStale = true
    if (!this.closed) this.intake.commit()
  }

  commitLater(): void {
    this.turn.commit(this)
  }

  committed(end: Position): void {
    if (this.closed) return
    this.dirty = true
    this.#advance(end)
  }

  makeRoom(error: unknown): boolean {
    return this.#host.makeRoom(error)
  }

  diskResult(error: Error | null, part?: DiskPart): void {
    // What lies in memory only says nothing good of the disk.
    if (this.closed || (this.ephemeral && error === null)) return
    this.#host.diskResult(error, part)
  }

  /**
   * The channel of this name; made when there is none.
   *
   * @throws Refusal E_TOO_MANY_CHANNELS
   */
  channel(name: string): Channel {
    const known = this.#channels.get(name)
    if (known !== undefined) return known
    const { maxChannels } = this.options
    if (maxChannels > 0 && this.#channels.size >= maxChannels) {
      const has = `it has ${this.#channels.size} (--max-channels=${maxChannels})`
      const reason = `no more channels are made in topic ${this.name}: ${has}`
      throw new Refusal('E_TOO_MANY_CHANNELS', reason, 403, 'TOO_MANY_CHANNELS')
    }
    const channel = this.addChannel(name, this.distributed)
    this.#advance(this.visible)
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
    this.#advance(this.visible)
  }

  /** The channels that the topic begins with are made: messages may be distributed. */
  begin(): void {
    this.#starting = false
    if (!this.closed) this.#advance(this.visible)
  }

  /** Forgets what waits in the topic itself. */
  empty(): void {
    if (ordinalAt(this.distributed) !== ordinalAt(this.visible)) this.dropUpTo(this.visible)
  }

  /** Forgets what waits in the topic itself before this place. */
  dropUpTo(to: Position): void {
    const from = this.distributed
    this.distributed = to
    for (const channel of this.#channels.values()) channel.skip({ from, to })
    this.dirty = true
    // What was dropped may have been in the way.
    if (this.isFlowing) this.#advance(this.visible)
  }

  /**
   * Resolves when what was dropped is passed, so that neither a checkpoint nor a replay brings it back; or after a while,
   * where the disk does not let that be read.
   */
  async shed(): Promise<void> {
    const end = performance.now() + SHED_TIME
    while (this.#isShedding && !this.closed && performance.now() < end) await delay(SHED_LOOK)
  }

  /** What waits in the topic itself. */
  get waiting(): Readable {
    return { from: this.distributed, until: ordinalAt(this.visible) }
  }

  /** A channel of it was paused or unpaused. */
  pauseChanged(): void {
    this.#host.pauseChanged()
  }

  /** Ends the topic and its channels; nothing may be published any more. */
  close(): void {
    this.closed = true
    for (const channel of this.#channels.values()) channel.close()
    this.intake.close()
    this.#backlog?.close()
    this.log.close()
  }

  /** Drops the oldest messages of a topic in memory, down to --mem-queue-size, but for those in flight. */
  #trim(): void {
    // The last one at least stays, for consumers who wait for it.
    const least = ordinalAt(this.visible) - Math.max(1, this.options.memQueueSize)
    const channels = [...this.#channels.values()]
    for (const channel of channels) channel.holdUpTo(least)
    const late = channels.filter(channel => channel.ordinal < least)
    if (late.length === 0 && ordinalAt(this.distributed) >= least) return
    const position = this.log.positionOf(least)
    if (position === undefined) return
    if (ordinalAt(this.distributed) < least) this.distributed = position
    for (const channel of late) {
      channel.overtakenCount += least - channel.ordinal
      channel.jump(position)
    }
  }

  /** Lets go of blocks in memory that nobody needs: those behind all channels. */
  releaseMemory(): void {
    let least = ordinalAt(this.distributed)
    for (const channel of this.#channels.values()) {
      least = Math.min(least, this.ephemeral ? channel.lowOrdinal : channel.ordinal)
    }
    this.log.forgetBlocksBefore(least)
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

  /** What was dropped here must not get to the channels: until it is passed, nothing does. */
  get isFlowing(): boolean {
    const isOpen = !this.#paused && !this.#starting && this.#channels.size > 0
    return isOpen && (this.#backlog === undefined || this.#backlog.leaving === 0)
  }

  get #isShedding(): boolean {
    if (this.#backlog?.isShedding === true) return true
    for (const channel of this.#channels.values()) if (channel.isShedding) return true
    return false
  }

  /** Messages up to here are acknowledged: channels may have them. */
  #advance(visible: Position): void {
    this.visible = visible
    if (this.isFlowing) {
      const count = ordinalAt(visible) - ordinalAt(this.distributed)
      this.distributed = visible
      for (const channel of this.#channels.values()) {
        channel.arrived(count)
      }
    }
    if (this.ephemeral) this.#trim()
    this.#backlog?.look()
    this.releaseMemory()
  }
}

function startOf(log: TopicLog): Position {
  return { segment: log.first, offset: 0, index: 0 }
}
