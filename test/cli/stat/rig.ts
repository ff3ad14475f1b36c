import { commands } from '../../../src/cli/commands.ts'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { Output } from '../../../src/cli/output.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { until } from '../../support/wait.ts'
import { type FakeSurroundings, fakeSurroundings } from '../fakes.ts'
import { FakeTerminal } from './fixtures.ts'

/** A run that is under way. */
export interface Running {
  readonly around: FakeSurroundings
  readonly done: Promise<Ran>
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** The same on a terminal. */
export interface RunningLive extends Running {
  readonly terminal: FakeTerminal
  readonly keyboard: FakeTerminal
}

/** Two nsqds and an nsqlookupd in this process, and `stat` to look at them. */
export class StatRig {
  readonly #cluster: Cluster

  /** @param topics - `orders:mail,stock` */
  static async start(folder: string, ...topics: string[]): Promise<StatRig> {
    const cluster = await Cluster.start({
      nsqds: 2,
      lookupds: 1,
      dataPath: folder,
      topics: topics.map(spec => {
        const [topic = '', channels = ''] = spec.split(':')
        return { topic, channels: channels.split(',').filter(Boolean) }
      }),
      ports: { nsqd: 0, lookupd: 0 },
      logger: prefix => new Logger({ prefix, level: LogLevel.fatal, write: () => {} }),
    })
    const rig = new StatRig(cluster)
    // They register in their own time.
    let nodes = ''
    const look = setInterval(() => {
      // The last of them may still be under way when all is closed.
      rig.#get(`http://${rig.lookupd}/nodes`).then(
        text => (nodes = text),
        () => {},
      )
    }, 10)
    try {
      await until(
        () =>
          cluster.nsqds.every(({ tcp }) => nodes.includes(`"tcp_port":${tcp.split(':')[1]}`)) &&
          cluster.topics.every(topic => nodes.split(`"${topic}"`).length > cluster.nsqds.length),
        () => nodes,
      )
    } finally {
      clearInterval(look)
    }
    return rig
  }

  private constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  get lookupd(): string {
    return this.#cluster.lookupds[0]?.http ?? ''
  }

  get nsqds(): string[] {
    return this.#cluster.nsqds.map(({ http }) => http)
  }

  close(): Promise<void> {
    return this.#cluster.close()
  }

  /** Publishes so many messages to one of the nsqds. */
  async publish(topic: string, messages: number, nsqd = 0): Promise<void> {
    const body = Array.from({ length: messages }, () => 'x').join('\n')
    await fetch(`http://${this.nsqds[nsqd]}/mpub?topic=${topic}`, { method: 'POST', body })
  }

  async post(path: string, nsqd = 0): Promise<void> {
    await fetch(`http://${this.nsqds[nsqd]}${path}`, { method: 'POST' })
  }

  /** Runs it with a lookupd, unless other addresses are among the arguments. */
  begin(args: string[], program = 'nsq-ts', env: Record<string, string> = {}): Running {
    const around = fakeSurroundings(env)
    return { around, done: this.#run(args, program, around) }
  }

  run(args: string[], program?: string): Promise<Ran> {
    return this.begin(args, program).done
  }

  /** On a terminal of this size. */
  beginLive(args: string[], columns: number, rows: number): RunningLive {
    const env = { LANG: 'C.UTF-8', NO_COLOR: '1' }
    const terminal = new FakeTerminal(columns, rows).capture()
    const keyboard = new FakeTerminal(columns, rows)
    const around = { ...fakeSurroundings(env), stdout: new Output(terminal, env), stdin: keyboard }
    return { around, terminal, keyboard, done: this.#run(args, 'nsq-ts', around) }
  }

  async #run(args: string[], program: string, around: FakeSurroundings): Promise<Ran> {
    const found = args.some(arg => arg.includes('-http-address'))
      ? []
      : ['--lookupd-http-address', this.lookupd]
    const all = [...(program === 'nsq-ts' ? ['stat'] : []), ...args, ...found]
    const code = await runProgram(program, all, commands, around)
    await around.stdout.drained()
    return { code, out: around.out(), err: around.err() }
  }

  async #get(url: string): Promise<string> {
    return (await fetch(url)).text()
  }
}
