import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { commands } from '../../../src/cli/commands.ts'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Producer } from '../../../src/index.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause } from '../../support/wait.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

const PATIENCE_MS = 20_000 * Math.max(1, Number(process.env['FAULT_MESSAGES'] ?? 0) / 300)

/** What a run of the command has come to. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A run that is under way. */
export interface Running {
  readonly around: FakeSurroundings
  readonly done: Promise<Ran>
}

/** A request that an endpoint got, whole. */
export interface Got {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Answering = (got: Got, response: ServerResponse) => void

/** An HTTP server that keeps what it gets. It answers 200 unless it is told otherwise. */
export class Target {
  readonly got: Got[] = []
  answer: Answering = (_, response) => response.end()
  readonly #server: Server

  static async start(port = 0): Promise<Target> {
    const target = new Target()
    target.#server.listen(port, '127.0.0.1')
    await once(target.#server, 'listening')
    return target
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => chunks.push(chunk))
      request.on('error', () => {})
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request
        const got = { method, path, headers, body: Buffer.concat(chunks).toString('latin1') }
        this.got.push(got)
        this.answer(got, response)
      })
    })
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get bodies(): string[] {
    return this.got.map(({ body }) => body)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}

/** An nsqd and an nsqlookupd, and `forward` to be run with them. */
export class ForwardRig {
  readonly #cluster: Cluster
  readonly #producer: Producer
  #topics = 0

  static async start(): Promise<ForwardRig> {
    const cluster = await Cluster.start({
      nsqds: 1,
      lookupds: 1,
      dataPath: temporaryFolder(),
      topics: [],
      ports: { nsqd: 0, lookupd: 0 },
      logger: prefix => new Logger({ prefix, level: LogLevel.fatal, write: () => {} }),
    })
    return new ForwardRig(cluster)
  }

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#producer = new Producer({ nsqd: this.nsqd })
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.#cluster.close()
  }

  get nsqd(): string {
    return this.#cluster.nsqds[0]?.tcp ?? ''
  }

  get lookupd(): string {
    return this.#cluster.lookupds[0]?.http ?? ''
  }

  /** A topic of its own, with a channel that has these messages. */
  async topic(bodies: readonly (string | Buffer)[], channel = 'nsq_to_http'): Promise<string> {
    const topic = `t${++this.#topics}`
    await this.#tell(`/topic/create?topic=${topic}`)
    await this.#tell(`/channel/create?topic=${topic}&channel=${channel}`)
    await this.publish(topic, bodies)
    return topic
  }

  async publish(topic: string, bodies: readonly (string | Buffer)[]): Promise<void> {
    if (bodies.length === 0) return
    await this.#producer.publishBatch(
      topic,
      bodies.map(body => Buffer.from(body)),
    )
  }

  /** How a channel stands: what waits or is on its way, and how many messages the topic has had. */
  async stats(topic: string, channel = 'nsq_to_http'): Promise<ChannelStats> {
    const text = await this.#ask(`/stats?format=json&topic=${topic}&channel=${channel}`)
    const stats: { topics: { message_count: number; channels: RawStats[] }[] } = JSON.parse(text)
    const found = stats.topics[0]
    const raw = found?.channels[0]
    return {
      messages: found?.message_count ?? 0,
      left: (raw?.depth ?? 0) + (raw?.in_flight_count ?? 0) + (raw?.deferred_count ?? 0),
      deferred: raw?.deferred_count ?? 0,
      requeued: raw?.requeue_count ?? 0,
    }
  }

  /** Begins `nsq-ts forward` with these arguments, or nsq_to_http. */
  start(args: readonly string[], program?: string): Running {
    return this.startBare(['--nsqd-tcp-address', this.nsqd, ...args], program)
  }

  /** The same without an address. */
  startBare(args: readonly string[], program = 'nsq-ts'): Running {
    const around = fakeSurroundings()
    const all = [...(program === 'nsq-ts' ? ['forward'] : []), ...args]
    const done = runProgram(program, all, commands, around).then(code => ({
      code,
      out: around.out(),
      err: around.err(),
    }))
    return { around, done }
  }

  /** Runs it until it is so, and stops it. */
  async run(args: readonly string[], isSo: () => boolean | Promise<boolean>, program?: string): Promise<Ran> {
    const running = this.start(args, program)
    let ended: Ran | undefined
    void running.done.then(ran => (ended = ran))
    const deadline = performance.now() + PATIENCE_MS
    while (!(await isSo())) {
      if (ended !== undefined) throw new Error(`it has ended by itself, with ${ended.code}: ${ended.err}`)
      if (performance.now() > deadline) throw new Error(`waited for too long: ${running.around.err()}`)
      await pause(20)
    }
    running.around.stop.abort()
    return running.done
  }

  async #ask(path: string): Promise<string> {
    return (await fetch(`http://${this.#cluster.nsqds[0]?.http}${path}`)).text()
  }

  async #tell(path: string): Promise<void> {
    await fetch(`http://${this.#cluster.nsqds[0]?.http}${path}`, { method: 'POST' })
  }
}

export interface ChannelStats {
  readonly messages: number
  readonly left: number
  readonly deferred: number
  readonly requeued: number
}

interface RawStats {
  depth: number
  in_flight_count: number
  deferred_count: number
  requeue_count: number
}

export function numbers(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, i) => String(from + i))
}
