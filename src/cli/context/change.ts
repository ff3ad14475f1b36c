import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorText, NsqError } from '../../util/errors.ts'
import { tryLock } from '../../util/lock-file.ts'
import { type Contexts, parseContexts, readText } from './contexts.ts'
import { type Edits, editText } from './edit.ts'
import { contextsFile } from './folders.ts'

const PATIENCE_MS = 5000
const PAUSE_MS = 20

/**
 * Changes the contexts. Whoever else does so at the time waits, and whoever reads them sees them before the change or
 * after it.
 *
 * @param change - what is to be changed, given what is there; what it throws, changes nothing
 * @param patienceMs - how long to wait for others
 * @returns the file
 * @throws NsqError `E_CONTEXT` naming the file
 */
export async function changeContexts(
  env: Readonly<Record<string, string | undefined>>,
  change: (contexts: Contexts) => Edits,
  patienceMs = PATIENCE_MS,
): Promise<string> {
  const file = contextsFile(env)
  if (file === undefined) {
    throw new NsqError('E_CONTEXT', 'there is no place to keep contexts: HOME is not set', {
      remedy: 'Name a folder for them in NSQ_CONFIG_DIR.',
    })
  }
  const real = inFileSystem(file, () => {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    return realPath(file)
  })
  const release = await lock(real, patienceMs)
  try {
    const text = readText(real) ?? ''
    const edits = change({ file, ...(await parseContexts(file, text)) })
    const edited = await editText(file, text, edits)
    inFileSystem(file, () => replace(real, edited))
  } finally {
    release()
  }
  return file
}

/** It may be a link to a file that is kept elsewhere, and is to stay one. */
function realPath(file: string): string {
  try {
    return realpathSync(file)
  } catch {
    return file
  }
}

async function lock(file: string, patienceMs: number): Promise<() => void> {
  for (const deadline = performance.now() + patienceMs; ; await sleep(PAUSE_MS)) {
    const attempt = inFileSystem(file, () => tryLock(`${file}.lock`))
    if (attempt.release !== undefined) return attempt.release
    if (performance.now() < deadline) continue
    const who = attempt.holder === undefined ? 'somebody' : `process ${attempt.holder.pid}`
    throw new NsqError('E_CONTEXT', `${file} is being changed by ${who}`, {
      remedy: `If nobody does so, remove ${file}.lock.`,
    })
  }
}

function replace(file: string, text: string): void {
  const whole = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.new`
  try {
    const descriptor = openSync(whole, 'wx', 0o600)
    try {
      writeFileSync(descriptor, text)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(whole, file)
  } catch (error) {
    rmSync(whole, { force: true })
    throw error
  }
}

function inFileSystem<T>(file: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw new NsqError('E_CONTEXT', `cannot change ${file}: ${errorText(error)}`, { cause: error })
  }
}
