import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { TestContext } from 'node:test'
import type { Random } from '../../storage/random.ts'
import { Spawned } from '../../support/spawned.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause } from '../../support/wait.ts'

/** Below those that systems give out by themselves, so that nobody takes the port of a daemon that is just restarted. */
const FIRST_PORT = 12_000
const LAST_PORT = 30_000
/** How long consumers may take for what is left at the end. */
const PATIENCE_MS = 20_000

/** An nsqd in a process of its own that is stopped and started again, always on the same ports and data. */
export class Member {
  readonly tcp: string
  readonly http: string
  readonly #flags: readonly string[]
  #nsqd: Spawned | undefined

  constructor(tcpPort: number, httpPort: number, flags: readonly string[]) {
    this.tcp = `127.0.0.1:${tcpPort}`
    this.http = `127.0.0.1:${httpPort}`
    this.#flags = [
      ...flags,
      `--tcp-address=${this.tcp}`,
      `--http-address=${this.http}`,
      `--data-path=${temporaryFolder()}`,
    ]
  }

  /** What it has said since its last start. */
  get log(): string {
    return this.#nsqd?.log ?? ''
  }

  async start(): Promise<void> {
    this.#nsqd = await new Spawned('nsqd', this.#flags).start()
  }

  /** Tells it to stop as an operator does. It must end well, and with all that its consumers had in hand answered. */
  async stop(): Promise<void> {
    assert.equal(await this.#nsqd?.kill('SIGTERM'), 0, this.log)
    assert.doesNotMatch(this.log, /ERROR|still in hand/)
  }

  async kill(): Promise<void> {
    await this.#nsqd?.kill()
  }

  /** The text of an HTTP reply. */
  async ask(method: 'GET' | 'POST', path: string): Promise<string> {
    const response = await fetch(`http://${this.http}${path}`, { method })
    return response.text()
  }

  /** Of clients. */
  async connections(): Promise<number> {
    const [, count = '0'] = /^nsqd_connections (\d+)$/m.exec(await this.ask('GET', '/metrics')) ?? []
    return Number(count)
  }

  /** Messages that wait anywhere in it, are deferred or in flight. */
  async left(): Promise<number> {
    const stats: { topics: Waiting[] } = JSON.parse(await this.ask('GET', '/stats?format=json'))
    const counts = stats.topics.flatMap(({ depth, channels }) => [
      depth,
      ...channels.map(channel => channel.depth + channel.in_flight_count + channel.deferred_count),
    ])
    return counts.reduce((sum, count) => sum + count, 0)
  }
}

interface Waiting {
  depth: number
  channels: { depth: number; in_flight_count: number; deferred_count: number }[]
}

/** Some nsqds and an nsqlookupd that knows them. */
export class Fleet {
  readonly members: readonly Member[]
  readonly lookupd: string

  private constructor(members: readonly Member[], lookupd: string) {
    this.members = members
    this.lookupd = lookupd
  }

  static async start(
    t: TestContext,
    random: Random,
    size: number,
    flags: readonly string[] = [],
  ): Promise<Fleet> {
    const lookupd = await new Spawned('nsqlookupd', []).start()
    t.after(() => lookupd.kill())
    const members: Member[] = []
    for (let i = 0; i < size; i++) {
      const given = [`--lookupd-tcp-address=127.0.0.1:${lookupd.tcp.port}`, `--node-id=${i}`, ...flags]
      const member = new Member(await freePort(random), await freePort(random), given)
      t.after(() => member.kill())
      members.push(member)
    }
    await Promise.all(members.map(member => member.start()))
    return new Fleet(members, `127.0.0.1:${lookupd.http.port}`)
  }

  /** Resolves when nothing is left in any of them; throws with what there is when that takes too long. */
  async emptied(): Promise<void> {
    for (const member of this.members) {
      const deadline = performance.now() + PATIENCE_MS
      while ((await member.left()) > 0) {
        if (performance.now() > deadline) {
          const stats = await member.ask('GET', '/stats')
          throw new Error(`messages are left in ${member.tcp}\n${stats}\n${member.log}`)
        }
        await pause(20)
      }
    }
  }
}

async function freePort(random: Random): Promise<number> {
  for (;;) {
    const port = random.int(FIRST_PORT, LAST_PORT)
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.on('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise(resolve => server.close(resolve))
    if (isFree) return port
  }
}
