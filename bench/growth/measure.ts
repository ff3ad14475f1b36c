import { type Contestant, deadlineFor, publishBacklog, type Sample, timed } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import type { BenchOptions } from '../family.ts'
import { BODY_LENGTH } from '../lines.ts'
import { median, type Outcome, takeTurns } from '../measure.ts'
import { Worker } from '../worker.ts'
import { DEFER_MS, type GrowthLine, OTHER_CHANNELS, READY } from './lines.ts'

const TOPIC = 'bench-growth'
const CHANNEL = 'channel'
/** Messages of an MPUB. */
const BATCH = 200
const LEFT_MS = 30_000

export interface GrowthResult {
  readonly line: GrowthLine
  readonly outcomes: readonly GrowthOutcome[]
}

export interface GrowthOutcome {
  readonly size: number
  readonly outcome: Outcome
  /** The two halves of a message's way: nsqd's processor time for each, in ns. */
  readonly publishNs: number
  readonly consumeNs: number
}

/** Measures a line: ours with each size, in turn. */
export async function measureGrowth(
  line: GrowthLine,
  { scale, rounds, profile }: Pick<BenchOptions, 'scale' | 'rounds' | 'profile'>,
): Promise<GrowthResult> {
  const scaled = (count: number): number => Math.max(1, Math.round((count * scale.backlog) / BATCH)) * BATCH
  const messages = scaled(line.messages)
  const contestants: GrowthContestant[] = []
  try {
    const largest = line.sizes.at(-1)
    for (const size of line.sizes) {
      contestants.push(await start(line, scaled(size), messages, size === largest ? profile : ''))
    }
    const outcomes = await takeTurns(contestants, rounds)
    return {
      line,
      outcomes: [...outcomes].map(([{ size, published, consumed }, outcome]) => ({
        size,
        outcome,
        publishNs: median(published.slice(-rounds).map(({ daemonNs = 0 }) => daemonNs)),
        consumeNs: median(consumed.slice(-rounds).map(({ daemonNs = 0 }) => daemonNs)),
      })),
    }
  } finally {
    for (const contestant of contestants) await contestant.stop()
  }
}

interface GrowthContestant extends Contestant {
  readonly size: number
  readonly published: Sample[]
  readonly consumed: Sample[]
}

async function start(
  { kind }: GrowthLine,
  size: number,
  messages: number,
  profile: string,
): Promise<GrowthContestant> {
  const daemon = await Daemon.start([], { profile })
  const publisher = new Worker('publish')
  const deferrer = new Worker('topics-publish')
  const consumer = new Worker('exact-consume')
  const other = new Worker('exact-consume')
  const others = kind === 'channels' ? Array.from({ length: OTHER_CHANNELS }, (_, i) => `other-${i}`) : []
  const port = daemon.tcpPort

  const prepare = async (): Promise<void> => {
    // Who comes later does not get what was published before.
    await daemon.createTopic(TOPIC, kind === 'channels' ? others : [CHANNEL])
    if (kind === 'deferred') {
      const job = { port, topics: [TOPIC], connections: 16, depth: 100, batch: 1, bodyLength: BODY_LENGTH }
      await deferrer.run({ ...job, messages: size, deferMs: DEFER_MS }, deadlineFor(size))
      deferrer.stop()
    } else {
      await publishBacklog(publisher, port, TOPIC, size, { batch: BATCH })
    }
    if (kind === 'channels') await daemon.createTopic(TOPIC, [CHANNEL])
  }
  const publish = (): ReturnType<Worker<'publish'>['run']> =>
    publisher.run(publishJob(port, messages), deadlineFor(messages))
  const consume = (
    worker: Worker<'exact-consume'>,
    channels: string[],
  ): ReturnType<Worker<'exact-consume'>['run']> => {
    const job = { port, topic: TOPIC, channels, ready: READY, each: messages }
    return worker.run(job, deadlineFor(messages * channels.length))
  }
  const stop = async (): Promise<void> => {
    for (const worker of [publisher, deferrer, consumer, other]) worker.stop()
    await daemon.stop()
  }

  try {
    await prepare()
  } catch (error) {
    await stop()
    throw error
  }
  const published: Sample[] = []
  const consumed: Sample[] = []
  return {
    size,
    published,
    consumed,
    async run() {
      const first = await timed(daemon, publish)
      const second = await timed(daemon, () => consume(consumer, [CHANNEL]))
      published.push(first)
      consumed.push(second)
      // As much as before waits for the next round.
      if (others.length > 0) await consume(other, others)
      await expectLeft(daemon, size * Math.max(1, others.length))
      return together(first, second)
    },
    peakRss: () => daemon.peakRss,
    stop,
  }
}

function publishJob(port: number, messages: number) {
  return {
    port,
    topic: TOPIC,
    connections: 2,
    depth: 2,
    batch: BATCH,
    bodyLength: BODY_LENGTH,
    messages,
    warmMs: 0,
    measureMs: deadlineFor(messages),
    bare: false,
  }
}

/** One after the other. */
function together(a: Sample, b: Sample): Sample {
  return {
    rate: 1 / (1 / a.rate + 1 / b.rate),
    loadNs: a.loadNs + b.loadNs,
    daemonNs: (a.daemonNs ?? 0) + (b.daemonNs ?? 0),
  }
}

/** Waits until so many messages are left: all others are finished, and no other one is. */
async function expectLeft(daemon: Daemon, wanted: number): Promise<void> {
  const deadline = performance.now() + LEFT_MS
  for (;;) {
    const left = await daemon.unfinished(TOPIC)
    if (left === wanted) return
    if (performance.now() > deadline) throw new Error(`${left} messages are left, and not ${wanted}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}
