import { readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { type ArchiveFiles, FolderFiles, MissingFile } from '../../archive/archive-files.ts'
import { type Compression, loadCompression } from '../../archive/compression.ts'
import { systemCode } from '../../archive/errors.ts'
import type { ListedPart } from '../../archive/manifest-line.ts'
import type { FramingName } from '../../archive/record-format.ts'
import { isS3Url } from '../../archive/s3/url.ts'
import { isHidden, isManifest, readManifests } from '../../archive/verify.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { formatMoment } from '../../util/moment.ts'
import { UsageError } from '../errors.ts'
import { checkTopic } from '../names.ts'
import { guess } from './guess.ts'

/** From `since` on and before `until`, in milliseconds since 1970. */
export interface Range {
  readonly since: number
  readonly until: number
}

export const ALWAYS: Range = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY }

/** A file to be replayed. */
export interface Part {
  /** As the user knows it: a path, or `s3://bucket/key`. */
  readonly location: string
  readonly files: ArchiveFiles
  readonly name: string
  readonly framing: FramingName
  readonly compression: Compression
  /** Where its messages go; undefined: each of its records names its own topic. */
  readonly topic: string | undefined
  /** Whether its messages are to be looked at one by one, as some of them may be of another time. */
  readonly isTimed: boolean
  /** What a manifest says of it. */
  readonly listed: ListedPart | undefined
}

export interface FindOptions {
  readonly topic: string | undefined
  readonly range: Range
  /** Of files that no manifest lists. */
  readonly framing: FramingName | undefined
  readonly s3Endpoint: string | undefined
  readonly signal: AbortSignal
  /** Something that a person should know. */
  readonly note: (text: string) => void
  /** Something that is wrong with the archive. */
  readonly problem: (location: string, text: string) => void
}

interface Candidate {
  readonly location: string
  readonly files: ArchiveFiles
  readonly name: string
  readonly listed: ListedPart | undefined
}

/** Finds out what files there are, and what is in them. */
export class PartFinder {
  readonly #options: FindOptions
  readonly #opened: ArchiveFiles[] = []
  /** Of the folders of files that are named one by one. */
  readonly #folders = new Map<string, { files: ArchiveFiles; listed: ReadonlyMap<string, ListedPart> }>()

  constructor(options: FindOptions) {
    this.#options = options
  }

  /**
   * The files of these names, in their order; of a folder in that of their messages, where manifests tell. Each once.
   *
   * @throws UsageError, NsqError for what cannot be found, or not be told apart: then nothing is to be published
   */
  async find(names: readonly string[]): Promise<Part[]> {
    const parts = new Map<string, Part>()
    for (const name of names) {
      for (const candidate of await this.#candidates(name)) {
        this.#options.signal.throwIfAborted()
        const { location } = candidate
        // A path may be written in several ways.
        const key = isS3Url(location) ? location : resolve(location)
        if (parts.has(key) || this.#isOutside(candidate)) continue
        parts.set(key, await this.#describe(candidate))
      }
    }
    return [...parts.values()]
  }

  close(): void {
    for (const files of this.#opened) files.close()
  }

  async #candidates(name: string): Promise<Candidate[]> {
    if (isS3Url(name)) return this.#inS3(name)
    if (this.#options.s3Endpoint !== undefined) {
      throw new UsageError(
        `--s3-endpoint is for S3, and ${name} is not there`,
        'Name a bucket, s3://BUCKET/PREFIX, or leave the endpoint (NSQ_S3_ENDPOINT) out.',
      )
    }
    if (await isFolder(name)) {
      const files = new FolderFiles(name)
      return this.#all(files, await namesOf(files))
    }
    if (isManifest(name)) return []
    const { files, listed } = await this.#folder(dirname(name))
    const file = basename(name)
    return [{ location: name, files, name: file, listed: listed.get(file) }]
  }

  /** A place of several objects, or one object. */
  async #inS3(url: string): Promise<Candidate[]> {
    const files = await this.#openS3(url)
    const names = await namesOf(files)
    if (names.length > 0) return this.#all(files, names)
    const slash = url.replace(/\/+$/, '').lastIndexOf('/')
    const name = url.slice(slash + 1)
    if (slash <= 's3://'.length || name === '') return []
    return [{ location: url, files: await this.#openS3(url.slice(0, slash)), name, listed: undefined }]
  }

  async #openS3(url: string): Promise<ArchiveFiles> {
    const { S3Files } = await import('../../archive/s3/s3-files.ts')
    try {
      const files = await S3Files.open({ url, endpoint: this.#options.s3Endpoint })
      this.#opened.push(files)
      return files
    } catch (error) {
      if (error instanceof RangeError) throw new UsageError(error.message)
      throw error
    }
  }

  /** Where there are manifests, what they list: the rest may still be growing. */
  async #all(files: ArchiveFiles, names: readonly string[]): Promise<Candidate[]> {
    const listed = await this.#listed(files, names.filter(isManifest))
    const others = names.filter(name => !listed.has(name) && !isManifest(name) && !isHidden(name)).sort()
    const candidate = (name: string): Candidate => ({
      location: locationOf(files, name),
      files,
      name,
      listed: listed.get(name),
    })
    if (listed.size === 0) return others.map(candidate)
    if (others.length > 0) {
      const which = others.length === 1 ? 'it' : 'them'
      this.#options.note(
        `left out, as no manifest lists ${which}: ${others.slice(0, 10).join(', ')}` +
          (others.length > 10 ? ` and ${others.length - 10} more` : ''),
      )
    }
    return [...listed.values()].sort(byTime).map(({ file }) => candidate(file))
  }

  async #folder(path: string): Promise<{ files: ArchiveFiles; listed: ReadonlyMap<string, ListedPart> }> {
    let found = this.#folders.get(path)
    if (found === undefined) {
      const files = new FolderFiles(path)
      // Not those in folders below, which may be many.
      const names = await readdir(path).catch((error: unknown) => {
        throw unreadable(path, error)
      })
      found = { files, listed: await this.#listed(files, names.filter(isManifest)) }
      this.#folders.set(path, found)
    }
    return found
  }

  async #listed(files: ArchiveFiles, manifests: readonly string[]): Promise<ReadonlyMap<string, ListedPart>> {
    const { problem } = this.#options
    const listed = new Map<string, ListedPart>()
    const all = await readManifests(files, [...manifests].sort(), {
      found: () => {},
      badManifest: (manifest, text) => problem(locationOf(files, manifest), text),
      tornManifest: () => {},
    })
    for (const [manifest, part] of all.values()) {
      if (!listed.has(part.file)) listed.set(part.file, part)
      else problem(locationOf(files, manifest), `it says something else of ${part.file} than another one`)
    }
    return listed
  }

  /** Whether all of its messages are of another time. */
  #isOutside({ listed }: Candidate): boolean {
    const { since, until } = this.#options.range
    return (listed?.to ?? since) < since || (listed?.from ?? since) >= until
  }

