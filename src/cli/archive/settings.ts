import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { FileNames, hostIdentifier } from '../../archive/file-name.ts'
import { isS3Url, parseS3Endpoint, parseS3Url } from '../../archive/s3/url.ts'
import type { FramingName } from '../../archive/record-format.ts'
import { compileStrftime } from '../../archive/strftime.ts'
import type { Compression } from '../../archive/compression.ts'
import { LogLevel, parseLevel } from '../../util/logger.ts'
import type { OptionValues } from '../../util/option.ts'
import type { Context } from '../command.ts'
import type { ArchiveOptions } from '../commands/archive.ts'
import { UsageError } from '../errors.ts'
import { checkChannel } from '../names.ts'

/** What this command is called as when its defaults are the official ones. */
const OFFICIAL_NAME = 'nsq_to_file'
const REVISION = '<REV>'

type Options = OptionValues<ArchiveOptions>

/** Where files go, and where they are until they are complete. */
export type Place =
  | { readonly kind: 'in place'; readonly path: string }
  | { readonly kind: 'folder'; readonly path: string; readonly workPath: string }
  | {
      readonly kind: 's3'
      readonly url: string
      readonly endpoint: string | undefined
      readonly spoolPath: string | undefined
    }

/** What the flags come to, once they have been checked. */
export interface ArchiveSettings {
  readonly channel: string
  readonly place: Place
  readonly framing: FramingName
  readonly compression: { readonly name: Compression['name']; readonly level: number | undefined }
  /** What `<HOST>` is. */
  readonly host: string
  /** The names of a topic's files. */
  readonly names: (topic: string) => FileNames
  /** Whether files of several topics have different names. */
  readonly namesTopics: boolean
  readonly isPartitioned: boolean
  readonly keepsEmptyFiles: boolean
  readonly finishAfter: 'durable' | 'delivered'
  readonly maxInFlight: number
  /** Whether it is to end by itself: then no trouble is waited out. */
  readonly hasEnd: boolean
  readonly logLevel: number
  readonly logPrefix: string
}

/** @throws UsageError for flags that do not go together, and values that mean nothing */
export function archiveSettings({
  program,
  options,
}: Pick<Context<ArchiveOptions>, 'program' | 'options'>): ArchiveSettings {
  const isOfficial = program === OFFICIAL_NAME
  checkChannel(options.channel)
  const place = choosePlace(options, isOfficial)
  const compression = chooseCompression(options)
  const framing = chooseFraming(options)
  const needsRevision = whyRevision(options, place, compression.name)
  if (needsRevision !== undefined && !options.filenameFormat.includes(REVISION)) {
    throw new UsageError(
      `--filename-format has no ${REVISION}, and with ${needsRevision} there may be several files of one name`,
      `Write ${REVISION} where a number may stand: <TOPIC>.<HOST>${REVISION}.<DATETIME>.log.`,
    )
  }
  const host = named('--host-identifier', () => hostIdentifier(options.hostIdentifier, hostname()))
  const names = fileNames(options, {
    host,
    usesRevision: needsRevision !== undefined,
    compression: compression.name,
  })
  const { isPartitioned } = names('topic')
  if (options.timeField !== undefined && !isPartitioned) {
    throw new UsageError(
      '--time-field has no effect: --filename-format does not have the time of the message',
      'Write it there as in dt=%Y-%m-%d/<TOPIC>.<HOST><REV>.log.',
    )
  }
  return {
    channel: options.channel,
    place,
    framing,
    compression,
    host,
    names,
    namesTopics: options.filenameFormat.includes('<TOPIC>'),
    isPartitioned,
    keepsEmptyFiles: !options.skipEmptyFiles && place.kind !== 's3' && !isPartitioned,
    finishAfter: place.kind === 's3' && place.spoolPath === undefined ? 'delivered' : 'durable',
    maxInFlight: options.maxInFlight ?? (isOfficial ? 200 : 2500),
    hasEnd: options.untilEmpty || options.maxDuration > 0 || options.maxMessages > 0,
    logLevel: parseLevel(options.logLevel ?? (isOfficial ? 'info' : 'warn')) ?? LogLevel.info,
    logPrefix: options.logPrefix ?? (isOfficial ? '[nsq_to_file] ' : '[archive] '),
  }
}

