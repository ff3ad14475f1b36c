/**
 * What a topic's channels have done, on disk: a checkpoint is written a few times a second while something changes,
 * and at the end. After kill -9 the topic goes on from the last one.
 *
 *     | "nsqtscp2" | crc32 of the rest, u32 | length of the rest, u32 | rest |
 *
 * The rest holds, all numbers big-endian: the totals of the complete segments, the place up to which messages were
 * given to channels, and each channel with its cursor, the stretches behind it that it leaves out, and the messages it
 * holds that are neither finished nor before the cursor's reach.
 *
 * In the first version, "nsqtscp1", what is left out stood before the channels, for all of them.
 */
import { readdirSync, readFileSync, rename, rmSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { isMissing, syncFolderLater } from './folder.ts'
import { HELD_LENGTH } from './held-records.ts'
import type { Position } from './position.ts'
import type { SegmentTotals } from './recovery.ts'

/** A place in the log by numbers, as it stands on disk. */
export interface Place {
  readonly segment: number
  readonly offset: number
  readonly index: number
}

export function placeOf({ segment, offset, index }: Position): Place {
  return { segment: segment.number, offset, index }
}

/** A message that a channel has taken from its cursor and not finished. */
export interface HeldMessage {
  /** The message's id: its first segment's number and its index there. */
  readonly idSegment: number
  readonly idIndex: number
  /** Where it lies now. */
  readonly segment: number
  readonly offset: number
  readonly attempts: number
  /** Not to be delivered before (Unix ms); 0 when it may be at once. */
  readonly dueMs: number
}

export interface Skipped {
  readonly from: Place
  readonly to: Place
}

export interface ChannelCheckpoint {
  readonly name: string
  readonly cursor: Place
  /** Stretches behind the cursor that are left out, in order. */
  readonly skips: readonly Skipped[]
  readonly held: readonly HeldMessage[]
  /** To be written before `held`: those that are encoded already, see HeldRecords. Never there after reading. */
  readonly records?: Buffer
}

export interface TopicCheckpoint {
  readonly segments: readonly SegmentTotals[]
  /** Up to here messages have been given to the channels. */
  readonly distributed: Place
  readonly channels: readonly ChannelCheckpoint[]
}

const MAGIC = Buffer.from('nsqtscp2', 'latin1')
const FIRST_MAGIC = Buffer.from('nsqtscp1', 'latin1')
const HEADER = MAGIC.length + 8
const FILE_NAME = 'checkpoint'
const NO_RECORDS = Buffer.alloc(0)

/** Grows as it is written to. */
class Writer {
  bytes: Buffer
  length: number = HEADER

  /** `room`: about how many bytes there will be. */
  constructor(room: number) {
    this.bytes = Buffer.allocUnsafe(room)
  }

  u32(value: number): void {
    this.length = this.#room(4).writeUInt32BE(value, this.length)
  }

  f64(value: number): void {
    this.length = this.#room(8).writeDoubleBE(value, this.length)
  }

  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.u32(length)
    this.#room(length).write(value, this.length)
    this.length += length
  }

  place(place: Place): void {
    this.u32(place.segment)
    this.u32(place.offset)
    this.u32(place.index)
  }

  raw(bytes: Buffer): void {
    bytes.copy(this.#room(bytes.length), this.length)
    this.length += bytes.length
  }

  #room(length: number): Buffer {
    if (this.length + length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + length))
      this.bytes.copy(larger, 0, 0, this.length)
      this.bytes = larger
    }
    return this.bytes
  }
}

/** Reads what `Writer` wrote; throws RangeError at the end of the bytes. */
class Reader {
  readonly #bytes: Buffer
  #at = HEADER

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  u32(): number {
    const value = this.#bytes.readUInt32BE(this.#at)
    this.#at += 4
    return value
  }

  f64(): number {
    const value = this.#bytes.readDoubleBE(this.#at)
    this.#at += 8
    return value
  }

  text(): string {
    const length = this.u32()
    const value = this.#bytes.toString('utf8', this.#at, this.#at + length)
    this.#at += length
    return value
  }

  place(): Place {
    return { segment: this.u32(), offset: this.u32(), index: this.u32() }
  }

  list<T>(read: () => T): T[] {
    const count = this.u32()
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read())
    return items
  }
}

