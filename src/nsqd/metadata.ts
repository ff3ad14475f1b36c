import {
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MAX_SEGMENT } from '../protocol/message-id.ts'
import { isEphemeral, isValidChannelName, isValidTopicName } from '../protocol/names.ts'
import { isMissing, syncFolderLater, syncFolderNow } from '../storage/folder.ts'
import { errorText, NsqError } from '../util/errors.ts'

const FILE_NAME = 'nsqd.dat'
/** The last state that was synced. `nsqd.dat` itself is written without waiting for the disk: a power cut may tear it. */
const SYNCED = '.synced'
/** What is kept of a torn file, for a person to look at. */
const BAD = '.bad'

export interface ChannelMetadata {
  name: string
  paused: boolean
}

export interface TopicMetadata extends ChannelMetadata {
  channels: ChannelMetadata[]
}

/** The topics and channels of an nsqd, in the official format and file (`nsqd.dat`), with one field of ours. */
export interface Metadata {
  topics: TopicMetadata[]
  /** Of the nsqd that wrote it. */
  version: string
  /** Segment numbers below this one may have been used; 0 in a file of the official nsqd. */
  segment_reserve: number
}

/**
 * Reads the metadata in a data path; undefined when there is none. A file that a power cut has torn is kept aside, and the
 * state that was synced last taken instead; `warn` is told.
 *
 * @throws NsqError E_METADATA when it is unreadable, or no metadata.
 */
export function loadMetadata(dataPath: string, warn: (text: string) => void): Metadata | undefined {
  const file = join(dataPath, FILE_NAME)
  try {
    return parse(readJson(file) ?? readSynced(file, warn))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new NsqError('E_METADATA', `cannot read the topics and channels in ${file}: ${errorText(error)}`, {
      cause: error,
      remedy:
        'Put a good copy of the file there, or move it away: topics and messages stay, pauses are forgotten.',
    })
  }
}

