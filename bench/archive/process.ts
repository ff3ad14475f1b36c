import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Daemon } from '../daemon.ts'
import { cpuSecondsOf, peakRssOf, rssOf } from '../proc.ts'
import { scratchFolder } from '../scratch.ts'

const OURS = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const POLL_MS = 10
const SHOWN_LOG = 4000
/** The end of a backlog fills no batch: it is not to wait for half a minute. */
const SYNC_INTERVAL = '--sync-interval=50ms'

export const CHANNEL = 'nsq_to_file'

/** One look at a run. */
export interface Look {
  /** Milliseconds since anything. */
  readonly at: number
  readonly finished: number
  readonly cpuSeconds: number
  readonly daemonCpuSeconds: number
  readonly rss: number
}

export interface ArchiveRun {
  /** From the last look at a backlog that was whole to the first one at none. */
  readonly looks: readonly Look[]
  readonly peakRss: number
}

export interface ArchiveJob {
  readonly topic: string
  readonly maxInFlight: number
  readonly flags: readonly string[]
  /** Messages that wait for it. */
  readonly messages: number
  /** The official nsq_to_file; '' for ours. */
  readonly official: string
  /** A folder for a CPU profile of ours; '' for none. */
  readonly profile: string
  readonly deadlineMs: number
}

/** Lets a real archive process take all messages of a topic, and looks on from outside. */
export async function runArchive(daemon: Daemon, job: ArchiveJob): Promise<ArchiveRun> {
  const { topic, messages, official, profile } = job
  const scratch = scratchFolder()
  const flags = [
    `--topic=${topic}`,
    `--channel=${CHANNEL}`,
    `--nsqd-tcp-address=127.0.0.1:${daemon.tcpPort}`,
    `--output-dir=${join(scratch.path)}`,
    `--max-in-flight=${job.maxInFlight}`,
    SYNC_INTERVAL,
    ...job.flags,
  ]
  const node = profile === '' ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  const child =
    official === ''
      ? spawn(process.execPath, [...node, OURS, 'archive', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
      : spawn(official, flags, { stdio: ['ignore', 'ignore', 'pipe'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.prependOnceListener('exit', kill)
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-SHOWN_LOG)))
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  child.once('error', error => (log += error.message))
  try {
    const looks: Look[] = []
    const deadline = performance.now() + job.deadlineMs
    for (;;) {
      const finished = messages - (await daemon.unfinished(topic))
      if (!isRunning(child)) throw new Error(`archive ended with ${child.exitCode}\n${log}`)
      if (performance.now() > deadline) throw new Error(`archive took too long: ${finished} done\n${log}`)
      if (finished === 0) looks.length = 0
      looks.push(look(child, daemon, finished))
      if (finished === messages) break
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
    const peakRss = peakRssOf(child.pid ?? 0)
    // Not killed: it writes its profile when it ends.
    child.kill('SIGTERM')
    return { looks, peakRss }
  } finally {
    const timer = setTimeout(kill, job.deadlineMs)
    if (!child.killed) kill()
    await ended
    clearTimeout(timer)
    process.off('exit', kill)
    scratch.remove()
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}

function look(child: ChildProcess, daemon: Daemon, finished: number): Look {
  const pid = child.pid ?? 0
  return {
    at: performance.now(),
    finished,
    cpuSeconds: cpuSecondsOf(pid),
    daemonCpuSeconds: daemon.cpuSeconds,
    rss: rssOf(pid),
  }
}
