import { existsSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorText, NsqError } from '../util/errors.ts'
import { tryLock } from '../util/lock-file.ts'

const FILE_NAME = 'nsqd.lock'

/**
 * Makes this process the only nsqd on a data path, which is created when missing; a lock left by a process that is gone
 * is taken over. Returns the function that gives the lock back.
 *
 * @throws NsqError E_DATA_PATH when the path cannot be written to, E_DATA_PATH_LOCKED when another nsqd holds it.
 */
export function lockDataPath(dataPath: string): () => void {
  const attempt = attemptTo(dataPath)
  if (attempt.release === undefined) throw locked(dataPath, attempt.holder?.pid)
  return attempt.release
}

function attemptTo(dataPath: string): ReturnType<typeof tryLock> {
  try {
    makeFolder(dataPath)
    // Without a host name: a container keeps its data, and gets another name each time it is made.
    return tryLock(join(realpathSync(dataPath), FILE_NAME))
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
