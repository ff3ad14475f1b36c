import { createHash } from 'node:crypto'
import { errorText, NsqError } from '../util/errors.ts'
import { type ArchiveFiles, MissingFile } from './archive-files.ts'
import { loadCompression } from './compression.ts'
import { type ListedPart, MANIFEST_SUFFIX, readManifest } from './manifest-line.ts'
import { readRecords } from './reader.ts'

/**
 * - `missing`: it is not there
 * - `unreadable`: reading it failed
 * - `bytes`, `sha256`: not so many, not these
 * - `damaged`: it does not decompress, or does not end where a message does
 * - `messages`: another number of them
 */
export type ProblemName = 'missing' | 'unreadable' | 'bytes' | 'sha256' | 'damaged' | 'messages'

export interface Problem {
  readonly name: ProblemName
  /** For people. */
  readonly text: string
}

/** What was found of a part that a manifest lists. */
export interface PartFinding extends ListedPart {
  /** The manifest that lists it. */
  readonly manifest: string
  readonly problems: readonly Problem[]
}

export interface VerifyEvents {
  /** In no particular order, and before the part is read: for progress. */
  found(parts: number, bytes: number): void
  part(finding: PartFinding): void
  /** So many bytes more were read. */
  read(bytes: number): void
  /** What a manifest says cannot be understood, or not be read. */
  badManifest(manifest: string, text: string): void
  /** The last line of this manifest is torn: the run died while it was written. Its part, if it was one, is `unlisted`. */
  tornManifest(manifest: string): void
  /** A file that is in no manifest: one that is being written, or of a run without a manifest. */
  unlisted(name: string): void
}

/** Parts that are read at a time: the next ones come while one is decompressed. */
const AT_ONCE = 4
/** A thousand lines are far less. */
const MOST_MANIFEST_BYTES = 64 * 1024 * 1024

/**
 * Compares an archive with its manifests, those in folders below it included. Memory depends on the number of files, not
 * on their size.
 *
 * @throws NsqError `E_ARCHIVE_MANIFEST` when there is none; `E_ARCHIVE_READ` or S3Error when it cannot be listed; `E_ZSTD`;
 * the reason of `signal` when that is aborted
 */
export async function verifyArchive(
  files: ArchiveFiles,
  events: VerifyEvents,
  signal: AbortSignal,
): Promise<void> {
  const names = new Set<string>()
  for await (const name of files.list()) {
    signal.throwIfAborted()
    names.add(name)
  }
  const manifests = [...names].filter(isManifest).sort()
  if (manifests.length === 0) throw noManifest(files.location)
  const listed = await readManifests(files, manifests, events)
  await checkAll(listed, files, events, signal)
  const parts = new Set(Array.from(listed.values(), ([, { file }]) => file))
  for (const name of [...names].sort()) {
    if (!parts.has(name) && !isManifest(name) && !isHidden(name)) events.unlisted(name)
  }
}

type Listed = Map<string, readonly [manifest: string, part: ListedPart]>

/**
 * What manifests list, by name from where the files are. A part that is listed twice, as after a crash between its line and
 * what comes next, is there once, if both agree.
 */
export async function readManifests(
  files: ArchiveFiles,
  manifests: readonly string[],
  events: Pick<VerifyEvents, 'found' | 'badManifest' | 'tornManifest'>,
): Promise<Listed> {
  const listed: Listed = new Map()
  let bytes = 0
  for (const manifest of manifests) {
    try {
      const { parts, problems, isTorn } = readManifest(await readSmall(files, manifest))
      for (const problem of problems) events.badManifest(manifest, problem)
      if (isTorn) events.tornManifest(manifest)
      const folder = manifest.slice(0, manifest.lastIndexOf('/') + 1)
      for (const part of parts) {
        const below = { ...part, file: folder + part.file }
        const key = JSON.stringify(below)
        if (listed.has(key)) continue
        listed.set(key, [manifest, below])
        bytes += part.bytes
      }
    } catch (error) {
      events.badManifest(manifest, errorText(error))
    }
  }
  events.found(listed.size, bytes)
  return listed
}

async function readSmall(files: ArchiveFiles, name: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of files.read(name)) {
    length += chunk.length
    if (length > MOST_MANIFEST_BYTES) throw new RangeError('it is too large for a manifest')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A few at a time. Rejects when all that were begun have ended. */
async function checkAll(
  listed: Listed,
  files: ArchiveFiles,
  events: VerifyEvents,
  signal: AbortSignal,
): Promise<void> {
  const waiting = listed.values()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    for (const [manifest, part] of waiting) {
      if (signal.aborted || failures.length > 0) return
      try {
        events.part({ ...part, manifest, problems: await checkPart(files, part, events, signal) })
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (failures.length > 0) throw failures[0]
  signal.throwIfAborted()
}

/** Reads a part to its end, whatever is wrong with it, so that all is told at once. */
async function checkPart(
  files: ArchiveFiles,
  part: ListedPart,
  events: VerifyEvents,
  signal: AbortSignal,
): Promise<Problem[]> {
  const problems: Problem[] = []
  const hash = createHash('sha256')
  let bytes = 0
  const source = files.read(part.file)
  const input: AsyncIterable<Buffer> = {
    // Without a way to end it early: when decompressing fails, the rest still belongs to the checksum.
    [Symbol.asyncIterator]: () => ({
      next: async () => {
        signal.throwIfAborted()
        const result = await source.next()
        if (result.done === true) return result
        hash.update(result.value)
        bytes += result.value.length
        events.read(result.value.length)
        return result
      },
    }),
  }
  try {
    const damage = await checkRecords(input, part)
    if (damage !== undefined) problems.push(damage)
    for await (const _ of input);
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof NsqError && error.code === 'E_ZSTD') throw error
    if (error instanceof MissingFile) return [{ name: 'missing', text: 'it is not there' }]
    return [{ name: 'unreadable', text: errorText(error) }]
  } finally {
    await source.return(undefined)
  }
  if (bytes !== part.bytes) {
    problems.unshift({ name: 'bytes', text: `it has ${bytes} bytes, not ${part.bytes}` })
  } else if (hash.digest('hex') !== part.sha256) {
    problems.unshift({ name: 'sha256', text: 'its bytes are not those that were written (sha256)' })
  }
  return problems
}

async function checkRecords(
  input: AsyncIterable<Buffer>,
  { framing, compression, messages }: ListedPart,
): Promise<Problem | undefined> {
  let records = 0
  try {
    const codec = await loadCompression(compression)
    for await (const batch of readRecords(input, framing, codec)) records += batch.length
  } catch (error) {
    if (!(error instanceof NsqError && error.code === 'E_ARCHIVE_DAMAGED')) throw error
    return { name: 'damaged', text: `it cannot be read to its end: ${error.message}` }
  }
  // A message with newlines in it is several lines where they are not escaped.
  if (framing === 'lines' ? records >= messages : records === messages) return undefined
  const what = framing === 'lines' ? 'lines' : 'messages'
  return { name: 'messages', text: `it has ${records} ${what}, for ${messages} messages` }
}

export function isManifest(name: string): boolean {
  return name.endsWith(MANIFEST_SUFFIX)
}

/** Files that are on their way. */
export function isHidden(name: string): boolean {
  return name.slice(name.lastIndexOf('/') + 1).startsWith('.')
}

function noManifest(location: string): NsqError {
  return new NsqError('E_ARCHIVE_MANIFEST', `there is no manifest in ${location}`, {
    remedy: `They are the files *${MANIFEST_SUFFIX}, which archive writes when it is given --manifest.`,
  })
}
