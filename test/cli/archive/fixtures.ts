import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Backlog } from '../../../src/cli/archive/backlog.ts'
import { commands } from '../../../src/cli/commands.ts'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Producer } from '../../../src/index.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'

/** What a run of a command has come to. */
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

/** Two nsqds and an nsqlookupd, a folder for files, and `archive` to be run with them. */
export class ArchiveRig {
  readonly folder: string
  readonly #cluster: Cluster
  readonly #producer: Producer
  #topics = 0

  static async start(): Promise<ArchiveRig> {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-archive-'))
    const cluster = await Cluster.start({
      nsqds: 2,
      lookupds: 1,
      dataPath: join(folder, 'data'),
      topics: [],
      ports: { nsqd: 0, lookupd: 0 },
      logger: prefix => new Logger({ prefix, level: LogLevel.fatal, write: () => {} }),
    })
    const rig = new ArchiveRig(folder, cluster)
    // They register in their own time.
    for (const { tcp } of cluster.nsqds) {
      const port = `"tcp_port":${tcp.split(':')[1]}`
      while (!(await rig.get(`http://${rig.lookupd}/nodes`)).includes(port)) {
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    }
    return rig
  }

  private constructor(folder: string, cluster: Cluster) {
    this.folder = folder
    this.#cluster = cluster
    this.#producer = new Producer({ nsqd: this.nsqds })
  }

  async close(): Promise<void> {
    await this.#producer.close()
    await this.#cluster.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  get nsqds(): string[] {
    return this.#cluster.nsqds.map(({ tcp }) => tcp)
  }

  get lookupd(): string {
    return this.#cluster.lookupds[0]?.http ?? ''
  }

  /** The HTTP API of the first nsqd. */
  get http(): string {
    return this.#cluster.nsqds[0]?.http ?? ''
  }

  async get(url: string, method = 'GET'): Promise<string> {
    return (await fetch(url, { method })).text()
  }

  /** Asks something of an nsqd's HTTP API, or tells it to do something. */
  nsqd(path: string, method = 'POST', index = 0): Promise<string> {
    return this.get(`http://${this.#cluster.nsqds[index]?.http}${path}`, method)
  }

  /** A topic of its own for each test, with these messages, on the first nsqd. */
  async topic(bodies: readonly (string | Buffer)[], name = `t${++this.#topics}`): Promise<string> {
    await this.nsqd(`/topic/create?topic=${name}`)
    await this.nsqd(`/channel/create?topic=${name}&channel=nsq_to_file`)
    await this.publish(name, bodies)
    return name
  }

  async publish(topic: string, bodies: readonly (string | Buffer)[]): Promise<void> {
    if (bodies.length > 0)
      await this.#producer.publishBatch(
        topic,
        bodies.map(body => Buffer.from(body)),
      )
  }

  /** Messages of a topic that wait for the archive, or are on their way to it. */
  async left(topic: string): Promise<{ depth: number; inFlight: number }> {
    const text = await this.nsqd(`/stats?format=json&topic=${topic}&channel=nsq_to_file`, 'GET')
    const stats: { topics: { channels: { depth: number; in_flight_count: number }[] }[] } = JSON.parse(text)
    const channel = stats.topics[0]?.channels[0]
    return { depth: channel?.depth ?? 0, inFlight: channel?.in_flight_count ?? 0 }
  }

  /** Begins `nsq-ts archive` with these arguments, or another command. */
  start(args: readonly string[], { program = 'nsq-ts', from = this.#lookupd } = {}): Running {
    const around = fakeSurroundings()
    const all = [...(program === 'nsq-ts' ? ['archive'] : []), ...from, ...args]
    const done = runProgram(program, all, commands, around).then(code => ({
      code,
      out: around.out(),
      err: around.err(),
    }))
    return { around, done }
  }

  run(args: readonly string[], options?: { program?: string; from?: string[] }): Promise<Ran> {
    return this.start(args, options).done
  }

  /** Runs `nsq-ts pub` on the first nsqd. */
  async pub(args: readonly string[], input: Iterable<Buffer | string>): Promise<Ran> {
    const around = fakeSurroundings({}, input)
    const all = ['pub', '--nsqd-tcp-address', this.nsqds[0] ?? '', ...args]
    const code = await runProgram('nsq-ts', all, commands, around)
    return { code, out: around.out(), err: around.err() }
  }

  get #lookupd(): string[] {
    return ['--lookupd-http-address', this.lookupd]
  }
}

/** The files in a folder and below it, without what is hidden, by their names from there; gzip is taken off. */
export async function filesIn(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length + 1)
    if (!entry.isFile() || /(^|\/)\./.test(name)) continue
    const bytes = await readFile(path)
    files.set(name, (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1'))
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The lines of all files of a folder. */
export async function linesIn(folder: string): Promise<string[]> {
  return [...(await filesIn(folder)).values()].flatMap(text => text.split('\n').slice(0, -1))
}

/** What is left of a channel that is empty. */
export const EMPTY: Backlog = {
  depth: 0,
  flowing: 0,
  inFlight: 0,
  isVoid: true,
  outOfReach: [],
  roundMs: 0,
  paused: [],
}
