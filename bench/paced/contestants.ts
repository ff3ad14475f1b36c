import { officialPublishFlags } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import type { Scale } from '../contestants.ts'
import type { Quantiles } from '../load/histogram.ts'
import { BODY_LENGTH } from '../lines.ts'
import { publishLine } from '../load/command-line.ts'
import { Worker } from '../worker.ts'
import type { PacedLine } from './lines.ts'

/** One round's outcome. */
export interface PacedSample {
  /** How late messages came, and how late the publisher was itself, in ms. */
  readonly lateness: Quantiles
  readonly publisher: Quantiles
  /** Processor time of the server and of both load processes for each message, in ns. */
  readonly daemonNs: number
  readonly loadNs: number
}

export interface PacedContestant {
  run(round: number): Promise<PacedSample>
  stop(): Promise<void>
}

const CHANNEL = 'channel'
const READY = 2500
const SIZE_LENGTH = 4
/** How much longer than the messages take to be sent and due, in ms. */
const PATIENCE_MS = 30_000
/** A message that comes so much before its time has come too early, in ms: clocks of processes are that inexact. */
const EARLY_MS = 1

/** An nsqd, published to and consumed from at once. `path`: another than ours. */
export async function startPacedNsqd(
  line: PacedLine,
  load: PacedLoad,
  path: string,
  profile: string,
): Promise<PacedContestant> {
  const { durability } = line
  const flags = path === '' ? [`--durability=${durability}`] : officialPublishFlags(durability)
  const daemon = await Daemon.start(flags, { path, profile })
  return {
    async run(round) {
      const topic = topicOf(line, round)
      await daemon.createTopic(topic, [CHANNEL])
      const sample = await load.run(daemon, daemon.tcpPort, topic, false)
      await daemon.expectEmpty(topic)
      await daemon.deleteTopic(topic)
      return sample
    },
    stop: () => daemon.stop(),
  }
}

/** The same bytes through a process that looks at none of them. */
export function startRelay(line: PacedLine, load: PacedLoad): PacedContestant {
  const relay = new Worker('bare-relay')
  return {
    async run(round) {
      const topic = topicOf(line, round)
      const { port } = await relay.run(
        {
          recordLength: recordLength(line, topic),
          bodyLength: BODY_LENGTH,
          holds: line.delays !== undefined,
        },
        PATIENCE_MS,
      )
      return load.run(relay, port, topic, true)
    },
    async stop() {
      relay.stop()
    },
  }
}

/** A publisher and a consumer, for one contestant after the other. */
export class PacedLoad {
  readonly #line: PacedLine
  readonly #scale: Scale
  readonly #publisher = new Worker('paced-publish')
  readonly #consumer = new Worker('paced-consume')

  constructor(line: PacedLine, scale: Scale) {
    this.#line = line
    this.#scale = scale
  }

  async run(
    server: { readonly cpuSeconds: number },
    port: number,
    topic: string,
    bare: boolean,
  ): Promise<PacedSample> {
    const { longer, connections, perMillisecond, delays } = this.#line
    const warm = Math.round(this.#scale.warmMs * longer)
    const milliseconds = warm + Math.round(this.#scale.measureMs * longer)
    const perMs = connections * perMillisecond
    const messages = milliseconds * perMs
    const job = { port, topic, bodyLength: BODY_LENGTH, bare }
    await this.#consumer.run(
      {
        ...job,
        kind: 'subscribe',
        channel: CHANNEL,
        ready: READY,
        recordLength: recordLength(this.#line, topic),
        messages,
        warm: warm * perMs,
      },
      PATIENCE_MS,
    )
    const deadlineMs = milliseconds + (delays?.most ?? 0) + PATIENCE_MS
    const before = server.cpuSeconds
    const [published, consumed] = await Promise.all([
      this.#publisher.run(
        { ...job, connections, perMillisecond, milliseconds, warm, delays },
        deadlineMs + PATIENCE_MS,
      ),
      this.#consumer.run({ kind: 'collect', deadlineMs }, deadlineMs + PATIENCE_MS),
    ])
    const { lateness } = consumed
    if (lateness.min < -EARLY_MS) throw new Error(`a message came ${-lateness.min} ms before its time`)
    return {
      lateness,
      publisher: published.lateness,
      daemonNs: ((server.cpuSeconds - before) / messages) * 1e9,
      loadNs: ((published.cpuSeconds + consumed.cpuSeconds) / messages) * 1e9,
    }
  }

  stop(): void {
    this.#publisher.stop()
    this.#consumer.stop()
  }
}

function topicOf({ name }: PacedLine, round: number): string {
  return `bench-${name}-${round}`
}

/** Of a publishing command. */
function recordLength({ delays }: PacedLine, topic: string): number {
  return publishLine(topic, delays?.least).length + SIZE_LENGTH + BODY_LENGTH
}
