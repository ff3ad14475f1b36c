import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Framed } from './archived.ts'
import type { Content } from './numbered.ts'
import { SmallDisk } from '../support/small-disk.ts'
import type { Compressed } from './system-tools.ts'

/** Where a case has its files. */
export interface Places {
  readonly output: string
  readonly work: string
  /** On another file system than the others. */
  readonly elsewhere: string
}

/** A way to archive that crashes are tried on. */
export interface Case {
  readonly name: string
  readonly flags: (places: Places) => readonly string[]
  readonly content: Content
  readonly framing: Framed
  readonly compression: Compressed
  /** Files are written under their final names. */
  readonly isInPlace: boolean
  readonly topics?: readonly string[]
  /** nsqd is killed now and then, too. */
  readonly nsqdCrashes?: true
  /** Mean bytes between two faults of the connection to nsqd. */
  readonly meanBytes?: number
  /** Power cuts are tried on it in the short form, too. */
  readonly hasPowerCuts?: true
  /** Only in the long form. */
  readonly isLong?: true
}

const ELSEWHERE_BYTES = 1024 * 1024 * 1024
const PLAIN = { content: 'text', framing: 'lines', compression: 'none' } as const
const BY_SECOND = ['--filename-format=<TOPIC>.<HOST>.<DATETIME>.log', '--datetime-format=%Y-%m-%d_%H-%M-%S']
const BY_HOUR = '--filename-format=dt=%Y-%m-%d/hour=%H/<TOPIC>.<HOST><REV>.log'

export const CASES: readonly Case[] = [
  {
    name: 'lines, in place, appended to files that are there',
    ...PLAIN,
    isInPlace: true,
    flags: ({ output }) => [`--output-dir=${output}`, ...BY_SECOND],
  },
  {
    name: 'lines, in place, rotated by size and time',
    ...PLAIN,
    isInPlace: true,
    isLong: true,
    flags: ({ output }) => [`--output-dir=${output}`, '--rotate-size=30000', '--rotate-interval=100ms'],
  },
  {
    name: 'gzip, in place, rotated by time, empty files skipped, nsqd killed too',
    ...PLAIN,
    compression: 'gzip',
    isInPlace: true,
    nsqdCrashes: true,
    hasPowerCuts: true,
    flags: ({ output }) => [
      `--output-dir=${output}`,
      '--gzip',
      '--rotate-interval=80ms',
      '--skip-empty-files',
      '--sync-interval=20ms',
    ],
  },
  {
    name: 'gzip, work dir, rotated by size, two topics',
    ...PLAIN,
    compression: 'gzip',
    isInPlace: false,
    topics: ['t', 'u'],
    hasPowerCuts: true,
    flags: ({ output, work }) => [
      `--output-dir=${output}`,
      `--work-dir=${work}`,
      '--gzip',
      '--gzip-level=1',
      '--rotate-size=20000',
      '--skip-empty-files',
    ],
  },
  {
    name: 'zstd, length, work dir on another file system',
    content: 'binary',
    framing: 'length',
    compression: 'zstd',
    isInPlace: false,
    flags: ({ output, elsewhere }) => [
      `--output-dir=${output}`,
      `--work-dir=${elsewhere}`,
      '--zstd',
      '--output-format=length',
      '--rotate-size=40000',
      '--rotate-interval=200ms',
      '--skip-empty-files',
      '--manifest',
    ],
  },
  {
    name: 'jsonl, gzip, in place, partitions by a field, connections cut',
    content: 'text',
    framing: 'jsonl',
    compression: 'gzip',
    isInPlace: true,
    meanBytes: 400_000,
    flags: ({ output }) => [
      `--output-dir=${output}`,
      '--gzip',
      '--output-format=jsonl',
      '--time-field=at',
      BY_HOUR,
      '--rotate-size=60000',
    ],
  },
  {
    name: 'escaped lines, partitions, zstd, work dir, connections cut, nsqd killed too',
    content: 'multiline',
    framing: 'escaped',
    compression: 'zstd',
    isInPlace: false,
    isLong: true,
    nsqdCrashes: true,
    meanBytes: 400_000,
    flags: ({ output, work }) => [
      `--output-dir=${output}`,
      `--work-dir=${work}`,
      '--zstd',
      '--escape',
      '--filename-format=%Y/%m/%d/%H-%M/<TOPIC><REV>.<DATETIME>.log',
      '--datetime-format=%H%M%S',
      '--rotate-size=30000',
    ],
  },
  {
    name: 'length, in place, appended to one file',
    content: 'binary',
    framing: 'length',
    compression: 'none',
    isInPlace: true,
    isLong: true,
    flags: ({ output }) => [
      `--output-dir=${output}`,
      '--output-format=length',
      '--filename-format=<TOPIC>',
      '--max-in-flight=50',
    ],
  },
]

/** Makes the folders of a case; undefined when it is skipped for want of another file system. */
export function makePlaces(t: TestContext, folder: string, each: Case): Places | undefined {
  const places = {
    output: join(folder, 'out'),
    work: join(folder, 'work'),
    elsewhere: join(folder, 'elsewhere'),
  }
  const isElsewhere = each.flags(places).some(flag => flag.includes(places.elsewhere))
  for (const path of Object.values(places)) mkdirSync(path)
  if (!isElsewhere) return places
  const disk = SmallDisk.mount(t, ELSEWHERE_BYTES)
  if (disk === undefined) return undefined
  const elsewhere = join(disk.path, 'elsewhere')
  mkdirSync(elsewhere)
  return { ...places, elsewhere }
}
