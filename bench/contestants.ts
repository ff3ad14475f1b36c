import { truncateSync } from 'node:fs'
import { join } from 'node:path'
import { mpub, pub } from '../src/protocol/command.ts'
import { MESSAGE_OVERHEAD } from '../src/protocol/message.ts'
import { Daemon } from './daemon.ts'
import { BODY_LENGTH, type DrainLoad, type Durability, type Line, type PublishLoad } from './lines.ts'
import { scratchFolder } from './scratch.ts'
import type { LoadResult } from './work.ts'
import { Worker } from './worker.ts'

/** One round's outcome. */
export interface Sample {
  /** Messages a second. */
  rate: number
  /** Processor time of nsqd for each message, in ns; less disturbed by other processes than the rate. */
  daemonNs?: number
  /** The same of the load process. */
  loadNs: number
}

/** How long a round takes. */
export interface Scale {
  readonly warmMs: number
  readonly measureMs: number
  /** Factor on the messages of a backlog. */
  readonly backlog: number
}

export const FULL: Scale = { warmMs: 300, measureMs: 1000, backlog: 1 }
export const QUICK: Scale = { warmMs: 150, measureMs: 300, backlog: 0.2 }

/** One of those compared: ours, another nsqd, or the ceiling. */
export interface Contestant {
  run(round: number): Promise<Sample>
  /** Highest resident memory so far, in bytes; undefined for the ceiling, which has nothing to keep. */
  peakRss(): number | undefined
  stop(): Promise<void>
}

const READY = 2500
/** This share of a backlog is the warm-up. */
export const WARM_SHARE = 0.2
const UNLIMITED = 1e9
/** How long one job may take, at most: a floor, and the slowest rate that is waited for. */
const LEAST_DEADLINE_MS = 60_000
const SLOWEST = 20_000

/** An nsqd under the line's load. `path`: another than ours. */
export async function startNsqd(
  line: Line,
  scale: Scale,
  path: string,
  profile: string,
): Promise<Contestant> {
  const daemon = await Daemon.start(path === '' ? ourFlags(line) : officialFlags(line), { path, profile })
  const publisher = new Worker('publish')
  const consumer = new Worker('consume')

  const publish = async (topic: string, load: PublishLoad): Promise<Sample> => {
    await daemon.createTopic(topic, [])
    return timed(daemon, () =>
      publisher.run(publishJob(load, scale, daemon.tcpPort, topic), LEAST_DEADLINE_MS),
    )
  }
  const drain = async (topic: string, load: DrainLoad): Promise<Sample> => {
    const job = drainJob(load, scale, daemon.tcpPort, topic)
    await daemon.createTopic(topic, job.channels)
    const messages = job.messages / job.channels.length
    await publishBacklog(publisher, daemon.tcpPort, topic, messages)
    const sample = await timed(daemon, () => consumer.run(job, deadlineFor(job.messages)))
    await daemon.expectEmpty(topic)
    return sample
  }

  return {
    async run(round) {
      const topic = `bench-${line.name}-${round}`
      const { load } = line
      if (load.kind === 'idle') {
        await new Promise(resolve => setTimeout(resolve, scale.measureMs))
        return { rate: 0, loadNs: 0 }
      }
      const sample = load.kind === 'publish' ? await publish(topic, load) : await drain(topic, load)
      await daemon.deleteTopic(topic)
      return sample
    },
    peakRss: () => daemon.peakRss,
    async stop() {
      publisher.stop()
      consumer.stop()
      await daemon.stop()
    },
  }
}

/** Publishes as many messages as fast as possible. */
export async function publishBacklog(
  publisher: Worker<'publish'>,
  port: number,
  topic: string,
  messages: number,
  { batch = 200, bodyLength = BODY_LENGTH } = {},
): Promise<void> {
  const deadline = deadlineFor(messages)
  await publisher.run(
    {
      port,
      topic,
      connections: 2,
      depth: 2,
      batch,
      bodyLength,
      messages,
      warmMs: 0,
      measureMs: deadline,
      bare: false,
    },
    deadline,
  )
}

/** Runs a load on an nsqd or a bare server, whose processor time is part of the outcome. */
export async function timed(
  daemon: { readonly cpuSeconds: number },
  run: () => Promise<LoadResult>,
): Promise<Sample> {
  const before = daemon.cpuSeconds
  const result = await run()
  return { ...sampleOf(result), daemonNs: ((daemon.cpuSeconds - before) / result.total) * 1e9 }
}

