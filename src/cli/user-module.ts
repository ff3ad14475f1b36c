import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorText } from '../util/errors.ts'
import { UsageError } from './errors.ts'

/** What a module of the user's exports by default. What it takes and returns is for the caller to say, and to check. */
export type UserFunction = (argument: unknown) => unknown

/** How long a module may take to load: one that waits for something may never be there. */
const PATIENCE_MS = 30_000

/**
 * Loads a module of the user's and takes its default export, a function.
 *
 * @param flag - what named it, for messages: `--map`
 * @param folder - what its path is relative to
 * @param signal - gives it up
 * @param patienceMs - how long it may take
 * @throws UsageError when it cannot be loaded, or has no such export
 */
export async function loadUserFunction(
  flag: string,
  path: string,
  folder: string,
  signal: AbortSignal,
  patienceMs: number = PATIENCE_MS,
): Promise<UserFunction> {
  const file = resolve(folder, path)
  if (path === '' || !(await isFile(file))) {
    throw new UsageError(
      path === '' ? `${flag} is empty` : `${flag}: there is no file ${file}`,
      'Name an ES module, such as ./map.js.',
    )
  }
  const exported = await load(flag, file, signal, patienceMs)
  if (isFunction(exported)) return exported
  throw new UsageError(
    `${flag}: ${file} has no function as its default export`,
    'It must export one: export default message => …',
  )
}

async function isFile(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ?? false
}

async function load(flag: string, file: string, signal: AbortSignal, patienceMs: number): Promise<unknown> {
  // It also keeps the process alive, which otherwise ends without a word when an `await` of the module has no end.
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took more than ${patienceMs / 1000} s`)), patienceMs)
    const giveUp = (): void => reject(new Error('it was given up'))
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
  try {
    const loading: Promise<{ readonly default?: unknown }> = import(pathToFileURL(file).href)
    const module = await Promise.race([loading, late])
    return module.default
  } catch (error) {
    const what = `${flag}: ${file} cannot be loaded: ${errorText(error)}`
    throw new UsageError(what, remedyFor(file, error))
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Hears of promises of the user's functions that fail and that nobody waits for, as the second of two that a function has
 * begun when it fails with the first: they end no process.
 *
 * @returns what stops it
 */
export function hearStrayRejections(heard: (reason: unknown) => void): () => void {
  process.on('unhandledRejection', heard)
  return () => process.off('unhandledRejection', heard)
}

function remedyFor(file: string, error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (/\.[cm]?tsx?$/.test(file) && /^ERR_(UNKNOWN_FILE_EXTENSION|.*TYPESCRIPT.*)$/.test(code)) {
    return `Compile it to JavaScript: Node ${process.version} does not take its types off.`
  }
  if (error instanceof SyntaxError) {
    return `It must be an ES module (.mjs, or .js below a package.json with "type": "module"); node --check shows the line.`
  }
  return undefined
}

function isFunction(value: unknown): value is UserFunction {
  return typeof value === 'function'
}
