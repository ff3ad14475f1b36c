import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import { type Contestant, deadlineFor, publishBacklog } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import { drain, sampleOf } from '../drain.ts'
import type { BenchOptions } from '../family.ts'
import { BODY_LENGTH } from '../lines.ts'
import { type Outcome, takeTurns } from '../measure.ts'
import { Worker } from '../worker.ts'
import { type ForwardLine, type ForwardSetting, READY, READY_ALONE } from './lines.ts'

const OURS = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const CHANNEL = 'nsq_to_http'
const FRAME_LENGTH = BODY_LENGTH + MESSAGE_OVERHEAD
/** Messages of an MPUB. */
const PUBLISHED = 250
/** A backlog is in memory: it is not nsqd's disk that is measured. */
const IN_MEMORY = '--mem-queue-bytes=268435456'

export interface ForwardResult {
  readonly line: ForwardLine
  readonly outcomes: readonly { readonly setting: ForwardSetting; readonly outcome: Outcome }[]
}

/** Measures a line: ours, the official tool if there is one, and the ceiling, in turn, to one bare HTTP server. */
export async function measureForward(
  line: ForwardLine,
  { scale, rounds, officialBin, profile }: Omit<BenchOptions, 'peer'>,
): Promise<ForwardResult> {
  // A whole number of MPUBs, and of requests.
  const unit = PUBLISHED * 2
  const messages = Math.ceil((line.messages * scale.backlog) / unit) * unit
  const daemon = await Daemon.start([IN_MEMORY])
  const publisher = new Worker('publish')
  const server = new Worker('bare-http')
  const { port } = await server.run({ kind: 'bare-http' }, deadlineFor(0))
  const arena = { daemon, publisher, port, officialBin, profile }
  const contestants = settingsOf(line, officialBin).map(setting =>
    setting.forward === 'bare'
      ? startBare(line, setting, messages, port)
      : startForward(line, setting, messages, arena),
  )
  try {
    const outcomes = await takeTurns(contestants, rounds)
    return { line, outcomes: [...outcomes].map(([{ setting }, outcome]) => ({ setting, outcome })) }
  } finally {
    for (const contestant of contestants) await contestant.stop()
    publisher.stop()
    server.stop()
    await daemon.stop()
  }
}

function settingsOf({ officialFlags }: ForwardLine, officialBin: string): ForwardSetting[] {
  const hasOfficial = officialBin !== '' && officialFlags !== undefined
  return [
    { forward: 'ours' },
    ...(hasOfficial ? [{ forward: 'official' } as const] : []),
    { forward: 'bare' },
  ]
}

interface ForwardContestant extends Contestant {
  readonly setting: ForwardSetting
}

interface Arena {
  readonly daemon: Daemon
  readonly publisher: Worker<'publish'>
  readonly port: number
  readonly officialBin: string
  readonly profile: string
}

function startForward(
  line: ForwardLine,
  setting: ForwardSetting,
  messages: number,
  { daemon, publisher, port, officialBin, profile }: Arena,
): ForwardContestant {
  const isOurs = setting.forward === 'ours'
  let peakRss: number | undefined
  return {
    setting,
    async run(round) {
      const topic = `bench-${line.name}-${setting.forward}-${round}`
      await daemon.createTopic(topic, [CHANNEL])
      await publishBacklog(publisher, daemon.tcpPort, topic, messages, {
        batch: PUBLISHED,
        bodyLength: BODY_LENGTH,
      })
      const flags = [
        `--topic=${topic}`,
        `--channel=${CHANNEL}`,
        `--nsqd-tcp-address=127.0.0.1:${daemon.tcpPort}`,
        `--post=http://127.0.0.1:${port}/`,
        `--status-every=0`,
        `--max-in-flight=${readyOf(line)}`,
        ...(isOurs ? [`--batch=${line.batch}`, ...line.flags] : (line.officialFlags ?? [])),
      ]
      const node = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
      const [command, args] = isOurs
        ? [process.execPath, [...node, OURS, 'forward', ...flags]]
        : [join(officialBin, 'nsq_to_http'), flags]
      const run = await drain(daemon, { command, args, topic, messages, deadlineMs: deadlineFor(messages) })
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

function startBare(
  line: ForwardLine,
  setting: ForwardSetting,
  messages: number,
  to: number,
): ForwardContestant {
  const ready = readyOf(line)
  const source = new Worker('bare-server')
  const forward = new Worker('bare-forward')
  return {
    setting,
    async run() {
      const deadline = deadlineFor(messages)
      const { port: from } = await source.run(
        { kind: 'source', frameLength: FRAME_LENGTH, ready, messages },
        deadline,
      )
      const { batch } = line
      const job = { from, to, messages, frameLength: FRAME_LENGTH, ready, batch, bodyLength: BODY_LENGTH }
      const { messages: counted, seconds, total, cpuSeconds } = await forward.run(job, deadline)
      return { rate: counted / seconds, loadNs: (cpuSeconds / total) * 1e9 }
    },
    peakRss: () => undefined,
    async stop() {
      source.stop()
      forward.stop()
    },
  }
}

function readyOf({ batch }: ForwardLine): number {
  return batch === 1 ? READY_ALONE : READY
}
