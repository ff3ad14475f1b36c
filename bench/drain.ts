import { spawn } from 'node:child_process'
import type { Daemon } from './daemon.ts'
import { cpuSecondsOf, peakRssOf, rssOf } from './proc.ts'
import type { Sample } from './contestants.ts'

const POLL_MS = 10
const SHOWN_LOG = 4000

/** One look at a run. */
export interface Look {
  /** Milliseconds since anything. */
  readonly at: number
  readonly finished: number
  readonly cpuSeconds: number
  readonly daemonCpuSeconds: number
  readonly rss: number
}

export interface DrainRun {
  /** From the last look at a backlog that was whole to the first one at none. */
  readonly looks: readonly Look[]
  readonly peakRss: number
}

export interface DrainJob {
  readonly command: string
  readonly args: readonly string[]
  readonly topic: string
  /** Messages that wait for it. */
  readonly messages: number
  readonly deadlineMs: number
  /** Another nsqd whose processor time counts as well. */
  readonly other?: Daemon
}

/** Lets a process take all messages of a topic, looks on from outside, and ends it. */
export async function drain(daemon: Daemon, job: DrainJob): Promise<DrainRun> {
  const { command, args, topic, messages, deadlineMs, other } = job
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.prependOnceListener('exit', kill)
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-SHOWN_LOG)))
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  child.once('error', error => (log += error.message))
  try {
    const looks: Look[] = []
    const deadline = performance.now() + deadlineMs
    for (;;) {
      const finished = messages - (await daemon.unfinished(topic))
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`${command} ended with ${child.exitCode}\n${log}`)
      }
      if (performance.now() > deadline) throw new Error(`${command} took too long: ${finished} done\n${log}`)
      if (finished === 0) looks.length = 0
      const pid = child.pid ?? 0
      looks.push({
        at: performance.now(),
        finished,
        cpuSeconds: cpuSecondsOf(pid),
        daemonCpuSeconds: daemon.cpuSeconds + (other?.cpuSeconds ?? 0),
        rss: rssOf(pid),
      })
      if (finished === messages) break
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
    const peakRss = peakRssOf(child.pid ?? 0)
    // Not killed: it writes its profile when it ends.
    child.kill('SIGTERM')
    return { looks, peakRss }
  } finally {
    const timer = setTimeout(kill, deadlineMs)
    if (!child.killed) kill()
    await ended
    clearTimeout(timer)
    process.off('exit', kill)
  }
}

/** From the first message that is finished to the last one: how a process starts is not what is measured. */
export function sampleOf({ looks }: DrainRun): Sample {
  const [first, last] = [looks[0], looks.at(-1)]
  const messages = (last?.finished ?? 0) - (first?.finished ?? 0)
  if (first === undefined || last === undefined) throw new Error('it was not looked at')
  return {
    rate: messages / ((last.at - first.at) / 1000),
    loadNs: ((last.cpuSeconds - first.cpuSeconds) / messages) * 1e9,
    daemonNs: ((last.daemonCpuSeconds - first.daemonCpuSeconds) / messages) * 1e9,
  }
}