  async #describe({ location, files, name, listed }: Candidate): Promise<Part> {
    const { range, topic, signal } = this.#options
    const { framing, compression } = listed ?? (await this.#guess(location, files, name))
    const isInside =
      range === ALWAYS ||
      (listed?.from !== undefined &&
        listed.to !== undefined &&
        listed.from >= range.since &&
        listed.to < range.until)
    if (!isInside && framing !== 'jsonl') throw untimed(location, framing, listed)
    const target = topic ?? (framing === 'jsonl' ? undefined : listed?.topic)
    if (target !== undefined) checkTopic(target)
    else if (framing !== 'jsonl') {
      throw new UsageError(
        `--topic is missing: no manifest says where the messages of ${location} belong`,
        'Say where to publish them: --topic=NAME.',
      )
    }
    signal.throwIfAborted()
    return {
      location,
      files,
      name,
      framing,
      compression: await loadCompression(compression),
      topic: target,
      isTimed: !isInside,
      listed,
    }
  }

  async #guess(
    location: string,
    files: ArchiveFiles,
    name: string,
  ): Promise<{ framing: FramingName; compression: Compression['name'] }> {
    const { framing } = this.#options
    const guessed = await guess(files, name).catch((error: unknown) => {
      throw error instanceof NsqError ? error : unreadable(location, error)
    })
    const known = framing ?? guessed.framing
    if (known !== undefined) return { ...guessed, framing: known }
    throw new UsageError(
      `${location} is not of lines, and no manifest says of what`,
      'Say how its messages are told apart: --input=length.',
    )
  }
}

/** Whether it is a folder, and not a file. */
async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  if (found.isDirectory()) return true
  if (found.isFile()) return false
  // Its first bytes are looked at to see what it is, and from a pipe they do not come a second time.
  throw new NsqError('E_ARCHIVE_READ', `cannot read ${path}: it is neither a file nor a folder`, {
    remedy: 'Write what comes from a pipe to a file first; or publish lines as they come: nsq-ts pub.',
  })
}

async function namesOf(files: ArchiveFiles): Promise<string[]> {
  const names: string[] = []
  for await (const name of files.list()) names.push(name)
  return names
}

function locationOf({ location }: ArchiveFiles, name: string): string {
  return isS3Url(location) ? `${location}/${name}` : join(location, name)
}

function byTime(a: ListedPart, b: ListedPart): number {
  if (a.from !== undefined && b.from !== undefined && a.from !== b.from) return a.from - b.from
  return a.file < b.file ? -1 : 1
}

function unreadable(path: string, error: unknown): NsqError {
  const isMissing = error instanceof MissingFile || systemCode(error) === 'ENOENT'
  const why = isMissing ? 'there is no such file' : errorText(error)
  return new NsqError('E_ARCHIVE_READ', `cannot read ${path}: ${why}`, { cause: error })
}

function untimed(location: string, framing: FramingName, listed: ListedPart | undefined): NsqError {
  const { from, to } = listed ?? {}
  const spans =
    from === undefined || to === undefined ? '' : `, from ${formatMoment(from)} to ${formatMoment(to)}`
  return new NsqError(
    'E_REPLAY_TIME',
    `${location} cannot be taken apart by --since and --until: messages archived as ${framing} have no time of their own${spans}`,
    {
      remedy:
        'Leave the times out, or choose them so that the whole file is in or out. ' +
        'archive --output-format=jsonl keeps the time of each message.',
    },
  )
}
