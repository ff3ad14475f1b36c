import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errorText, NsqError } from '../util/errors.ts'

/**
 * The lock of a data path is a file that names the process which holds it:
 *
 *     {"pid":1234,"started":"2b0f… 5678"}
 *
 * `started` tells the process from a later one with the same number, as after a reboot or in a container, where the
 * daemon always has number 1. It is null where the system does not tell.
 */
const FILE_NAME = 'nsqd.lock'

/** How long a lock that cannot be read is taken for one being written. */
const WRITING_MS = 5000

interface Holder {
  pid: number
  started: string | null
}

/** Data paths locked by this process, by their real path. */
const held = new Set<string>()

/**
 * Makes this process the only nsqd on a data path, which is created when missing; a lock left by a process that is gone
 * is taken over. Returns the function that gives the lock back.
 *
 * @throws NsqError E_DATA_PATH when the path cannot be written to, E_DATA_PATH_LOCKED when another nsqd holds it.
 */
export function lockDataPath(dataPath: string): () => void {
  const path = prepare(dataPath)
  if (held.has(path)) throw locked(dataPath, process.pid)
  const file = join(path, FILE_NAME)
  const text = JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder)
  // The second try is for a stale lock that the first one has removed.
  if (!create(dataPath, file, text)) {
    removeStale(dataPath, file)
    if (!create(dataPath, file, text)) throw locked(dataPath, readHolder(file)?.pid)
  }
  held.add(path)
  let isReleased = false
  return () => {
    if (isReleased) return
    isReleased = true
    held.delete(path)
    if (readText(file) === text) rmSync(file, { force: true })
  }
}

function prepare(dataPath: string): string {
  try {
    makeFolder(dataPath)
    return realpathSync(dataPath)
  } catch (error) {
    throw unusable(dataPath, error)
  }
}

/** With its parents. Node's own recursive mkdir never returns where folders cannot be made, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path)
}

function create(dataPath: string, file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw unusable(dataPath, error)
  }
}

/** Removes the lock file if its holder is gone, and throws otherwise. */
function removeStale(dataPath: string, file: string): void {
  const text = readText(file)
  if (text === undefined) return
  const holder = parseHolder(text)
  if (holder === undefined ? isFresh(file) : isAlive(holder)) throw locked(dataPath, holder?.pid)
  // Another nsqd may be doing the same. Moved aside first, so that one it has just created is noticed and put back.
  const aside = `${file}.${process.pid}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const moved = readText(aside)
  if (moved !== undefined && moved !== text) {
    create(dataPath, file, moved)
    rmSync(aside, { force: true })
    throw locked(dataPath, parseHolder(moved)?.pid)
  }
  rmSync(aside, { force: true })
}

function isAlive({ pid, started }: Holder): boolean {
  // This process keeps its own locks in `held`: a file with its number is from an earlier life of the container.
  if (pid === process.pid && (started === null || started !== startOf(pid))) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return false
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

function readHolder(file: string): Holder | undefined {
  const text = readText(file)
  return text === undefined ? undefined : parseHolder(text)
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value)) return undefined
    const { pid } = value
    if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0) return undefined
    return { pid, started: 'started' in value && typeof value.started === 'string' ? value.started : null }
  } catch {
    return undefined
  }
}

function locked(dataPath: string, pid: number | undefined): NsqError {
  const holder = pid === undefined ? '' : pid === process.pid ? ' of this process' : ` (pid ${pid})`
  return new NsqError('E_DATA_PATH_LOCKED', `the data path ${dataPath} is in use by another nsqd${holder}`, {
    remedy: 'Stop that nsqd, or give this one a --data-path of its own.',
  })
}

function unusable(dataPath: string, error: unknown): NsqError {
  return new NsqError('E_DATA_PATH', `cannot use the data path ${dataPath}: ${errorText(error)}`, {
    cause: error,
    remedy: 'Choose another --data-path, or let the user of this process write to it.',
  })
}