/** Undefined for a file that is no JSON, as a torn one is not: no end, or zeros where nothing was written. */
function readJson(file: string): unknown {
  const text = readFileSync(file, 'utf8')
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function readSynced(file: string, warn: (text: string) => void): unknown {
  const synced = file + SYNCED
  let value: unknown
  try {
    value = readJson(synced)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
  if (value === undefined) throw new TypeError('it is no JSON')
  warn(
    `${file} was torn, by a power cut most likely${keepBad(file)}; the topics and channels are those of ${synced}: ` +
      'channels, pauses and deletions of the last moment before may be missing',
  )
  return value
}

/** Says where the file is kept, if it is. */
function keepBad(file: string): string {
  try {
    // A copy: who is killed before the next save must find this out again.
    copyFileSync(file, file + BAD)
    return `, and is kept as ${file + BAD}`
  } catch {
    // There is no room, most likely. What a person could see in it is not worth a start.
    return ''
  }
}

/** A state to write, the number of `saveNow`s before it, and the promise that settles when it is written. */
interface Pending {
  metadata: Metadata
  epoch: number
  readonly done: Promise<void>
}

/**
 * Writes the metadata of one data path. A write is atomic: a crash leaves the old file or the new one. Ephemeral topics
 * and channels are left out.
 */
export class MetadataStore {
  readonly #dataPath: string
  readonly #file: string
  /** What is to be written next. */
  #next: Pending | undefined
  #writing: Promise<void> = Promise.resolve()
  /** Counts `saveNow`, so that a slower `save` does not put an older state over it. */
  #epoch = 0
  /** What was written last: not written again. */
  #last: { readonly text: string; readonly durable: boolean } | undefined

  constructor(dataPath: string) {
    this.#dataPath = dataPath
    this.#file = join(dataPath, FILE_NAME)
  }

  /**
   * Resolves when this state, or a later one, is on disk. Calls made while a write is under way become one write.
   * Rejects with NsqError E_METADATA.
   */
  save(metadata: Metadata): Promise<void> {
    if (this.#next) {
      this.#next.metadata = metadata
      this.#next.epoch = this.#epoch
      return this.#next.done
    }
    const next: Pending = {
      metadata,
      epoch: this.#epoch,
      done: this.#writing.then(() => {
        this.#next = undefined
        return next.epoch === this.#epoch ? this.#write(next.metadata, next.epoch) : undefined
      }),
    }
    this.#next = next
    this.#writing = next.done.catch(() => undefined)
    return next.done
  }

  /**
   * Writes before it returns; `durable`: so that it survives a power cut, too, which takes much longer.
   * Throws NsqError E_METADATA.
   */
  saveNow(metadata: Metadata, durable = true): void {
    this.#epoch++
    const text = serialize(metadata)
    if (this.#last?.text === text && (this.#last.durable || !durable)) return
    this.#last = undefined
    const temporary = `${this.#file}.exit.tmp`
    try {
      if (durable) replaceNow(this.#file + SYNCED, temporary, text, true)
      replaceNow(this.#file, temporary, text, false)
      if (durable) syncFolderNow(this.#dataPath)
    } catch (error) {
      removeNow(temporary)
      throw this.#failure(error)
    }
    this.#last = { text, durable }
  }

  /** Resolves when nothing is being written any more: who comes next may write the same files. */
  async settle(): Promise<void> {
    await this.#writing
  }

  async #write(metadata: Metadata, epoch: number): Promise<void> {
    const text = serialize(metadata)
    const temporary = `${this.#file}.tmp`
    const temporarySynced = `${this.#file}${SYNCED}.tmp`
    try {
      const handle = await open(temporarySynced, 'w')
      try {
        await handle.writeFile(text)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await writeFile(temporary, text)
      // Checked and renamed in one go: an asynchronous rename could land after that of a saveNow.
      if (epoch !== this.#epoch) {
        await removeAll(temporary, temporarySynced)
        return
      }
      this.#last = undefined
      renameSync(temporarySynced, this.#file + SYNCED)
      renameSync(temporary, this.#file)
      await syncFolderLater(this.#dataPath)
      if (epoch === this.#epoch) this.#last = { text, durable: true }
    } catch (error) {
      await removeAll(temporary, temporarySynced)
      throw this.#failure(error)
    }
  }

  #failure(error: unknown): NsqError {
    return new NsqError('E_METADATA', `cannot write ${this.#file}: ${errorText(error)}`, {
      cause: error,
      remedy: 'Make room on the disk, and let the user of this process write to the data path.',
    })
  }
}

function replaceNow(file: string, temporary: string, text: string, durable: boolean): void {
  const handle = openSync(temporary, 'w')
  try {
    writeFileSync(handle, text)
    if (durable) fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  renameSync(temporary, file)
}

function removeNow(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch {
    // Left over on a disk that takes nothing; the next write replaces it.
  }
}

async function removeAll(...paths: readonly string[]): Promise<void> {
  for (const path of paths) await rm(path, { force: true }).catch(() => undefined)
}

function serialize({ topics, version, segment_reserve }: Metadata): string {
  const kept = topics
    .filter(topic => !isEphemeral(topic.name))
    .map(({ name, paused, channels }) => ({
      name,
      paused,
      channels: channels.filter(channel => !isEphemeral(channel.name)),
    }))
  return JSON.stringify({ topics: kept, version, segment_reserve })
}

function parse(value: unknown): Metadata {
  const { topics, version, segment_reserve = 0 } = record(value, 'the content')
  // Above that there are no numbers: nsqd would take no message, for ever.
  if (!isCount(segment_reserve) || segment_reserve > MAX_SEGMENT + 1) {
    throw new TypeError(`segment_reserve is not a whole number up to ${MAX_SEGMENT + 1}`)
  }
  return {
    topics: list(topics, 'topics').map(entry => ({
      ...named(entry, isValidTopicName),
      channels: list(record(entry, 'a topic').channels, 'channels').map(channel =>
        named(channel, isValidChannelName),
      ),
    })),
    version: typeof version === 'string' ? version : '',
    segment_reserve,
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function named(value: unknown, isValid: (name: string) => boolean): ChannelMetadata {
  const { name, paused } = record(value, 'an entry')
  if (typeof name !== 'string' || !isValid(name)) throw new TypeError(`${JSON.stringify(name)} is not a name`)
  return { name, paused: paused === true }
}

function record(value: unknown, what: string): Partial<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`${what} is not an object`)
  return { ...value }
}

/** Go writes an empty list as null. */
function list(value: unknown, what: string): readonly unknown[] {
  if (value === null) return []
  if (!Array.isArray(value)) throw new TypeError(`${what} is not a list`)
  return value
}
