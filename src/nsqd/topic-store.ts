import { existsSync, mkdirSync } from 'node:fs'
import {
  type ChannelCheckpoint,
  encodeCheckpoint,
  type Place,
  placeOf,
  readCheckpoint,
  removeCheckpointLitter,
  type TopicCheckpoint,
  writeCheckpoint,
} from '../storage/checkpoint.ts'
import type { Position } from '../storage/position.ts'
import { recover } from '../storage/recovery.ts'
import type { Segment } from '../storage/segment.ts'
import { republish, Stragglers } from '../storage/stragglers.ts'
import { removeTopicDirectory } from '../storage/topic-directory.ts'
import { TopicLog, type TopicLogOptions } from '../storage/topic-log.ts'
import { asError, NsqError } from '../util/errors.ts'
import { now } from './clock.ts'
import { Reclaimer } from './reclaimer.ts'
import { Topic, type TopicHost } from './topic.ts'

/** A checkpoint may take this share of the time, at most. */
const MOST_TIME = 0.05
/** And so many bytes a millisecond: 8 MiB a second, so that the disk has time for messages. */
const MOST_BYTES = 8 * 1024

/**
 * A topic's life on disk: read at the start, checkpointed while it changes, and segments deleted when nothing in them
 * is needed any more.
 */
export class TopicStore {
  readonly topic: Topic
  readonly #directory: string
  readonly #stragglers: Stragglers
  readonly reclaimer: Reclaimer
  /** The checkpoint that is being written. */
  #writing: Promise<Error | undefined> | undefined
  #notBefore = 0

  private constructor(topic: Topic, directory: string, stragglers: Stragglers) {
    this.topic = topic
    this.#directory = directory
    this.#stragglers = stragglers
    this.reclaimer = new Reclaimer(topic, stragglers, topic.options)
  }

  /** Opens the topic of this folder, or begins it. */
  static open(host: TopicHost, name: string, directory: string, options: TopicLogOptions): TopicStore {
    const isNew = !existsSync(directory)
    if (isNew) mkdirSync(directory, { recursive: true })
    else removeCheckpointLitter(directory)
    const checkpoint = isNew ? 'missing' : readCheckpoint(directory)
    const known = typeof checkpoint === 'string' ? undefined : checkpoint
    const totals = new Map((known?.segments ?? []).map(segment => [segment.number, segment]))
    const { segments, stragglers, warnings } = recover(directory, totals)
    for (const warning of warnings) host.logger.warn(`topic ${name}: ${warning}`)
    if (checkpoint === 'damaged') {
      const count = segments.reduce((sum, segment) => sum + segment.count, 0)
      const { retainTime, retainBytes } = host.options
      const which = retainTime > 0 || retainBytes > 0 ? ', with those that were finished and retained' : ''
      host.logger.warn(
        `topic ${name}: the checkpoint in ${directory} is damaged: every message still there is delivered again, ` +
          `${count} in all${which}`,
      )
    }
    const log = new TopicLog(options, segments)
    // Without a checkpoint nobody knows whose the stragglers are: everybody gets them.
    for (const warning of republish(known === undefined ? stragglers.splice(0) : [], log)) {
      host.logger.warn(`topic ${name}: ${warning}`)
    }
    const kept = new Stragglers(directory, options.maxSegmentBytes, options.numbers, stragglers)
    const topic = new Topic(host, name, log, known === undefined ? undefined : locate(log, known.distributed))
    const store = new TopicStore(topic, directory, kept)
    if (known !== undefined) store.#restore(known)
    return store
  }

  /**
   * Gives up segments that are done with, and writes a checkpoint, in the background; not more often than every
   * `spacing` ms. To be called when something has changed, or there is something to reclaim.
   */
  maintain(spacing: number): void {
    const { topic } = this
    if (topic.closed || this.#writing !== undefined || now() < this.#notBefore) return
    const began = now()
    // What could not be given up is tried again, even when nothing else changes.
    const isReclaimed = this.reclaimer.reclaim()
    const bytes = this.#encode()
    topic.dirty = !isReclaimed
    this.#notBefore = now() + Math.max(spacing, (now() - began) / MOST_TIME, bytes.length / MOST_BYTES)
    this.#writing = this.#write(bytes)
  }

  /**
   * Resolves when what has changed up to now is in a checkpoint, so that a crash does not undo it.
   *
   * @throws NsqError E_CHECKPOINT when it could not be written: what has changed holds, but for a crash.
   */
  async settle(): Promise<void> {
    // One that is being written may be of before.
    await this.#writing
    this.#notBefore = 0
    if (this.topic.dirty) this.maintain(0)
    const failure = await this.#writing
    if (failure !== undefined) {
      throw new NsqError(
        'E_CHECKPOINT',
        `done, but a crash of nsqd would undo it: cannot write the checkpoint of topic ${this.topic.name}`,
        { cause: failure },
      )
    }
  }

  /** Writes everything down and closes the files. */
  async close(): Promise<void> {
    const { topic } = this
    topic.commit()
    this.reclaimer.reclaim()
    const bytes = this.#encode()
    topic.close()
    this.#stragglers.close()
    await this.#writing
    await writeCheckpoint(this.#directory, bytes)
    this.reclaimer.removeDoomed()
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

  /** Gives what the disk said, if it refused. */
  async #write(bytes: Buffer): Promise<Error | undefined> {
    const { topic } = this
    const part = `the checkpoint of topic ${topic.name}` as const
    try {
      // Where messages were moved, the files that they were in go next: even after a power cut nobody may look there.
      const durable = topic.options.durability === 'power' || this.reclaimer.hasMoved
      await writeCheckpoint(this.#directory, bytes, { durable, wanted: () => !topic.closed })
      topic.diskResult(null, part)
      if (!topic.closed) this.reclaimer.removeDoomed()
      return undefined
    } catch (error) {
      // A topic deleted meanwhile took its folder with it.
      if (topic.closed) return undefined
      topic.dirty = true
      topic.makeRoom(error)
      topic.diskResult(asError(error), part)
      return asError(error)
    } finally {
      this.#writing = undefined
    }
  }

  #restore(checkpoint: TopicCheckpoint): void {
    const { topic } = this
    const { log } = topic
    const segments = new Map<number, Segment>()
    for (const straggler of this.#stragglers.segments) segments.set(straggler.number, straggler)
    for (let s: Segment | undefined = log.first; s !== undefined; s = s.next) segments.set(s.number, s)
    for (const { name, cursor, skips, held } of checkpoint.channels) {
      const channel = topic.addChannel(name, locate(log, cursor))
      const located = skips.map(({ from, to }) => ({ from: locate(log, from), to: locate(log, to) }))
      channel.restore(held, located, number => segments.get(number))
    }
    // What is not retained any more, as the options are others now, goes though nothing else changes.
    topic.dirty ||= log.first.next !== undefined
  }

  #encode(): Buffer {
    const { topic } = this
    const segments = []
    for (let s: Segment | undefined = topic.log.first; s?.next !== undefined; s = s.next) {
      if (s.isVouchedFor) segments.push({ number: s.number, count: s.committedCount, size: s.committedSize })
    }
    const channels: ChannelCheckpoint[] = []
    for (const channel of topic.channels.values()) {
      if (!channel.ephemeral) channels.push(channel.checkpoint())
    }
    return encodeCheckpoint({
      segments,
      distributed: placeOf(topic.distributed),
      channels,
    })
  }
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
