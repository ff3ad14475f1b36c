import { mpub, pub } from '../../src/protocol/command.ts'
import { MESSAGE_OVERHEAD } from '../../src/protocol/message.ts'
import { type Contestant, deadlineFor } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import type { BenchOptions } from '../family.ts'
import { BODY_LENGTH } from '../lines.ts'
import { type Outcome, takeTurns } from '../measure.ts'
import { Worker } from '../worker.ts'
import { READY, type TopicsLine } from './lines.ts'

const START_MS = 60_000

export interface TopicsSetting {
  readonly server: 'ours' | 'other' | 'bare'
  readonly topics: number
}

export interface TopicsResult {
  readonly line: TopicsLine
  readonly outcomes: readonly { readonly setting: TopicsSetting; readonly outcome: Outcome }[]
}

type MeasureOptions = Omit<BenchOptions, 'officialBin'>

/** Measures a line: ours with many topics and with one, another nsqd, and the ceiling with as many, in turn. */
export async function measureTopics(line: TopicsLine, options: MeasureOptions): Promise<TopicsResult> {
  const contestants: TopicsContestant[] = []
  try {
    for (const setting of settingsOf(line, options.peer)) {
      contestants.push(await start(line, setting, options))
    }
    const outcomes = await takeTurns(contestants, options.rounds)
    return { line, outcomes: [...outcomes].map(([{ setting }, outcome]) => ({ setting, outcome })) }
  } finally {
    for (const contestant of contestants) await contestant.stop()
  }
}

function settingsOf({ topics }: TopicsLine, peer: string): TopicsSetting[] {
  const servers = ['ours', ...(peer === '' ? [] : ['other' as const])] as const
  return [
    ...servers.flatMap(server => [
      { server, topics },
      { server, topics: 1 },
    ]),
    { server: 'bare', topics },
  ]
}

interface TopicsContestant extends Contestant {
  readonly setting: TopicsSetting
}

/** What takes the messages in and gives them out. */
interface TopicsServer {
  readonly port: number
  readonly cpuSeconds: number
  readonly peakRss: number | undefined
  /** Waits until nothing is left. */
  expectEmpty(): Promise<void>
  stop(): Promise<void>
}

async function start(
  line: TopicsLine,
  setting: TopicsSetting,
  { scale, peer, profile }: MeasureOptions,
): Promise<TopicsContestant> {
  const { channels: channelCount, connections, depth, batch } = line
  const topics = Array.from({ length: setting.topics }, (_, i) => `bench-${String(i).padStart(5, '0')}`)
  const channels = Array.from({ length: channelCount }, (_, i) => `channel-${i}`)
  const messages = Math.max(1, Math.round((line.messages * scale.backlog) / batch)) * batch
  const server =
    setting.server === 'bare'
      ? await startBare(line)
      : await startNsqd(
          setting.server === 'ours' ? '' : peer,
          setting.server === 'ours' && setting.topics > 1 ? profile : '',
        )
  const publisher = new Worker('topics-publish')
  const consumer = new Worker('topics-consume')
  const { port } = server
  const consume = { port, topics, channels, ready: READY }
  const deadline = deadlineFor(messages * channelCount)
  const stop = async (): Promise<void> => {
    publisher.stop()
    consumer.stop()
    await server.stop()
  }
  try {
    await consumer.run({ ...consume, messages: 0 }, START_MS)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    setting,
    async run() {
      const before = server.cpuSeconds
      const loadBefore = publisher.cpuSeconds + consumer.cpuSeconds
      const beganAt = performance.now()
      const job = { port, topics, connections, depth, batch, bodyLength: BODY_LENGTH, messages }
      await Promise.all([
        consumer.run({ ...consume, messages: messages * channelCount }, deadline),
        publisher.run(job, deadline),
      ])
      const seconds = (performance.now() - beganAt) / 1000
      const daemonNs = ((server.cpuSeconds - before) / messages) * 1e9
      const loadNs = ((publisher.cpuSeconds + consumer.cpuSeconds - loadBefore) / messages) * 1e9
      await server.expectEmpty()
      return { rate: messages / seconds, daemonNs, loadNs }
    },
    peakRss: () => server.peakRss,
    stop,
  }
}

async function startNsqd(path: string, profile: string): Promise<TopicsServer> {
  const daemon = await Daemon.start([], { path, profile })
  return {
    port: daemon.tcpPort,
    get cpuSeconds() {
      return daemon.cpuSeconds
    },
    get peakRss() {
      return daemon.peakRss
    },
    expectEmpty: () => daemon.expectEmpty(''),
    stop: () => daemon.stop(),
  }
}

async function startBare({ batch }: TopicsLine): Promise<TopicsServer> {
  const server = new Worker('bare-topics')
  const body = Buffer.alloc(BODY_LENGTH)
  const topic = 'bench-00000'
  const bodies = Array.from({ length: batch }, () => body)
  const commandLength = (batch === 1 ? pub(topic, body) : mpub(topic, bodies)).length
  const frameLength = BODY_LENGTH + MESSAGE_OVERHEAD
  const { port } = await server.run({ batch, commandLength, frameLength }, START_MS)
  return {
    port,
    get cpuSeconds() {
      return server.cpuSeconds
    },
    peakRss: undefined,
    expectEmpty: async () => {},
    stop: async () => server.stop(),
  }
}
