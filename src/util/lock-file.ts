import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * Who holds a lock, which is a file that says so:
 *
 *     {"pid":1234,"started":"2b0f… 5678"}
 *     {"pid":1234,"started":"2b0f… 5678","hostname":"db1","purpose":"recovery"}
 */
export interface LockHolder {
  readonly pid: number
  /**
   * Tells the process from a later one with the same number, as after a reboot or in a container, where the first process
   * always has number 1. Null where the system does not tell.
   */
  readonly started: string | null
  readonly hostname?: string
  readonly purpose?: string
}

export interface LockOptions {
  /**
   * The name of this machine, for a lock that machines share: one that was taken under another name is never taken over.
   * Without it, every process that holds the lock is taken for one of this machine.
   */
  readonly hostname?: string
  /** What the lock is taken for, shown to whoever finds it taken. */
  readonly purpose?: string
}

export type LockAttempt =
  | {
      /** Gives the lock back; a second call does nothing. */
      readonly release: () => void
    }
  | {
      readonly release: undefined
      /** Who has the lock; undefined when that cannot be read, as while it is being written. */
      readonly holder: LockHolder | undefined
    }

/** How long a lock that cannot be read is taken for one being written. */
const WRITING_MS = 5000

/** Files locked by this process, by their real path. */
const held = new Map<string, LockHolder>()

/**
 * Takes the lock that is this file, in a folder that exists, if nobody has it. What was left by a process that is gone
 * is taken over. Throws what the file system throws.
 */
export function tryLock(path: string, options: LockOptions = {}): LockAttempt {
  const file = join(realpathSync(dirname(path)), basename(path))
  const mine = held.get(file)
  if (mine !== undefined) return { release: undefined, holder: mine }
  const holder: LockHolder = { pid: process.pid, started: startOf(process.pid), ...options }
  const text = JSON.stringify(holder)
  // The second try is for a stale lock that the first one has removed.
  if (!create(file, text)) {
    const other = removeStale(file, options.hostname)
    if (other !== undefined) return { release: undefined, holder: other.holder }
    if (!create(file, text)) return { release: undefined, holder: parseHolder(readText(file)) }
  }
  held.set(file, holder)
  let isReleased = false
  return {
    release: () => {
      if (isReleased) return
      isReleased = true
      held.delete(file)
      if (readText(file) === text) rmSync(file, { force: true })
    },
  }
}

function create(file: string, text: string): boolean {
  let descriptor: number
  try {
    descriptor = openSync(file, 'wx')
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
  try {
    writeFileSync(descriptor, text)
    // What a power cut leaves of it shall say whose it was, or it is taken for one being written.
    fsyncSync(descriptor)
    return true
  } catch (error) {
    // A full disk has room for an empty file, which would keep others out and name nobody.
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/** Removes the lock file if its holder is gone, and returns the holder otherwise. */
function removeStale(
  file: string,
  hostname: string | undefined,
): { holder: LockHolder | undefined } | undefined {
  const text = readText(file)
  if (text === undefined) return undefined
  const holder = parseHolder(text)
  if (holder === undefined ? isFresh(file) : isAlive(holder, hostname)) return { holder }
  // Another process may be doing the same. Moved aside first, so that one it has just created is noticed and put back.
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
  } catch {
    return undefined
  }
  const moved = readText(aside)
  if (moved !== undefined && moved !== text) {
    create(file, moved)
    rmSync(aside, { force: true })
    return { holder: parseHolder(moved) }
  }
  rmSync(aside, { force: true })
  return undefined
}

function isAlive({ pid, started, hostname }: LockHolder, ours: string | undefined): boolean {
  if (ours !== undefined && hostname !== undefined && hostname !== ours) return true
  // This process keeps its own locks in `held`: a file with its number is from an earlier life of the container.
  if (pid === process.pid && (started === null || started !== startOf(pid))) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if (!hasCode(error, 'EPERM')) return false
  }
  const actual = startOf(pid)
  if (actual === DEAD) return false
  return started === null || actual === null || started === actual
}

/** Stands for the start of a process that has ended. */
const DEAD = 'dead'

/**
 * When a process started, as text that no other process with its number has: the boot and the clock tick, from
 *
 *     /proc/PID/stat: 1234 (name) S 1 1234 … starttime is the 20th field after the closing parenthesis
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // Ended, but not yet waited for by its parent.
    if (fields[0] === 'Z' || fields[0] === 'X') return DEAD
    const tick = fields[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return tick === undefined ? null : `${boot} ${tick}`
  } catch {
    return null
  }
}

function isFresh(file: string): boolean {
  try {
    return Date.now() - statSync(file).mtimeMs < WRITING_MS
  } catch {
    return false
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function parseHolder(text: string | undefined): LockHolder | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '')
    if (typeof value !== 'object' || value === null || !('pid' in value)) return undefined
    const { pid } = value
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
    return {
      pid,
      started: 'started' in value && typeof value.started === 'string' ? value.started : null,
      ...('hostname' in value && typeof value.hostname === 'string' ? { hostname: value.hostname } : {}),
      ...('purpose' in value && typeof value.purpose === 'string' ? { purpose: value.purpose } : {}),
    }
  } catch {
    return undefined
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
