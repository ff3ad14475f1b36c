import { spawn } from 'node:child_process'
import type { Sample } from '../contestants.ts'
import type { Daemon } from '../daemon.ts'
import { type Look, sampleOf } from '../drain.ts'
import { cpuSecondsOf, peakRssOf, rssOf } from '../proc.ts'

const POLL_MS = 10
/** How long nsqd may take to count what a command that has ended has sent. */
const SETTLE_MS = 10_000
const SHOWN_LOG = 4000

export interface ToolJob {
  readonly command: string
  readonly args: readonly string[]
  /** Descriptors of open files. */
  readonly stdin: number | 'ignore'
  readonly stdout: number | 'ignore'
  /** Messages that it is to take, or to publish. */
  readonly messages: number
  /** How many of these nsqd says are through. */
  readonly count: () => Promise<number>
  readonly deadlineMs: number
}

export interface ToolRun extends Sample {
  /** The whole command, from spawn to exit. */
  readonly wholeMs: number
  readonly peakRss: number
}

/** Runs a command that ends by itself, and looks on from outside. */
export async function watch(daemon: Daemon, job: ToolJob): Promise<ToolRun> {
  const { command, args, stdin, stdout, messages, count, deadlineMs } = job
  const spawnedAt = performance.now()
  const child = spawn(command, args, { stdio: [stdin, stdout, 'pipe'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.prependOnceListener('exit', kill)
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-SHOWN_LOG)))
  let endedAt: number | undefined
  const ended = new Promise<void>(resolve => {
    child.once('exit', () => {
      endedAt = performance.now()
      resolve()
    })
    child.once('error', error => {
      log += error.message
      endedAt = performance.now()
      resolve()
    })
  })
  try {
    const looks: Look[] = []
    let usage = { cpuSeconds: 0, rss: 0, peakRss: 0 }
    for (;;) {
      const deadline = endedAt === undefined ? spawnedAt + deadlineMs : endedAt + SETTLE_MS
      const finished = await count()
      const at = performance.now()
      usage = usageOf(child.pid) ?? usage
      if (finished === 0) looks.length = 0
      if (looks.at(-1)?.finished !== messages) {
        looks.push({ at, finished, daemonCpuSeconds: daemon.cpuSeconds, ...usage })
      }
      if (finished === messages && endedAt !== undefined) break
      if (at > deadline) throw new Error(`${command} ${args.join(' ')}: ${finished} of ${messages}\n${log}`)
      await new Promise(resolve => setTimeout(resolve, POLL_MS))
    }
    if (child.exitCode !== 0) throw new Error(`${command} ended with ${child.exitCode}\n${log}`)
    return { ...sampleOf({ looks, peakRss: 0 }), wholeMs: endedAt - spawnedAt, peakRss: usage.peakRss }
  } finally {
    if (endedAt === undefined) kill()
    await ended
    process.off('exit', kill)
  }
}

/** Undefined when there is nothing to look at any more. */
function usageOf(pid = 0): { cpuSeconds: number; rss: number; peakRss: number } | undefined {
  try {
    const usage = { cpuSeconds: cpuSecondsOf(pid), rss: rssOf(pid), peakRss: peakRssOf(pid) }
    // Of a process that has ended and is not waited for yet, Linux says no memory.
    return Number.isNaN(usage.peakRss) ? undefined : usage
  } catch {
    return undefined
  }
}
