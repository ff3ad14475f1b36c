import { readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Archiver } from '../../src/archive/archiver.ts'
import type { ArchiverEvents, ArchiverOptions } from '../../src/archive/archiver-options.ts'
import { loadCompression, type Compression } from '../../src/archive/compression.ts'
import type { Delivered, Destination, SealedPart } from '../../src/archive/destination.ts'
import { FileNames, type FileNameOptions } from '../../src/archive/file-name.ts'
import { FolderDestination, InPlace } from '../../src/archive/folder-destination.ts'
import type { Manifest } from '../../src/archive/manifest.ts'
import type { ArchivedMessage } from '../../src/archive/message.ts'
import { messageTime } from '../../src/archive/message-time.ts'
import { PartFolder } from '../../src/archive/part-folder.ts'
import { readRecords } from '../../src/archive/reader.ts'
import { recordFormat, type FramingName } from '../../src/archive/record-format.ts'
import type { NsqError } from '../../src/util/errors.ts'
import { until } from '../support/wait.ts'

/** A message that remembers how it was answered. */
export class FakeMessage implements ArchivedMessage {
  readonly topic = 't'
  readonly nsqd = '127.0.0.1:4150'
  readonly attempts = 1
  readonly id: string
  readonly timestamp: bigint
  readonly body: Buffer
  isLive = true
  isFinished = false
  /** What `requeue` was called with. */
  requeued: unknown[] | undefined

  constructor(body: string, timestampMs = 1_700_000_000_000) {
    this.id = body.padStart(16, '0').slice(-16)
    this.body = Buffer.from(body)
    this.timestamp = BigInt(timestampMs) * 1_000_000n
  }

  get isAnswered(): boolean {
    return this.isFinished || this.requeued !== undefined
  }

  finish(): boolean {
    if (this.isAnswered) throw new Error(`${this.id} was answered before`)
    this.isFinished = this.isLive
    return this.isLive
  }

  requeue(...given: unknown[]): boolean {
    if (this.isAnswered) throw new Error(`${this.id} was answered before`)
    this.requeued = given
    return this.isLive
  }
}

/** `count` messages, each with its number. */
export function numbered(count: number, from = 0, pad = 0): FakeMessage[] {
  return Array.from({ length: count }, (_, i) => new FakeMessage(`message ${from + i}`.padEnd(pad, '.')))
}

/** What archivers and folders have said. */
export class Log implements ArchiverEvents {
  readonly lines: string[] = []
  readonly warnings: NsqError[] = []
  readonly parts: SealedPart[] = []
  readonly finishedIds: string[] = []
  readonly unfinishedIds: string[] = []

