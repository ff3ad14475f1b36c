import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { isRunning, type ProcessIdentity, startOf } from './process-start.ts'

/**
 * Who holds a lock, which is a file that says so:
 *
 *     {"pid":1234,"started":"2b0f… 5678"}
 *     {"pid":1234,"started":"2b0f… 5678","hostname":"db1","purpose":"recovery"}
 */
export interface LockHolder extends ProcessIdentity {
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
  const other = removeStale(file, text, options.hostname)
  if (other !== undefined) return { release: undefined, holder: other.holder }
  if (!create(file, text)) return { release: undefined, holder: parseHolder(readText(file)) }
  held.set(file, holder)
  removeLitter(file, options.hostname)
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

/**
 * Makes the file, with this text from the first moment on, and durable: what a power cut leaves of it shall say whose it
 * was. False when there is one.
 */
function create(file: string, text: string): boolean {
  const whole = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    write(whole, text)
    linkSync(whole, file)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    if (!NO_LINKS.some(code => hasCode(error, code))) throw error
  } finally {
    rmSync(whole, { force: true })
  }
  return createInPlace(file, text)
}

/** What `link` says on a file system without hard links. */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']

/** There it is empty for a moment, in which it is taken for one being written. */
function createInPlace(file: string, text: string): boolean {
  try {
    write(file, text)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function write(file: string, text: string): void {
  const descriptor = openSync(file, 'wx')
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } catch (error) {
    // A full disk has room for an empty file, which would keep others out and name nobody.
    rmSync(file, { force: true })
    throw error
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Removes the lock file if its holder is gone, and returns the holder otherwise. Several may find it so at a time, and what
 * one of them has made since must not be removed by another: this takes a lock of its own, for that holder.
 */
function removeStale(
  file: string,
  text: string,
  hostname: string | undefined,
): { holder: LockHolder | undefined } | undefined {
  const stale = readText(file)
  if (stale === undefined) return undefined
  const other = holderIn(file, stale, hostname)
  if (other !== undefined) return other
  const guard = `${file}.${createHash('sha256').update(stale).digest('hex').slice(0, 12)}`
  if (!create(guard, text)) {
    // Who holds it may have died in the middle: what is left of that goes in the same way, and each level takes another death.
    const remover = removeStale(guard, text, hostname)
    if (remover !== undefined) return remover
    if (!create(guard, text)) return { holder: parseHolder(stale) }
  }
  try {
    if (readText(file) === stale) rmSync(file, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
  return undefined
}

/** What processes have left beside the file that were killed while they took it. */
function removeLitter(file: string, hostname: string | undefined): void {
  const folder = dirname(file)
  try {
    for (const name of readdirSync(folder)) {
      if (!name.startsWith(`${basename(file)}.`)) continue
      const path = join(folder, name)
      if (holderIn(path, readText(path), hostname) === undefined) rmSync(path, { force: true })
    }
  } catch {
    // It is in nobody's way.
  }
}

/** Who has the lock with this text; undefined when nobody has it any more. */
function holderIn(
  file: string,
  text: string | undefined,
  hostname: string | undefined,
): { holder: LockHolder | undefined } | undefined {
  const holder = parseHolder(text)
  const isHeld = holder === undefined ? isFresh(file) : isAlive(holder, hostname)
  return isHeld ? { holder } : undefined
}

function isAlive(holder: LockHolder, ours: string | undefined): boolean {
  if (ours !== undefined && holder.hostname !== undefined && holder.hostname !== ours) return true
  // This process keeps its own locks in `held`: a file with its number is from an earlier life of the container.
  return isRunning(holder)
}

function isFresh(file: string): boolean {
  try {
    // Either way: a clock may have been set back since, as by a reboot.
    return Math.abs(Date.now() - statSync(file).mtimeMs) < WRITING_MS
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
