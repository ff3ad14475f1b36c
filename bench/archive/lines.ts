/** What archive is measured in, as data. */
import type { Aims } from '../finding.ts'

/** A process that archives: ours or the official one, or the least that does as much. */
export interface ArchiveSetting {
  readonly archive: 'ours' | 'official' | 'bare'
  readonly maxInFlight: number
}

export interface ArchiveLine {
  readonly name: string
  readonly what: string
  /** Flags of ours. */
  readonly flags: readonly string[]
  /** Flags of the official tool; undefined where it has no such thing. */
  readonly officialFlags: readonly string[] | undefined
  /** Whether the ceiling compresses. */
  readonly gzip: boolean
  /** Of 1000 messages in flight. */
  readonly aims?: Aims
}

export interface ArchiveMemoryLine {
  readonly name: string
  readonly what: string
  readonly flags: readonly string[]
  readonly messages: number
}

export const ARCHIVE_BODY_LENGTH = 190
/** Messages of the backlog. */
export const ARCHIVE_MESSAGES = 300_000
export const IN_FLIGHT = [200, 1000, 2500]

export const ARCHIVE_LINES: readonly ArchiveLine[] = [
  {
    name: 'archive-lines',
    what: 'archive: lines',
    flags: [],
    officialFlags: [],
    gzip: false,
    aims: { ours: 300_000 },
  },
  {
    name: 'archive-gzip',
    what: 'archive: lines, gzip',
    flags: ['--gzip'],
    officialFlags: ['--gzip'],
    gzip: true,
    aims: { ours: 150_000 },
  },
  {
    name: 'archive-zstd',
    what: 'archive: lines, zstd',
    flags: ['--zstd'],
    officialFlags: undefined,
    gzip: false,
  },
  {
    name: 'archive-jsonl',
    what: 'archive: jsonl',
    flags: ['--output-format=jsonl'],
    officialFlags: undefined,
    gzip: false,
  },
]

export const ARCHIVE_MEMORY_LINES: readonly ArchiveMemoryLine[] = [
  {
    name: 'archive-memory',
    what: 'archive: 10,000,000 messages',
    flags: ['--rotate-size=100000000'],
    messages: 10_000_000,
  },
]
