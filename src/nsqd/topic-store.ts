import { existsSync, mkdirSync } from 'node:fs'
import {
  type ChannelCheckpoint,
  encodeCheckpoint,
  type Place,
  readCheckpoint,
  removeCheckpointLitter,
  type TopicCheckpoint,
  writeCheckpoint,
} from '../storage/checkpoint.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import { recover } from '../storage/recovery.ts'
import type { Segment } from '../storage/segment.ts'
import { republish, Stragglers } from '../storage/stragglers.ts'
import { removeTopicDirectory } from '../storage/topic-directory.ts'
import { TopicLog, type TopicLogOptions } from '../storage/topic-log.ts'
import { errorText } from '../util/errors.ts'
import { now } from './clock.ts'
import type { Held } from './held-messages.ts'
import { Topic, type TopicHost } from './topic.ts'

/** A checkpoint may take this share of the time, at most. */
const MOST_TIME = 0.05
/** How long to wait after stragglers could not be moved, in ms. */
const MOVE_RETRY = 10_000
/** A segment with a smaller share of unfinished messages is given up, and these are moved. */
const STRAGGLER_SHARE = 0.5

/**
 * A topic's life on disk: read at the start, checkpointed while it changes, and segments deleted when nothing in them
 * is needed any more.
 */
export class TopicStore {
  readonly topic: Topic
  readonly #directory: string
  readonly #stragglers: Stragglers
  /** The checkpoint that is being written. */
  #writing: Promise<void> | undefined
  #notBefore = 0
  /** Stragglers are not moved before this time. */
  #moveNotBefore = 0
  /** Segments that nothing refers to once a checkpoint has said so. */
  #doomed: Segment[] = []

  private constructor(topic: Topic, directory: string, stragglers: Stragglers) {
    this.topic = topic
    this.#directory = directory
    this.#stragglers = stragglers
  }

  /** Opens the topic of this folder, or begins it. */
  static open(host: TopicHost, name: string, directory: string, options: TopicLogOptions): TopicStore {
    const isNew = !existsSync(directory)
    if (isNew) mkdirSync(directory, { recursive: true })
    else removeCheckpointLitter(directory)
    const checkpoint = isNew ? 'missing' : readCheckpoint(directory)
    if (checkpoint === 'damaged') {
      host.logger.warn(
        `topic ${name}: the checkpoint in ${directory} is damaged: every message still there is delivered again`,
      )
    }
    const known = typeof checkpoint === 'string' ? undefined : checkpoint
    const totals = new Map((known?.segments ?? []).map(segment => [segment.number, segment]))
    const { segments, stragglers, warnings } = recover(directory, totals)
    for (const warning of warnings) host.logger.warn(`topic ${name}: ${warning}`)
    const log = new TopicLog(options, segments)
    // Without a checkpoint nobody knows whose the stragglers are: everybody gets them.
    if (known === undefined) for (const segment of stragglers.splice(0)) republish(segment, log)
    const kept = new Stragglers(
      directory,
      options.maxSegmentBytes,
      () => options.nextSegmentNumber(),
      stragglers,
    )
    const topic = new Topic(host, name, log, known === undefined ? undefined : locate(log, known.distributed))
    const store = new TopicStore(topic, directory, kept)
    if (known !== undefined) store.#restore(known)
    return store
  }

