import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorText } from '../util/errors.ts'
import { UsageError } from './errors.ts'

/** What a module of the user's exports by default. What it takes and returns is for the caller to say, and to check. */
export type UserFunction = (argument: unknown) => unknown

/**
 * Loads a module of the user's and takes its default export, a function.
 *
 * @param flag - what named it, for messages: `--map`
 * @param folder - what its path is relative to
 * @throws UsageError when it cannot be loaded, or has no such export
 */
export async function loadUserFunction(flag: string, path: string, folder: string): Promise<UserFunction> {
  const file = resolve(folder, path)
  if (path === '' || !(await isFile(file))) {
    throw new UsageError(
      path === '' ? `${flag} is empty` : `${flag}: there is no file ${file}`,
      'Name an ES module, such as ./map.js.',
    )
  }
  const exported = await load(flag, file)
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

async function load(flag: string, file: string): Promise<unknown> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(file).href)
    return module.default
  } catch (error) {
    const what = `${flag}: ${file} cannot be loaded: ${errorText(error)}`
    throw new UsageError(what, remedyFor(file, error))
  }
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