export function encodeCheckpoint(checkpoint: TopicCheckpoint): Buffer {
  let room = 4096
  for (const { held, records = NO_RECORDS } of checkpoint.channels)
    room += records.length + held.length * HELD_LENGTH
  const writer = new Writer(room)
  writer.u32(checkpoint.segments.length)
  for (const { number, count, size } of checkpoint.segments) {
    writer.u32(number)
    writer.u32(count)
    writer.u32(size)
  }
  writer.place(checkpoint.distributed)
  writer.u32(checkpoint.channels.length)
  for (const { name, cursor, skips, held, records = NO_RECORDS } of checkpoint.channels) {
    writer.text(name)
    writer.place(cursor)
    writer.u32(skips.length)
    for (const { from, to } of skips) {
      writer.place(from)
      writer.place(to)
    }
    writer.u32(records.length / HELD_LENGTH + held.length)
    writer.raw(records)
    for (const message of held) {
      writer.u32(message.idSegment)
      writer.u32(message.idIndex)
      writer.u32(message.segment)
      writer.u32(message.offset)
      writer.u32(message.attempts)
      writer.f64(message.dueMs)
    }
  }
  const bytes = writer.bytes.subarray(0, writer.length)
  MAGIC.copy(bytes)
  bytes.writeUInt32BE(crc32(bytes.subarray(HEADER)), MAGIC.length)
  bytes.writeUInt32BE(bytes.length - HEADER, MAGIC.length + 4)
  return bytes
}

/** Undefined when these bytes are no whole checkpoint. */
export function decodeCheckpoint(bytes: Buffer): TopicCheckpoint | undefined {
  try {
    return decode(bytes)
  } catch (error) {
    // The checksum is right, and yet there is less than its counts say: no nsqd has written that.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function decode(bytes: Buffer): TopicCheckpoint | undefined {
  if (bytes.length < HEADER) return undefined
  const magic = bytes.subarray(0, MAGIC.length)
  const isFirst = magic.equals(FIRST_MAGIC)
  if (!isFirst && !magic.equals(MAGIC)) return undefined
  if (bytes.readUInt32BE(MAGIC.length + 4) !== bytes.length - HEADER) return undefined
  if (bytes.readUInt32BE(MAGIC.length) !== crc32(bytes.subarray(HEADER))) return undefined
  const reader = new Reader(bytes)
  const skips = (): Skipped[] => reader.list(() => ({ from: reader.place(), to: reader.place() }))
  const segments = reader.list(() => ({ number: reader.u32(), count: reader.u32(), size: reader.u32() }))
  const distributed = reader.place()
  const forAll = isFirst ? skips() : []
  return {
    segments,
    distributed,
    channels: reader.list(() => ({
      name: reader.text(),
      cursor: reader.place(),
      skips: isFirst ? forAll : skips(),
      held: reader.list(() => ({
        idSegment: reader.u32(),
        idIndex: reader.u32(),
        segment: reader.u32(),
        offset: reader.u32(),
        attempts: reader.u32(),
        dueMs: reader.f64(),
      })),
    })),
  }
}

/**
 * Reads a topic's checkpoint: `missing` when there is none, `damaged` when it cannot be used (every message still in
 * the log is then delivered again).
 */
export function readCheckpoint(directory: string): TopicCheckpoint | 'missing' | 'damaged' {
  try {
    return decodeCheckpoint(readFileSync(join(directory, FILE_NAME))) ?? 'damaged'
  } catch (error) {
    if (isMissing(error)) return 'missing'
    throw error
  }
}

/** Removes checkpoints that a process which was killed has left half written. */
export function removeCheckpointLitter(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`${FILE_NAME}.`) && name.endsWith('.tmp')) {
      rmSync(join(directory, name), { force: true })
    }
  }
}

export interface CheckpointOptions {
  /** It must survive a power cut, which takes much longer. */
  readonly durable?: boolean
  /** Asked once it is written down: whether it is still wanted, or a newer one is to come in its place. */
  readonly wanted?: () => boolean
}

/** Of this process. A topic that is deleted and made again has two that write into one folder. */
let writes = 0

/** In the background: a file system may begin to write what was in the file, which takes long for a thousand topics. */
function renameLater(from: string, to: string): Promise<void> {
  return new Promise((resolve, reject) => {
    rename(from, to, error => (error === null ? resolve() : reject(error)))
  })
}

/** Replaces the checkpoint in one step, in the background. */
export async function writeCheckpoint(
  directory: string,
  bytes: Buffer,
  { durable = true, wanted = () => true }: CheckpointOptions = {},
): Promise<void> {
  const path = join(directory, FILE_NAME)
  const temporary = `${path}.${++writes}.tmp`
  try {
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      if (durable) await file.datasync()
    } finally {
      await file.close()
    }
    // Asked as late as can be. Who is deleted from now on takes the file with its folder, and nothing is left to rename.
    if (!wanted()) {
      await rm(temporary, { force: true })
      return
    }
    await renameLater(temporary, path)
    // What the older one refers to may be deleted now: it must not come back.
    if (durable) await syncFolderLater(directory)
  } catch (error) {
    // A disk that refuses may refuse this, too; the next start removes it.
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
}