function choosePlace(options: Options, isOfficial: boolean): Place {
  const { output, outputDir, workDir, spoolDir, s3Endpoint } = options
  if (output !== undefined && outputDir !== undefined) {
    throw new UsageError('--output and --output-dir are two outputs', 'Leave one of them out.')
  }
  for (const [flag, path] of Object.entries({
    '--output': output,
    '--output-dir': outputDir,
    '--work-dir': workDir,
    '--spool-dir': spoolDir,
  })) {
    if (path === '') throw new UsageError(`${flag} is empty`, 'Name a folder: . is the current one.')
  }
  const target = output ?? outputDir ?? (isOfficial ? '/tmp' : '.')
  if (target === '-') {
    throw new UsageError(
      '--output=- is no folder',
      'nsq-ts tail writes to stdout; a folder of that name is ./-.',
    )
  }
  if (isS3Url(target)) {
    if (output === undefined) {
      throw new UsageError(`--output-dir=${target} is no folder`, `Write it as --output=${target}.`)
    }
    if (workDir !== undefined) {
      throw new UsageError(
        '--work-dir is for a folder as the output, not for S3',
        'Files wait for their upload in --spool-dir.',
      )
    }
    named('--output', () => parseS3Url(target))
    return {
      kind: 's3',
      url: target,
      endpoint:
        s3Endpoint === undefined ? undefined : named('--s3-endpoint', () => parseS3Endpoint(s3Endpoint)),
      spoolPath: spoolDir === undefined ? undefined : resolve(spoolDir),
    }
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(target)) {
    throw new UsageError(`--output: "${target}" is neither a folder nor s3://BUCKET/PREFIX`)
  }
  if (spoolDir !== undefined) {
    throw new UsageError(
      '--spool-dir is for S3: the output is a folder',
      'Files are written in --work-dir until they are complete, if you give one.',
    )
  }
  if (s3Endpoint !== undefined) {
    throw new UsageError(
      '--s3-endpoint is for S3: the output is a folder',
      'Name a bucket, --output=s3://BUCKET/PREFIX, or leave the endpoint (NSQ_S3_ENDPOINT) out.',
    )
  }
  const path = resolve(target)
  const workPath = workDir === undefined ? path : resolve(workDir)
  return workPath === path ? { kind: 'in place', path } : { kind: 'folder', path, workPath }
}

function chooseCompression(options: Options): ArchiveSettings['compression'] {
  const { gzip, gzipLevel, zstd, zstdLevel } = options
  if (gzip && zstd) throw new UsageError('--gzip and --zstd exclude each other', 'Leave one of them out.')
  if (zstdLevel !== undefined && !zstd) {
    throw new UsageError('--zstd-level is for --zstd, which is not on', 'Give --zstd with it.')
  }
  if (gzip) return { name: 'gzip', level: gzipLevel }
  return zstd ? { name: 'zstd', level: zstdLevel } : { name: 'none', level: undefined }
}

function chooseFraming({ outputFormat, escape }: Options): FramingName {
  if (!escape) return outputFormat
  if (outputFormat === 'lines') return 'escaped'
  throw new UsageError(
    `--escape is for lines: --output-format=${outputFormat} keeps newlines as they are`,
    'Leave --escape out.',
  )
}

/** What makes several files of one name: that is what the official tool wants <REV> for, and what we add to it. */
function whyRevision(options: Options, place: Place, compression: Compression['name']): string | undefined {
  if (place.kind === 's3') return '--output=s3://…'
  if (compression !== 'none') return `--${compression}`
  if (options.rotateSize > 0) return '--rotate-size'
  if (options.rotateInterval > 0) return '--rotate-interval'
  if (place.kind === 'folder') return '--work-dir'
  return options.manifest ? '--manifest' : undefined
}

const EXTENSIONS = { none: '', gzip: '.gz', zstd: '.zst' } as const satisfies Record<
  Compression['name'],
  string
>

function fileNames(
  { filenameFormat: format, datetimeFormat }: Options,
  {
    host,
    usesRevision,
    compression,
  }: { host: string; usesRevision: boolean; compression: Compression['name'] },
): (topic: string) => FileNames {
  // By itself, so that what is wrong with it is said with its name.
  named('--datetime-format', () => compileStrftime(datetimeFormat, 'local'))
  const extension = EXTENSIONS[compression]
  return topic =>
    named(
      '--filename-format',
      () => new FileNames({ format, datetimeFormat, topic, host, pid: process.pid, usesRevision, extension }),
    )
}

function named<T>(flag: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`${flag}: ${error.message}`)
    throw error
  }
}
