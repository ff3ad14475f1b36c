/** The contexts that the user keeps, as the file has them. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorText, NsqError } from '../../util/errors.ts'
import { suggest } from '../../util/suggest.ts'
import { TomlDamage } from '../toml.ts'
import { contextsFile } from './folders.ts'
import { CONTEXT_KEYS, type ContextKey, withoutEmpty } from './keys.ts'
import type { ContextValues } from './named-context.ts'
import { parseContextsToml } from './toml.ts'

export interface KeptContext {
  readonly values: ContextValues
  /** What means nothing in it. */
  readonly notes: readonly string[]
}

export interface Contexts {
  /** Undefined where there is no home folder to keep them in. */
  readonly file: string | undefined
  /** The name of the current one, which need not be there. */
  readonly current: string | undefined
  /** By name, in the order of the file. */
  readonly contexts: ReadonlyMap<string, KeptContext>
  /** What means nothing beside them. */
  readonly notes: readonly string[]
}

/**
 * Reads the file of contexts; without one there are none.
 *
 * @throws NsqError `E_CONTEXT` naming the file, and the line where one is to blame
 */
export async function readContexts(env: Readonly<Record<string, string | undefined>>): Promise<Contexts> {
  const file = contextsFile(env)
  const text = file === undefined ? undefined : readText(file)
  if (file === undefined || text === undefined)
    return { file, current: undefined, contexts: new Map(), notes: [] }
  return { file, ...(await parseContexts(file, text)) }
}

/** The names of the contexts, for completion; none when they cannot be read. */
export async function contextNames(env: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  try {
    return [...(await readContexts(env)).contexts.keys()]
  } catch {
    return []
  }
}

/** Undefined when there is no such file. */
export function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) {
      return undefined
    }
    throw new NsqError('E_CONTEXT', `cannot read the contexts: ${errorText(error)}`, {
      cause: error,
      remedy: `Make ${file} readable for you, or go without it: --context none.`,
    })
  }
}

/** @throws NsqError `E_CONTEXT` */
export async function parseContexts(file: string, text: string): Promise<Omit<Contexts, 'file'>> {
  let parsed: unknown
  try {
    parsed = await parseContextsToml(text)
  } catch (error) {
    if (!(error instanceof TomlDamage)) throw error
    throw damaged(`${file}:${error.line}`, `it is not TOML: ${error.message}`)
  }
  const root = entriesOf(parsed)
  const place = (...keys: string[]): string => `${file}:${lineOf(text, keys)}`
  const current = root.get('current')
  if (current !== undefined && typeof current !== 'string') {
    throw damaged(place('current'), 'current is to be the name of a context, in quotes')
  }
  const tables = root.get('contexts') ?? {}
  if (!isTable(tables)) throw damaged(place('contexts'), 'contexts is to be a table: [contexts.NAME]')
  const contexts = new Map<string, KeptContext>()
  for (const [name, table] of entriesOf(tables)) {
    if (!isTable(table))
      throw damaged(place('contexts', name), `${name} is to be a table: [contexts.${name}]`)
    contexts.set(name, readTable(entriesOf(table), { file, place: key => place('contexts', name, key) }))
  }
  const notes = Array.from(root.keys())
    .filter(key => !ROOT_KEYS.includes(key))
    .map(key => unknownKey(place(key), key, ROOT_KEYS))
  return { current, contexts, notes }
}

const ROOT_KEYS = ['current', 'contexts']

function unknownKey(place: string, key: string, known: readonly string[]): string {
  const near = suggest(key, known)
  const hint = near === undefined ? '' : ` (did you mean ${near}?)`
  return `${place}: the unknown key "${key}" is ignored${hint}`
}

interface Place {
  readonly file: string
  readonly place: (key: string) => string
}

function readTable(entries: ReadonlyMap<string, unknown>, { file, place }: Place): KeptContext {
  const values: Record<string, readonly string[]> = {}
  const notes: string[] = []
  for (const [key, value] of entries) {
    const known = Object.hasOwn(CONTEXT_KEYS, key) ? CONTEXT_KEYS[key] : undefined
    if (known === undefined) {
      notes.push(unknownKey(place(key), key, Object.keys(CONTEXT_KEYS)))
      continue
    }
    const written = textsOf(value, known.kind)
    if (written === undefined) throw damaged(place(key), `${key} is to be ${EXPECTED[known.kind]}`)
    const texts = withoutEmpty(written)
    if (texts.length === 0) continue
    values[key] = known.isPath === true ? texts.map(path => resolve(dirname(file), path)) : texts
  }
  return { values, notes }
}

const EXPECTED = {
  list: 'a text in quotes, or a list of such: ["10.0.0.1:4161", "10.0.0.2:4161"]',
  text: 'a text in quotes',
  switch: 'true or false',
  number: 'a number',
}

/** Undefined for a value of another kind. */
function textsOf(value: unknown, kind: ContextKey['kind']): readonly string[] | undefined {
  if (kind === 'switch') return typeof value === 'boolean' ? [String(value)] : undefined
  if (kind === 'number') return typeof value === 'number' ? [String(value)] : undefined
  if (typeof value === 'string') return [value]
  if (kind === 'text' || !Array.isArray(value)) return undefined
  const texts = value.filter(element => typeof element === 'string')
  return texts.length === value.length ? texts : undefined
}

function damaged(place: string, what: string): NsqError {
  return new NsqError('E_CONTEXT', `${place}: ${what}`, {
    remedy: 'Mend the file by hand, or go without it: --context none.',
  })
}

function isTable(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function entriesOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map(isTable(value) ? Object.entries(value) : [])
}

/** Where a key is, in a text that is TOML; where it is written in an unusual way, its table, or the first line. */
function lineOf(text: string, keys: readonly string[]): number {
  const [path, table] = [plain(keys.join('.')), plain(keys.slice(0, -1).join('.'))]
  let header = ''
  let best = 1
  for (const [index, line] of text.split('\n').entries()) {
    const [, named] = /^\s*\[([^\]]*)\]/.exec(line) ?? []
    if (named !== undefined) {
      header = plain(named)
      if (header === path || header.startsWith(`${path}.`)) return index + 1
      if (header === table) best = index + 1
      continue
    }
    const [key = ''] = line.split('=')
    if (header === table && plain(key) === plain(keys.at(-1) ?? '')) return index + 1
  }
  return best
}

function plain(key: string): string {
  return key.replaceAll(/["'\s]/g, '')
}