/** The same bytes between bare node:net processes; with `toFile` what is published also goes to a file. */
export function startCeiling(line: Line, scale: Scale, toFile: boolean): Contestant {
  const scratch = toFile ? scratchFolder() : undefined
  const server = new Worker('bare-server')
  const publisher = new Worker('publish')
  const consumer = new Worker('consume')
  return {
    async run() {
      const { load } = line
      const topic = `bench-${line.name}-0`
      if (load.kind === 'idle') return { rate: 0, loadNs: 0 }
      if (load.kind === 'publish') {
        const commandLength = lengthOfCommand(topic, load.batch)
        const path = scratch === undefined ? '' : join(scratch.path, 'sink')
        const sync = line.durability === 'power'
        const { port } = await server.run({ kind: 'sink', commandLength, path, sync }, LEAST_DEADLINE_MS)
        const job = publishJob(load, scale, port, topic)
        const sample = await timed(server, () => publisher.run({ ...job, bare: true }, LEAST_DEADLINE_MS))
        // Or the disk would still be writing it while others have their turn.
        if (path !== '') truncateSync(path)
        return sample
      }
      const job = drainJob(load, scale, 0, topic)
      const { port } = await server.run(
        {
          kind: 'source',
          frameLength: BODY_LENGTH + MESSAGE_OVERHEAD,
          ready: READY,
          messages: job.messages / job.channels.length,
        },
        LEAST_DEADLINE_MS,
      )
      return timed(server, () => consumer.run({ ...job, port, bare: true }, deadlineFor(job.messages)))
    },
    peakRss: () => undefined,
    async stop() {
      for (const worker of [server, publisher, consumer]) worker.stop()
      scratch?.remove()
    },
  }
}

function publishJob(load: PublishLoad, scale: Scale, port: number, topic: string) {
  const { connections, depth, batch } = load
  const { warmMs, measureMs } = scale
  const messages = UNLIMITED
  return {
    port,
    topic,
    connections,
    depth,
    batch,
    bodyLength: BODY_LENGTH,
    messages,
    warmMs,
    measureMs,
    bare: false,
  }
}

function drainJob(load: DrainLoad, scale: Scale, port: number, topic: string) {
  const channels = Array.from({ length: load.channels }, (_, i) => `channel-${i}`)
  // A whole number of MPUBs.
  const messages = Math.ceil((load.messages * scale.backlog) / 200) * 200 * load.channels
  const warm = Math.floor(messages * WARM_SHARE)
  return { port, topic, channels, ready: READY, bodyLength: BODY_LENGTH, messages, warm, bare: false }
}

/** How long so many messages may take at most, in ms. */
export function deadlineFor(messages: number): number {
  return Math.max(LEAST_DEADLINE_MS, (messages / SLOWEST) * 1000)
}

/** Bytes of a PUB, or of an MPUB of so many messages. */
export function lengthOfCommand(topic: string, batch: number): number {
  const body = Buffer.alloc(BODY_LENGTH)
  return batch === 1
    ? pub(topic, body).length
    : mpub(
        topic,
        Array.from({ length: batch }, () => body),
      ).length
}

function sampleOf({ messages, seconds, total, cpuSeconds }: LoadResult): Sample {
  return { rate: messages / seconds, loadNs: (cpuSeconds / total) * 1e9 }
}

function ourFlags(line: Line): string[] {
  return [`--durability=${line.durability}`, `--mem-queue-bytes=${line.memoryBytes}`]
}

/** The nearest that the official nsqd has: all in memory; its defaults; all through the disk, synced each time. */
export function officialPublishFlags(durability: Durability): string[] {
  const all: Record<Durability, string[]> = {
    none: ['--mem-queue-size=100000000'],
    process: [],
    power: ['--mem-queue-size=0', '--sync-every=1'],
  }
  return all[durability]
}

function officialFlags({ durability, load, memoryBytes }: Line): string[] {
  if (load.kind === 'drain')
    return [`--mem-queue-size=${Math.floor(memoryBytes / (BODY_LENGTH + MESSAGE_OVERHEAD))}`]
  return officialPublishFlags(durability)
}
