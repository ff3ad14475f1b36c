import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { deadlineFor } from '../contestants.ts'
import { Daemon } from '../daemon.ts'
import type { BenchOptions } from '../family.ts'
import { median } from '../measure.ts'
import { scratchFolder } from '../scratch.ts'
import { fill, prepare } from './fill.ts'
import type { Backlog, RestartLine } from './lines.ts'

/** The least that a daemon of Node takes. */
const BARE = "require('net').createServer().listen(0, '127.0.0.1', () => console.log('listening'))"
/** The official nsqd with all of a backlog on disk, as ours has it. */
const PEER_FLAGS = ['--mem-queue-size=0']

/** What is measured differs less than in most lines, and takes longer to make. */
const MOST_ROUNDS = 3

/** One start. */
export interface Restart {
  /** From the spawn to the answer to `/ping`, in ms. */
  readonly ready: number
  /** How long the stop before it took, in ms. */
  readonly stopped: number
  /** Highest resident memory by then, in bytes. */
  readonly peakRss: number
  /** Processor time by then, in seconds. */
  readonly cpuSeconds: number
}

export interface BacklogResult {
  readonly backlog: Backlog
  readonly ours: Restart
  readonly peer: Restart | undefined
  readonly rounds: readonly Restart[]
}

export interface RestartResult {
  readonly line: RestartLine
  readonly backlogs: readonly BacklogResult[]
  /** Until a bare program listens, in ms. */
  readonly bare: number
}

type MeasureOptions = Pick<BenchOptions, 'rounds' | 'scale' | 'peer' | 'profile'>

/** Fills a data path for each backlog, and starts again on it several times. What the system has cached stays so. */
export async function measureRestart(line: RestartLine, options: MeasureOptions): Promise<RestartResult> {
  const { scale, peer, profile } = options
  const rounds = Math.min(options.rounds, MOST_ROUNDS)
  const bare: number[] = []
  const backlogs: BacklogResult[] = []
  for (const each of line.backlogs) {
    const backlog = { ...each, messages: Math.ceil(each.messages * scale.backlog) }
    const ours = await restarts(line, backlog, rounds, { profile }, [])
    // kill -9 costs the official one what it has not written down: there is nothing to compare.
    const compared = peer !== '' && line.signal === 'SIGTERM'
    const other = compared ? await restarts(line, backlog, rounds, { path: peer }, PEER_FLAGS) : undefined
    for (let round = 0; round < rounds; round++) bare.push(await startBare())
    backlogs.push({ backlog, ours: medianOf(ours), peer: other && medianOf(other), rounds: ours })
  }
  return { line, backlogs, bare: median(bare) }
}

async function restarts(
  { signal }: RestartLine,
  backlog: Backlog,
  rounds: number,
  options: { readonly path?: string; readonly profile?: string },
  flags: readonly string[],
): Promise<Restart[]> {
  const scratch = scratchFolder()
  const folder = scratch.path
  try {
    prepare(folder, backlog)
    const first = await Daemon.start(flags, { ...options, profile: '', folder })
    let left = 0
    let stopped = 0
    try {
      await fill(first, backlog)
      left = await first.unfinished('')
    } finally {
      stopped = await timed(() => first.stop(signal))
    }
    const samples: Restart[] = []
    for (let round = 0; round < rounds; round++) {
      const began = performance.now()
      const deadlineMs = deadlineFor(left)
      const daemon = await Daemon.start(flags, { ...options, folder, deadlineMs })
      try {
        await daemon.ping()
        const ready = performance.now() - began
        samples.push({ ready, stopped, peakRss: daemon.peakRss, cpuSeconds: daemon.cpuSeconds })
        const found = await daemon.unfinished('')
        if (found !== left)
          throw new Error(`${left} messages were left, and ${found} are there (${backlog.what})`)
      } finally {
        stopped = await timed(() => daemon.stop(signal))
      }
    }
    return samples
  } finally {
    scratch.remove()
  }
}

/** Milliseconds. */
async function timed(act: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await act()
  return performance.now() - began
}

/** Milliseconds until a bare program of Node listens. */
async function startBare(): Promise<number> {
  const began = performance.now()
  const child: ChildProcess = spawn(process.execPath, ['-e', BARE], { stdio: ['ignore', 'pipe', 'inherit'] })
  const kill = (): boolean => child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'exit')
  if (child.stdout !== null) await Promise.race([once(child.stdout, 'data'), ended])
  const took = performance.now() - began
  kill()
  await ended
  process.off('exit', kill)
  return took
}

function medianOf(samples: readonly Restart[]): Restart {
  const of = (part: keyof Restart): number => median(samples.map(sample => sample[part]))
  return {
    ready: of('ready'),
    stopped: of('stopped'),
    peakRss: of('peakRss'),
    cpuSeconds: of('cpuSeconds'),
  }
}
