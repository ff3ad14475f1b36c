import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cpuSecondsOf, peakRssOf } from './proc.ts'
import { type Scratch, scratchFolder } from './scratch.ts'

const OURS = fileURLToPath(new URL('../bin/nsqd.js', import.meta.url))
const START_MS = 15_000
const STOP_MS = 30_000
const EMPTY_MS = 30_000
const SHOWN_LOG = 4000

/** What is looked at of an nsqd's `/stats`. */
interface Stats {
  topics: {
    depth: number
    channels: { depth: number; in_flight_count: number; deferred_count: number }[]
  }[]
}

/** A running nsqd, on a given folder, or on one of its own that goes with it. */
export class Daemon {
  readonly tcpPort: number
  readonly #httpPort: number
  readonly #child: ChildProcess
  readonly #scratch: Scratch | undefined

  private constructor(child: ChildProcess, scratch: Scratch | undefined, tcpPort: number, httpPort: number) {
    this.#child = child
    this.#scratch = scratch
    this.tcpPort = tcpPort
    this.#httpPort = httpPort
  }

  /**
   * Starts ours, or the executable at `path`. With `profile` ours leaves a .cpuprofile in that folder when it stops. With
   * `folder` its data is there, and stays there.
   */
  static async start(
    flags: readonly string[],
    { path = '', profile = '', folder = '', deadlineMs = START_MS } = {},
  ): Promise<Daemon> {
    const scratch = folder === '' ? scratchFolder() : undefined
    const given = [
      `--data-path=${scratch?.path ?? folder}`,
      '--tcp-address=127.0.0.1:0',
      '--http-address=127.0.0.1:0',
      ...flags,
    ]
    const node = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
    const child =
      path === ''
        ? spawn(process.execPath, [...node, OURS, ...given], { stdio: ['ignore', 'ignore', 'pipe'] })
        : spawn(path, given, { stdio: ['ignore', 'ignore', 'pipe'] })
    const kill = (): boolean => child.kill('SIGKILL')
    // Before its folder goes.
    process.prependOnceListener('exit', kill)
    child.once('exit', () => process.off('exit', kill))
    try {
      const { tcpPort, httpPort } = await listening(child, deadlineMs)
      return new Daemon(child, scratch, tcpPort, httpPort)
    } catch (error) {
      kill()
      scratch?.remove()
      throw error
    }
  }

  /** User and system time so far, in seconds. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid ?? 0)
  }

  /** Resident memory at its highest, in bytes. */
  get peakRss(): number {
    return peakRssOf(this.#child.pid ?? 0)
  }

  async createTopic(topic: string, channels: readonly string[]): Promise<void> {
    const query = `topic=${encodeURIComponent(topic)}`
    await this.#post(`/topic/create?${query}`)
    for (const channel of channels) await this.#post(`/channel/create?${query}&channel=${channel}`)
  }

  async deleteTopic(topic: string): Promise<void> {
    await this.#post(`/topic/delete?topic=${encodeURIComponent(topic)}`)
  }

  /** Waits until every channel of the topic is empty: every FIN has come. */
  async expectEmpty(topic: string): Promise<void> {
    const deadline = performance.now() + EMPTY_MS
    for (;;) {
      const left = await this.unfinished(topic)
      if (left === 0) return
      if (performance.now() > deadline) throw new Error(`${left} messages of ${topic} were not finished`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Publishes messages over HTTP: for few. */
  async publish(topic: string, bodies: readonly string[]): Promise<void> {
    await this.#post(`/mpub?topic=${encodeURIComponent(topic)}`, bodies.join('\n'))
  }

  /** Messages that are not finished: each counts once for every channel that has it to finish. '': of all topics. */
  async unfinished(topic: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#httpPort}/stats?format=json&topic=${topic}`)
    const stats: Stats = JSON.parse(await response.text())
    let left = 0
    for (const { depth, channels } of stats.topics) {
      left += depth
      for (const channel of channels) left += channel.depth + channel.in_flight_count + channel.deferred_count
    }
    return left
  }

  /** Asks whether it is well. */
  async ping(): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#httpPort}/ping`)
    const text = await response.text()
    if (!response.ok || text !== 'OK') throw new Error(`GET /ping: ${response.status} ${text}`)
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child.exitCode === null && child.signalCode === null) {
      const exited = new Promise(resolve => child.once('exit', resolve))
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
      await exited
      clearTimeout(timer)
    }
    this.#scratch?.remove()
  }

  async #post(path: string, body = ''): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#httpPort}${path}`, { method: 'POST', body })
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
  }
}

/** Every nsqd says on stderr where it listens. */
function listening(child: ChildProcess, deadlineMs: number): Promise<{ tcpPort: number; httpPort: number }> {
  return new Promise((resolve, reject) => {
    let log = ''
    const fail = (why: string): void => {
      clearTimeout(timer)
      reject(new Error(`nsqd ${why}\n${log}`))
    }
    const timer = setTimeout(() => fail(`did not listen after ${deadlineMs} ms`), deadlineMs)
    child.once('error', error => fail(`cannot be started: ${error.message}`))
    child.once('exit', code => fail(`ended with status ${code}`))
    // Read on after that, so that its log never blocks it.
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-SHOWN_LOG)
      const tcpPort = portOf('TCP', log)
      const httpPort = portOf('HTTP', log)
      if (tcpPort === undefined || httpPort === undefined) return
      clearTimeout(timer)
      resolve({ tcpPort, httpPort })
    })
  })
}

function portOf(what: string, log: string): number | undefined {
  const port = new RegExp(` ${what}: listening on \\S+:(\\d+)`).exec(log)?.[1]
  return port === undefined ? undefined : Number(port)
}
