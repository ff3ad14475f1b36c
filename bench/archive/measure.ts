import { join } from 'node:path'
import { type Contestant, deadlineFor, publishBacklog } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import { sampleOf } from '../drain.ts'
import type { BenchOptions } from '../family.ts'
import { type Outcome, takeTurns } from '../measure.ts'
import { scratchFolder } from '../scratch.ts'
import { Worker } from '../worker.ts'
import {
  ARCHIVE_BODY_LENGTH,
  ARCHIVE_MESSAGES,
  type ArchiveLine,
  type ArchiveMemoryLine,
  type ArchiveSetting,
  IN_FLIGHT,
} from './lines.ts'
import { CHANNEL, runArchive } from './process.ts'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'

export interface ArchiveResult {
  readonly line: ArchiveLine
  readonly outcomes: readonly { readonly setting: ArchiveSetting; readonly outcome: Outcome }[]
}

export interface ArchiveMemoryResult {
  readonly line: ArchiveMemoryLine
  /** Resident memory in bytes: the median of each tenth of the messages. */
  readonly tenths: readonly number[]
  readonly peakRss: number
  /** Messages a second. */
  readonly rate: number
}

type ArchiveOptions = Omit<BenchOptions, 'peer'>

/** An MPUB: more than a member of what is compressed, so that no body is in one twice. */
const BATCH = { batch: 1000, bodyLength: ARCHIVE_BODY_LENGTH }
/** A backlog is in memory: it is not nsqd's disk that is measured. */
const IN_MEMORY = '--mem-queue-bytes=268435456'

/** Measures a line: ours, the official tool if there is one, and the ceiling, in turn, on one nsqd. */
export async function measureArchive(line: ArchiveLine, options: ArchiveOptions): Promise<ArchiveResult> {
  const { scale, rounds, officialBin, profile } = options
  // A whole number of MPUBs.
  const messages = Math.ceil((ARCHIVE_MESSAGES * scale.backlog) / BATCH.batch) * BATCH.batch
  const daemon = await Daemon.start([IN_MEMORY])
  const publisher = new Worker('publish')
  const settings = settingsOf(line, officialBin)
  const contestants = settings.map(setting =>
    setting.archive === 'bare'
      ? startBare(line, setting, messages)
      : startArchive(line, setting, messages, { daemon, publisher, officialBin, profile }),
  )
  try {
    const outcomes = await takeTurns(contestants, rounds)
    return {
      line,
      outcomes: [...outcomes].map(([{ setting }, outcome]) => ({ setting, outcome })),
    }
  } finally {
    for (const contestant of contestants) await contestant.stop()
    publisher.stop()
    await daemon.stop()
  }
}

/** Archives a backlog that memory could not hold, and looks at the memory that it takes. */
export async function measureArchiveMemory(
  line: ArchiveMemoryLine,
  { scale }: Pick<ArchiveOptions, 'scale'>,
): Promise<ArchiveMemoryResult> {
  const messages = Math.ceil((line.messages * scale.backlog) / BATCH.batch) * BATCH.batch
  const daemon = await Daemon.start([])
  const publisher = new Worker('publish')
  const topic = `bench-${line.name}`
  try {
    await daemon.createTopic(topic, [CHANNEL])
    await publishBacklog(publisher, daemon.tcpPort, topic, messages, BATCH)
    const job = { topic, messages, maxInFlight: 2500, flags: line.flags, official: '', profile: '' }
    const run = await runArchive(daemon, { ...job, deadlineMs: deadlineFor(messages) })
    const tenths = Array.from({ length: 10 }, (_, tenth) => {
      const some = run.looks.filter(({ finished }) => Math.ceil((finished / messages) * 10) === tenth + 1)
      return some.map(({ rss }) => rss).toSorted((a, b) => a - b)[some.length >> 1] ?? 0
    })
    return { line, tenths, peakRss: run.peakRss, rate: sampleOf(run).rate }
  } finally {
    publisher.stop()
    await daemon.stop()
  }
}

function settingsOf(line: ArchiveLine, officialBin: string): ArchiveSetting[] {
  const hasOfficial = officialBin !== '' && line.officialFlags !== undefined
  return (['ours', ...(hasOfficial ? (['official'] as const) : []), 'bare'] as const).flatMap(archive =>
    IN_FLIGHT.map(maxInFlight => ({ archive, maxInFlight })),
  )
}

interface ArchiveContestant extends Contestant {
  readonly setting: ArchiveSetting
}

interface Arena {
  readonly daemon: Daemon
  readonly publisher: Worker<'publish'>
  readonly officialBin: string
  readonly profile: string
}

function startArchive(
  line: ArchiveLine,
  setting: ArchiveSetting,
  messages: number,
  { daemon, publisher, officialBin, profile }: Arena,
): ArchiveContestant {
  const { archive, maxInFlight } = setting
  const isOurs = archive === 'ours'
  let peakRss: number | undefined
  return {
    setting,
    async run(round) {
      const topic = `bench-${line.name}-${archive}-${maxInFlight}-${round}`
      await daemon.createTopic(topic, [CHANNEL])
      await publishBacklog(publisher, daemon.tcpPort, topic, messages, BATCH)
      const run = await runArchive(daemon, {
        topic,
        messages,
        maxInFlight,
        flags: (isOurs ? line.flags : line.officialFlags) ?? [],
        official: isOurs ? '' : join(officialBin, 'nsq_to_file'),
        profile: isOurs ? profile : '',
        deadlineMs: deadlineFor(messages),
      })
      peakRss = Math.max(peakRss ?? 0, run.peakRss)
      await daemon.deleteTopic(topic)
      return sampleOf(run)
    },
    peakRss: () => peakRss,
    async stop() {
      // Each round has a process of its own.
    },
  }
}

function startBare(line: ArchiveLine, setting: ArchiveSetting, messages: number): ArchiveContestant {
  const { maxInFlight: ready } = setting
  const frameLength = ARCHIVE_BODY_LENGTH + MESSAGE_OVERHEAD
  const source = new Worker('bare-server')
  const archive = new Worker('bare-archive')
  return {
    setting,
    async run() {
      const scratch = scratchFolder()
      const path = join(scratch.path, 'archive')
      const deadline = deadlineFor(messages)
      try {
        const { port } = await source.run({ kind: 'source', frameLength, ready, messages }, deadline)
        const result = await archive.run(
          { port, messages, frameLength, ready, bodyLength: ARCHIVE_BODY_LENGTH + 1, path, gzip: line.gzip },
          deadline,
        )
        const { messages: counted, seconds, total, cpuSeconds } = result
        return { rate: counted / seconds, loadNs: (cpuSeconds / total) * 1e9 }
      } finally {
        scratch.remove()
      }
    },
    peakRss: () => undefined,
    async stop() {
      source.stop()
      archive.stop()
    },
  }
}
