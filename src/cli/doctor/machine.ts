import { execFile } from 'node:child_process'
import { statfs, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { DiskFacts, MachineFacts, NsqdFacts } from './facts.ts'
import { isHere } from './names.ts'

/** An nsqd, official or ours, keeps it in its folder. */
const MARK = 'nsqd.dat'

export async function lookAtMachine(nsqds: readonly NsqdFacts[]): Promise<MachineFacts> {
  const [files, disks] = await Promise.all([openFiles(), Promise.all(nsqds.map(diskOf))])
  return {
    nodeVersion: process.version,
    openFiles: files,
    disks: disks.filter(disk => disk !== undefined),
  }
}

/** The hard limit: Node and Go raise theirs to it. Undefined where there is none, or no shell to tell it. */
async function openFiles(): Promise<number | undefined> {
  if (process.platform === 'win32') return undefined
  try {
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', 'ulimit -Hn'], { timeout: 2000 })
    const limit = Number(stdout.trim())
    return Number.isSafeInteger(limit) ? limit : undefined
  } catch {
    return undefined
  }
}

/** Of an nsqd that runs on this machine, and not in a container with another file system. */
async function diskOf({ name, http }: NsqdFacts): Promise<DiskFacts | undefined> {
  const path = http?.config.dataPath
  // A relative one is relative to the folder that nsqd was started in.
  if (path === undefined || !path.startsWith('/')) return undefined
  if (http?.name.addresses.some(isHere) !== true) return undefined
  try {
    await stat(join(path, MARK))
    const { bsize, bavail, blocks, files, ffree } = await statfs(path)
    return {
      path,
      nsqd: name,
      free: bavail * bsize,
      size: blocks * bsize,
      freeFiles: files === 0 ? undefined : ffree,
    }
  } catch {
    return undefined
  }
}
