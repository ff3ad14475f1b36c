import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Consumer, Producer } from '../../../src/index.ts'
import { Nsqd } from '../../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../../src/nsqd/options.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause, until } from '../../support/wait.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

/** What a run of the command has come to. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly around: FakeSurroundings
  readonly done: Promise<Ran>
  /** As SIGINT does. */
  stop(): Promise<Ran>
}

const PATIENCE_MS = 20_000

type NsqdFlags = Parameters<typeof resolveNsqdOptions>[0]

/** An nsqd in this process, which can go and come back. */
export class Side {
  readonly #folder: string
  readonly #flags: NsqdFlags
  #nsqd: Nsqd | undefined
  #tcp = '127.0.0.1:0'
  #http = '127.0.0.1:0'

  static async start(t: TestContext, flags: NsqdFlags = {}): Promise<Side> {
    const side = new Side(temporaryFolder(), flags)
    t.after(async () => {
      await stopRuns(t)
      await side.stop()
    })
    await side.start()
    return side
  }

  private constructor(folder: string, flags: NsqdFlags) {
    this.#folder = folder
    this.#flags = flags
  }

  get tcp(): string {
    return this.#tcp
  }

  get http(): string {
    return this.#http
  }

  /** On the ports of the last time. */
  async start(): Promise<void> {
    const options = resolveNsqdOptions({
      dataPath: this.#folder,
      broadcastAddress: '127.0.0.1',
      shutdownTimeout: 0,
      ...this.#flags,
      tcpAddress: this.#tcp,
      httpAddress: this.#http,
    })
    const nsqd = new Nsqd(options, new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }))
    await nsqd.start()
    this.#nsqd = nsqd
    this.#tcp = formatAddress(nsqd.tcpAddress)
    this.#http = formatAddress(nsqd.httpAddress)
  }

  async stop(): Promise<void> {
    const nsqd = this.#nsqd
    this.#nsqd = undefined
    await nsqd?.close()
  }

  async publish(topic: string, bodies: readonly string[]): Promise<void> {
    const producer = new Producer({ nsqd: this.#tcp })
    await producer.publishBatch(
      topic,
      bodies.map(body => Buffer.from(body)),
    )
    await producer.close()
  }

  /** What `/stats` says of a channel; undefined when it is not there. */
  async channel(topic: string, channel = 'nsq_to_nsq'): Promise<ChannelNumbers | undefined> {
    const reply = await fetch(`http://${this.#http}/stats?format=json&topic=${topic}&channel=${channel}`)
    const stats: { topics: { depth: number; channels: ChannelNumbers[] }[] } = JSON.parse(await reply.text())
    return stats.topics[0]?.channels[0]
  }

  /** Waits until the channel has had messages, and so many of them are not finished. */
  async left(topic: string, count: number, channel = 'nsq_to_nsq'): Promise<void> {
    await this.when(
      topic,
      ({ message_count, depth, in_flight_count, deferred_count }) =>
        message_count > 0 && depth + in_flight_count + deferred_count === count,
      channel,
    )
  }

  /** Waits until the numbers of the channel are like this. */
  async when(
    topic: string,
    isSo: (numbers: ChannelNumbers) => boolean,
    channel = 'nsq_to_nsq',
  ): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const numbers = await this.channel(topic, channel)
      if (numbers !== undefined && isSo(numbers)) return
      if (performance.now() > deadline) throw new Error(`waited for too long: ${JSON.stringify(numbers)}`)
      await pause(10)
    }
  }

  async post(path: string): Promise<void> {
    await fetch(`http://${this.#http}${path}`, { method: 'POST' })
  }

  /** Takes messages of a topic, on a channel of its own, until `isEnough`. */
  async take(topic: string, isEnough: (bodies: readonly string[]) => boolean): Promise<string[]> {
    const bodies: string[] = []
    const consumer = new Consumer({
      topic,
      channel: 'check',
      nsqd: this.#tcp,
      maxInFlight: 1000,
      onMessage: message => {
        bodies.push(message.body.toString())
        message.finish()
      },
    })
    await consumer.start()
    await until(() => isEnough(bodies))
    await consumer.close()
    return bodies
  }

  async bodies(topic: string, count: number): Promise<string[]> {
    return this.take(topic, bodies => bodies.length >= count)
  }
}

interface ChannelNumbers {
  /** That have come into it. */
  readonly message_count: number
  readonly depth: number
  readonly in_flight_count: number
  readonly deferred_count: number
  readonly requeue_count: number
  readonly timeout_count: number
}

/** Begins `nsq-ts mirror` with these arguments, or another program. */
export function startMirror(
  t: TestContext,
  args: readonly string[],
  { program = 'nsq-ts', env = {} }: { program?: string; env?: Record<string, string> } = {},
): Running {
  const around = fakeSurroundings(env)
  const all = [...(program === 'nsq-ts' ? ['mirror'] : []), ...args]
  const done = runProgram(program, all, commands, around).then(code => ({
    code,
    out: around.out(),
    err: around.err(),
  }))
  const stop = (): Promise<Ran> => {
    around.stop.abort('SIGINT')
    return done
  }
  stops.set(t, [...(stops.get(t) ?? []), stop])
  t.after(stop)
  return { around, done, stop }
}

/** Of the runs of each test: they end before the nsqds go, from which they could not part so soon. */
const stops = new WeakMap<TestContext, (() => Promise<Ran>)[]>()

async function stopRuns(t: TestContext): Promise<void> {
  await Promise.all((stops.get(t) ?? []).map(stop => stop()))
}

export function betweenFlags(from: Pick<Side, 'tcp'>, to: Pick<Side, 'tcp'>): string[] {
  return ['--nsqd-tcp-address', from.tcp, '--destination-nsqd-tcp-address', to.tcp]
}

/** A module of the user's. */
export function moduleOf(text: string, name = 'module.mjs'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, text)
  return path
}

export function numbers(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, index) => String(from + index))
}
