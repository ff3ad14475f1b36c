import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Daemon } from '../daemon.ts'
import { drain, type DrainRun } from '../drain.ts'
import { scratchFolder } from '../scratch.ts'

const OURS = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
/** The end of a backlog fills no batch: it is not to wait for half a minute. */
const SYNC_INTERVAL = '--sync-interval=50ms'

export const CHANNEL = 'nsq_to_file'

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
export async function runArchive(daemon: Daemon, job: ArchiveJob): Promise<DrainRun> {
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
  const [command, ...args] =
    official === '' ? [process.execPath, ...node, OURS, 'archive', ...flags] : [official, ...flags]
  try {
    return await drain(daemon, { command, args, topic, messages, deadlineMs: job.deadlineMs })
  } finally {
    scratch.remove()
  }
}
