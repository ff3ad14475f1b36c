/** Changes to the text of the file of contexts, which leave what a person has written around them as it is. */
import { isDeepStrictEqual } from 'node:util'
import { type Contexts, parseContexts } from './contexts.ts'
import { CONTEXT_KEYS } from './keys.ts'
import type { ContextValues } from './named-context.ts'
import { type TomlValue, writeTable, writeValue } from './toml.ts'

export interface Edits {
  /** Names of contexts to remove. */
  readonly remove?: readonly string[]
  /** A context to add; one of its name is replaced. */
  readonly put?: { readonly name: string; readonly values: ContextValues }
  /** The name of the current one; null for none. */
  readonly current?: string | null
}

type Model = Pick<Contexts, 'current' | 'contexts'>

/**
 * The text with these changes. It is changed in place where that can be done; where a person has written it so that it
 * cannot, it is written anew, without their comments.
 *
 * @throws NsqError `E_CONTEXT` for a text that cannot be understood
 */
export async function editText(file: string, text: string, edits: Edits): Promise<string> {
  const before = await parseContexts(file, text)
  const wanted = changed(before, edits)
  const edited = inPlace(text, edits)
  const after = await parseContexts(file, edited).catch(() => undefined)
  return after !== undefined && isDeepStrictEqual(valuesOf(after), wanted) ? edited : anew(wanted)
}

interface Values {
  readonly current: string | undefined
  /** In no order: it is the same file. */
  readonly contexts: Readonly<Record<string, ContextValues>>
}

function valuesOf({ current, contexts }: Model): Values {
  return {
    current,
    contexts: Object.fromEntries(Array.from(contexts, ([name, { values }]) => [name, values])),
  }
}

function changed(before: Model, { remove = [], put, current }: Edits): Values {
  const values = valuesOf(before)
  const kept = Object.entries(values.contexts).filter(([name]) => !remove.includes(name))
  return {
    current: current === undefined ? values.current : (current ?? undefined),
    contexts: Object.fromEntries(put === undefined ? kept : [...kept, [put.name, put.values]]),
  }
}

function inPlace(text: string, { remove = [], put, current }: Edits): string {
  let lines = text.split('\n')
  for (const name of put === undefined ? remove : [...remove, put.name]) lines = withoutTable(lines, name)
  if (current !== undefined) lines = withCurrent(lines, current)
  while (lines.at(-1)?.trim() === '') lines.pop()
  while (lines[0]?.trim() === '') lines.shift()
  if (put !== undefined) lines = [...lines, ...(lines.length === 0 ? [] : ['']), ...tableOf(put)]
  return `${lines.join('\n')}\n`
}

function tableOf({ name, values }: NonNullable<Edits['put']>): string[] {
  const table: Record<string, TomlValue> = {}
  for (const [key, { kind }] of Object.entries(CONTEXT_KEYS)) {
    const texts = values[key]
    const [text] = texts ?? []
    if (texts === undefined || text === undefined) continue
    table[key] =
      kind === 'list' ? texts : kind === 'switch' ? text === 'true' : kind === 'number' ? Number(text) : text
  }
  return writeTable(name, table)
}

/** From its header to the next one, but for comments before that, which belong to it. */
function withoutTable(lines: readonly string[], name: string): string[] {
  const [header = ''] = writeTable(name, {})
  const start = lines.findIndex(line => line.trim() === header)
  if (start === -1) return [...lines]
  const next = lines.findIndex((line, index) => index > start && line.trim().startsWith('['))
  let end = next === -1 ? lines.length : next
  while (end < lines.length && lines[end - 1]?.trim().startsWith('#') === true) end--
  return [...lines.slice(0, start), ...lines.slice(end)]
}

function withCurrent(lines: readonly string[], name: string | null): string[] {
  const firstTable = lines.findIndex(line => line.trim().startsWith('['))
  const index = lines.findIndex(line => /^\s*current\s*=/.test(line))
  const isThere = index !== -1 && (firstTable === -1 || index < firstTable)
  if (name === null) return isThere ? lines.toSpliced(index, 1) : [...lines]
  const line = `current = ${writeValue(name)}`
  if (isThere) return lines.toSpliced(index, 1, line)
  // Comments at the top are about the file.
  const top = lines.findIndex(each => !each.trim().startsWith('#'))
  const place = top === -1 ? lines.length : top
  const rest = lines.slice(place)
  return [...lines.slice(0, place), line, ...(rest[0]?.trim() === '' ? [] : ['']), ...rest]
}

function anew({ current, contexts }: Values): string {
  const tables = Object.entries(contexts).map(([name, values]) => tableOf({ name, values }).join('\n'))
  return `${[...(current === undefined ? [] : [`current = ${writeValue(current)}`]), ...tables].join('\n\n')}\n`
}