  opened = (path: string, isContinued: boolean): void => {
    this.lines.push(`${isContinued ? 'continued' : 'opened'} ${base(path)}`)
  }
  delivered = (part: SealedPart, { name }: Delivered): void => {
    this.parts.push(part)
    this.lines.push(`delivered ${name}`)
  }
  recovered = (path: string, outcome: string, cutBytes: number): void => {
    this.lines.push(`${outcome} ${base(path)}, ${cutBytes} cut`)
  }
  finished = (messages: readonly ArchivedMessage[], unfinished: readonly ArchivedMessage[]): void => {
    this.finishedIds.push(...messages.map(({ id }) => id))
    this.unfinishedIds.push(...unfinished.map(({ id }) => id))
  }
  givenBack = (messages: number, error: NsqError): void => {
    this.lines.push(`gave back ${messages}: ${error.code}`)
  }
  warned = (error: NsqError): void => {
    this.warnings.push(error)
  }
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export interface Given {
  /** Where the archive is. */
  output: string
  /** Where files are written, if not there. */
  work?: string
  destination?: Destination
  openDestination?: (id: string) => Promise<Destination>
  manifest?: Manifest
  names?: Partial<FileNameOptions>
  framing?: FramingName
  compression?: Compression['name']
  options?: Partial<ArchiverOptions>
}

/** An archiver of a topic in a folder; closed when the test ends. */
export interface Archive {
  readonly archiver: Archiver
  readonly folder: PartFolder
  readonly destination: Destination
  readonly log: Log
}

export function namesOf({ names, compression = 'none' }: Pick<Given, 'names' | 'compression'>): FileNames {
  const extension = compression === 'gzip' ? '.gz' : compression === 'zstd' ? '.zst' : ''
  return new FileNames({
    format: '<TOPIC><REV>.log',
    datetimeFormat: '%Y',
    topic: 't',
    host: 'h',
    pid: 1,
    usesRevision: true,
    extension,
    ...names,
  })
}

export async function openFolder(given: Given, log: Log): Promise<PartFolder> {
  return PartFolder.open({
    path: given.work ?? given.output,
    openDestination: given.openDestination ?? (id => FolderDestination.reopen(id)),
    events: log,
  })
}

export async function openArchive(t: TestContext, given: Given): Promise<Archive> {
  const log = new Log()
  const folder = await openFolder(given, log)
  const destination =
    given.destination ??
    (given.work === undefined ? new InPlace(folder.path) : await FolderDestination.open(given.output))
  const archiver = await Archiver.open({
    topic: 't',
    channel: 'c',
    names: namesOf(given),
    format: recordFormat(given.framing ?? 'lines'),
    compression: await loadCompression(given.compression ?? 'none'),
    messageMs: message => messageTime().ms(message),
    folder,
    destination,
    manifest: given.manifest,
    finishAfter: 'durable',
    commitAt: 1000,
    isStarved: () => false,
    syncIntervalMs: 60_000,
    rotateBytes: 0,
    rotateIntervalMs: 0,
    keepsEmptyFiles: false,
    failsAtOnce: false,
    events: log,
    ...given.options,
  })
  t.after(async () => {
    await archiver.close()
    await folder.close()
  })
  return { archiver, folder, destination, log }
}

/** Adds messages, and waits until they are answered. */
export async function archive({ archiver }: Archive, messages: readonly FakeMessage[]): Promise<void> {
  for (const message of messages) archiver.add(message)
  await archiver.flush()
}

/** Adds messages in one turn, and waits until they are answered without being asked for. */
export async function answered(messages: readonly FakeMessage[]): Promise<void> {
  await until(
    () => messages.every(({ isAnswered }) => isAnswered),
    () => `${messages.filter(({ isAnswered }) => !isAnswered).length} messages are not answered`,
  )
}

/** Files below a folder, relative to it, without what begins with a dot. */
export function filesIn(path: string): string[] {
  const names: string[] = []
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.name.startsWith('.')) continue
    if (entry.isDirectory())
      names.push(...filesIn(join(path, entry.name)).map(name => `${entry.name}/${name}`))
    else names.push(entry.name)
  }
  return names.sort()
}

/** Everything hidden, in any folder: markers, locks, copies. */
export function hiddenIn(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter(name => /(^|\/)\./.test(name) && !name.endsWith('.nsq-ts'))
    .sort()
}

export function textOf(...path: string[]): string {
  return readFileSync(join(...path), 'utf8')
}

/** The bodies in a file; throws when it is damaged. */
export async function bodiesIn(
  path: string,
  framing: FramingName = 'lines',
  compression: Compression['name'] = 'none',
): Promise<string[]> {
  const bodies: string[] = []
  const file = await open(path)
  const input: AsyncIterable<Buffer> = file.createReadStream()
  for await (const records of readRecords(input, framing, await loadCompression(compression))) {
    for (const record of records) bodies.push(record.toString())
  }
  return bodies
}

export function bodiesOf(messages: readonly FakeMessage[]): string[] {
  return messages.map(({ body }) => body.toString())
}

/** The methods of open files, for tests in which one of them fails. */
export async function fileMethods(path: string): Promise<object> {
  const file = await open(path, 'a+')
  await file.close()
  const methods: unknown = Object.getPrototypeOf(file)
  if (typeof methods !== 'object' || methods === null) throw new Error('files have no methods')
  return methods
}