  /**
   * Gives up segments that are done with, and writes a checkpoint when something has changed; in the background, and
   * not more often than every `spacing` ms.
   */
  maintain(spacing: number): void {
    const { topic } = this
    if (topic.closed || this.#writing !== undefined || !topic.dirty || now() < this.#notBefore) return
    const began = now()
    // What could not be given up is tried again, even when nothing else changes.
    const isReclaimed = this.#reclaim()
    const bytes = this.#encode()
    topic.dirty = !isReclaimed
    this.#notBefore = now() + Math.max(spacing, (now() - began) / MOST_TIME)
    this.#writing = this.#write(bytes)
  }

  /**
   * Resolves when what has changed up to now is in a checkpoint, so that a crash does not undo it; or when that was tried,
   * and has failed, which is logged.
   */
  async settle(): Promise<void> {
    // One that is being written may be of before.
    await this.#writing
    this.#notBefore = 0
    this.maintain(0)
    await this.#writing
  }

  /** Writes everything down and closes the files. */
  async close(): Promise<void> {
    const { topic } = this
    topic.commit()
    this.#reclaim()
    const bytes = this.#encode()
    topic.close()
    this.#stragglers.close()
    await this.#writing
    await writeCheckpoint(this.#directory, bytes)
    this.#removeDoomed()
  }

  /** Closes the topic and deletes all that it had. */
  remove(): void {
    this.topic.close()
    this.#stragglers.close()
    removeTopicDirectory(this.#directory)
  }

  /** Gives memory and file descriptors back while nothing happens. */
  rest(): void {
    this.topic.log.forgetBlocks()
    this.topic.log.closeFiles()
    this.#stragglers.close()
  }

  async #write(bytes: Buffer): Promise<void> {
    const { topic } = this
    try {
      const durable = topic.options.durability === 'power'
      await writeCheckpoint(this.#directory, bytes, { durable, wanted: () => !topic.closed })
      if (!topic.closed) this.#removeDoomed()
    } catch (error) {
      // A topic deleted meanwhile took its folder with it.
      if (topic.closed) return
      topic.dirty = true
      topic.logger.error(`topic ${topic.name}: cannot write its checkpoint: ${errorText(error)}`)
    } finally {
      this.#writing = undefined
    }
  }

  #restore(checkpoint: TopicCheckpoint): void {
    const { topic } = this
    const { log } = topic
    topic.gaps = checkpoint.gaps.map(({ from, to }) => ({ from: locate(log, from), to: locate(log, to) }))
    for (const saved of checkpoint.channels) {
      const channel = topic.addChannel(saved.name, locate(log, saved.cursor))
      channel.restore(saved, number => this.#find(number))
    }
  }

  #find(number: number): Segment | undefined {
    const segment = this.topic.findSegment(number)
    if (segment !== undefined) return segment
    for (const straggler of this.#stragglers.segments) if (straggler.number === number) return straggler
    return undefined
  }

  #encode(): Buffer {
    const { topic } = this
    const segments = []
    for (let s: Segment | undefined = topic.log.first; s?.next !== undefined; s = s.next) {
      segments.push({ number: s.number, count: s.committedCount, size: s.committedSize })
    }
    const channels: ChannelCheckpoint[] = []
    for (const channel of topic.channels.values()) {
      if (!channel.ephemeral) channels.push(channel.checkpoint())
    }
    return encodeCheckpoint({
      segments,
      distributed: place(topic.distributed),
      gaps: topic.gaps.map(({ from, to }) => ({ from: place(from), to: place(to) })),
      channels,
    })
  }

  /**
   * Finds segments that every channel has left; moves what little is unfinished in them. False when the disk was in
   * the way of that: such segments stay a while longer, while those with nothing unfinished go.
   */
  #reclaim(): boolean {
    const { topic } = this
    const { log } = topic
    topic.dropGaps()
    this.#skipForEphemeral()
    const left: Segment[] = []
    for (let s = log.first; s.next !== undefined && this.#allHaveLeft(s); s = s.next) left.push(s)
    const stragglers = [...this.#stragglers.segments]
    if (left.length + stragglers.length > 0) {
      const held = this.#heldBySegment()
      for (const segment of left) {
        if (!this.#moveStragglers(segment, held)) continue
        log.unlink(segment)
        this.#doomed.push(segment)
      }
      for (const segment of stragglers) {
        if (!this.#moveStragglers(segment, held)) continue
        this.#stragglers.unlink(segment)
        this.#doomed.push(segment)
      }
    }
    topic.releaseMemory()
    return now() >= this.#moveNotBefore
  }

  #allHaveLeft(segment: Segment): boolean {
    const { topic } = this
    if (ordinalAt(topic.distributed) < segment.endOrdinal) return false
    for (const channel of topic.channels.values()) if (!channel.leave(segment)) return false
    topic.settleDistributed()
    return true
  }

  /** Whether nothing in this segment is needed, after moving the rest when it is little. */
  #moveStragglers(segment: Segment, bySegment: Map<Segment, Held[]>): boolean {
    const held = bySegment.get(segment)
    if (held === undefined) return true
    const offsets = new Set(held.map(message => message.offset))
    if (offsets.size >= segment.count * STRAGGLER_SHARE || now() < this.#moveNotBefore) return false
    const moved = this.#tryMove(segment, [...offsets])
    if (moved === undefined) return false
    for (const message of held) {
      message.offset = moved.offsets.get(message.offset) ?? message.offset
      message.segment = moved.segment
    }
    bySegment.delete(segment)
    bySegment.set(moved.segment, [...(bySegment.get(moved.segment) ?? []), ...held])
    return true
  }

  #tryMove(segment: Segment, offsets: readonly number[]): ReturnType<Stragglers['take']> | undefined {
    try {
      return this.#stragglers.take(segment, offsets)
    } catch (error) {
      const { topic } = this
      this.#moveNotBefore = now() + MOVE_RETRY
      topic.logger.error(`topic ${topic.name}: cannot give up a segment: ${errorText(error)}`)
      return undefined
    }
  }

  /** The held messages of all channels by where they lie. */
  #heldBySegment(): Map<Segment, Held[]> {
    const bySegment = new Map<Segment, Held[]>()
    for (const channel of this.topic.channels.values()) {
      for (const held of channel.held().values()) {
        const known = bySegment.get(held.segment)
        if (known === undefined) bySegment.set(held.segment, [held])
        else known.push(held)
      }
    }
    return bySegment
  }

  /**
   * An ephemeral channel does not keep the log: one that is a whole segment and --mem-queue-size messages behind goes
   * on with the next segment.
   */
  #skipForEphemeral(): void {
    const { topic } = this
    for (const channel of topic.channels.values()) {
      if (!channel.ephemeral) continue
      let dropped = 0
      for (let s = topic.log.first; s.next !== undefined; s = s.next) {
        const behind = topic.countReadable(s.next.endOrdinal, Infinity)
        if (channel.ordinal >= s.endOrdinal || behind < topic.options.memQueueSize) continue
        dropped += s.endOrdinal - channel.ordinal
        channel.jump({ segment: s.next, offset: 0, index: 0 })
      }
      if (dropped > 0) {
        topic.logger.warn(
          `channel ${topic.name}/${channel.name} is too slow: ${dropped} messages were dropped, as it is ephemeral`,
        )
      }
    }
  }

  #removeDoomed(): void {
    const doomed = this.#doomed
    this.#doomed = []
    for (const segment of doomed) {
      try {
        segment.file?.remove()
      } catch (error) {
        this.topic.logger.error(`topic ${this.topic.name}: cannot delete a segment: ${errorText(error)}`)
      }
    }
  }
}

function place(position: Position): Place {
  return { segment: position.segment.number, offset: position.offset, index: position.index }
}

/**
 * The position of a place on disk. A place before the log is its beginning; one behind it, which a torn tail leaves,
 * its end.
 */
function locate(log: TopicLog, { segment: number, offset, index }: Place): Position {
  for (let segment: Segment | undefined = log.first; segment !== undefined; segment = segment.next) {
    if (segment.number < number) continue
    if (segment.number > number) return { segment, offset: 0, index: 0 }
    if (offset <= segment.committedSize) return { segment, offset, index }
    return { segment, offset: segment.committedSize, index: segment.committedCount }
  }
  return log.end
}
