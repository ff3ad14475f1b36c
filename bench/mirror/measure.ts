import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import { type Contestant, deadlineFor, publishBacklog } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import { drain, sampleOf } from '../drain.ts'
import type { BenchOptions } from '../family.ts'
import { BODY_LENGTH } from '../lines.ts'
import { type Outcome, takeTurns } from '../measure.ts'
import { scratchFolder } from '../scratch.ts'
import { Worker } from '../worker.ts'
import { IN_FLIGHT, MIRROR_MESSAGES, type MirrorLine, type MirrorSetting } from './lines.ts'

const OURS = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const CHANNEL = 'nsq_to_nsq'
const FRAME_LENGTH = BODY_LENGTH + MESSAGE_OVERHEAD
/** Messages of an MPUB of ours, which the ceiling's sink answers at once as well. */
const BATCH = 250
/** A backlog is in memory: it is not nsqd's disk that is measured. */
const IN_MEMORY = '--mem-queue-bytes=268435456'

export interface MirrorResult {
  readonly line: MirrorLine
  readonly outcomes: readonly { readonly setting: MirrorSetting; readonly outcome: Outcome }[]
}

/** Measures a line: ours, the official tool if there is one, and the ceiling, in turn, between two nsqds. */
export async function measureMirror(
  line: MirrorLine,
  { scale, rounds, officialBin, profile }: Omit<BenchOptions, 'peer'>,
): Promise<MirrorResult> {
  // A whole number of MPUBs.
  const messages = Math.ceil((MIRROR_MESSAGES * scale.backlog) / BATCH) * BATCH
  const from = await Daemon.start([IN_MEMORY])
  const to = await Daemon.start([])
  const publisher = new Worker('publish')
  const arena = { from, to, publisher, officialBin, profile }
  const contestants = settingsOf(line, officialBin).map(setting =>
    setting.mirror === 'bare' ? startBare(setting, messages) : startMirror(line, setting, messages, arena),
  )
  try {
    const outcomes = await takeTurns(contestants, rounds)
    return { line, outcomes: [...outcomes].map(([{ setting }, outcome]) => ({ setting, outcome })) }
  } finally {
    for (const contestant of contestants) await contestant.stop()
    publisher.stop()
    await Promise.all([from.stop(), to.stop()])
  }
}

function settingsOf(line: MirrorLine, officialBin: string): MirrorSetting[] {
  const hasOfficial = officialBin !== '' && line.officialFlags !== undefined
  return (['ours', ...(hasOfficial ? (['official'] as const) : []), 'bare'] as const).flatMap(mirror =>
    IN_FLIGHT.map(maxInFlight => ({ mirror, maxInFlight })),
  )
}

interface MirrorContestant extends Contestant {
  readonly setting: MirrorSetting
}

interface Arena {
  readonly from: Daemon
  readonly to: Daemon
  readonly publisher: Worker<'publish'>
  readonly officialBin: string
  readonly profile: string
}

function startMirror(
  line: MirrorLine,
  setting: MirrorSetting,
  messages: number,
  { from, to, publisher, officialBin, profile }: Arena,
): MirrorContestant {
  const { mirror, maxInFlight } = setting
  const scratch = scratchFolder()
  const map = join(scratch.path, 'map.mjs')
  if (line.map !== undefined) writeFileSync(map, line.map)
  const isOurs = mirror === 'ours'
  let peakRss: number | undefined
  return {
    setting,
    async run(round) {
      const topic = `bench-${line.name}-${mirror}-${maxInFlight}-${round}`
      await from.createTopic(topic, [CHANNEL])
      await to.createTopic(topic, [])
      await publishBacklog(publisher, from.tcpPort, topic, messages, { batch: BATCH })
      const flags = [
        `--topic=${topic}`,
        `--channel=${CHANNEL}`,
        `--nsqd-tcp-address=127.0.0.1:${from.tcpPort}`,
        `--destination-nsqd-tcp-address=127.0.0.1:${to.tcpPort}`,
        `--max-in-flight=${maxInFlight}`,
        ...(isOurs ? line.flags : ['--status-every=0', ...(line.officialFlags ?? [])]),
        ...(line.map === undefined ? [] : [`--map=${map}`]),
      ]
      const node = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
      const [command, args] = isOurs
        ? [process.execPath, [...node, OURS, 'mirror', ...flags]]
        : [join(officialBin, 'nsq_to_nsq'), flags]
      const job = { command, args, topic, messages, deadlineMs: deadlineFor(messages), other: to }
      const run = await drain(from, job)
      peakRss = Math.max(peakRss ?? 0, run.peakRss)
      const arrived = await to.unfinished(topic)
      if (arrived < messages) throw new Error(`${arrived} of ${messages} messages have arrived`)
      await Promise.all([from.deleteTopic(topic), to.deleteTopic(topic)])
      return sampleOf(run)
    },
    peakRss: () => peakRss,
    async stop() {
      // Each round has a process of its own.
      scratch.remove()
    },
  }
}

function startBare(setting: MirrorSetting, messages: number): MirrorContestant {
  const { maxInFlight: ready } = setting
  const batch = Math.min(BATCH, ready)
  const [source, sink] = [new Worker('bare-server'), new Worker('bare-server')]
  const mirror = new Worker('bare-mirror')
  return {
    setting,
    async run() {
      const deadline = deadlineFor(messages)
      const from = await source.run({ kind: 'source', frameLength: FRAME_LENGTH, ready, messages }, deadline)
      const commandLength = batch * FRAME_LENGTH
      const to = await sink.run({ kind: 'sink', commandLength, path: '', sync: false }, deadline)
      const job = { from: from.port, to: to.port, messages, frameLength: FRAME_LENGTH, ready, batch }
      const { messages: counted, seconds, total, cpuSeconds } = await mirror.run(job, deadline)
      return { rate: counted / seconds, loadNs: (cpuSeconds / total) * 1e9 }
    },
    peakRss: () => undefined,
    async stop() {
      for (const worker of [source, sink, mirror]) worker.stop()
    },
  }
}
