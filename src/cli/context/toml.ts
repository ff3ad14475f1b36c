/**
 * The little TOML that our own file of contexts needs:
 *
 *     # a comment
 *     current = "prod"
 *
 *     [contexts.prod]
 *     lookupd-http-address = ["10.0.0.1:4161", "10.0.0.2:4161"]
 *     tls = true
 *     deflate-level = 6
 *
 * Whatever a person has written beyond that is read by the package for TOML, which takes longer to load than most commands
 * take to read the file.
 */

export type TomlValue = string | number | boolean | readonly string[]
export interface TomlTable {
  [key: string]: TomlValue | TomlTable
}

const NAME = String.raw`[\w-]+`
// A text without escapes, and without control characters.
const TEXT = String.raw`"([^"\\\p{Cc}]*)"`
const HEADER = new RegExp(String.raw`^\[contexts\.(?:(${NAME})|${TEXT})\]$`, 'u')
// Spaces and tabs are all that may stand between: what else is white to JavaScript is a mistake to TOML.
const ENTRY = new RegExp(String.raw`^(${NAME})[ \t]*=[ \t]*([^ \t].*)$`, 'u')
const WHOLE_TEXT = new RegExp(`^${TEXT}$`, 'u')
const LIST = new RegExp(String.raw`^\[[ \t]*(?:${TEXT}(?:[ \t]*,[ \t]*${TEXT})*)?[ \t]*\]$`, 'u')

/** @throws TomlDamage */
export async function parseContextsToml(text: string): Promise<unknown> {
  return parsePlain(text) ?? (await import('../toml.ts')).parseToml(text)
}

/** Undefined for what has more to it than we write. */
export function parsePlain(text: string): TomlTable | undefined {
  const root: TomlTable = emptyTable()
  let contexts: TomlTable | undefined
  let table = root
  for (const raw of text.split(/\r?\n/)) {
    const line = trimmed(raw)
    if (line === '' || /^#[^\p{Cc}]*$/u.test(line)) continue
    const header = HEADER.exec(line)
    if (header !== null) {
      const name = header[1] ?? header[2] ?? ''
      contexts ??= root['contexts'] === undefined ? (root['contexts'] = emptyTable()) : undefined
      if (contexts === undefined || name in contexts) return undefined
      table = contexts[name] = emptyTable()
      continue
    }
    const [, key = '', written = ''] = ENTRY.exec(line) ?? []
    const value = plainValue(written)
    if (key === '' || value === undefined || key in table) return undefined
    table[key] = value
  }
  return root
}

function trimmed(line: string): string {
  let [start, end] = [0, line.length]
  while (isBlank(line[start])) start++
  while (end > start && isBlank(line[end - 1])) end--
  return line.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** Names such as `constructor` are names like others. */
function emptyTable(): TomlTable {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object without anything is a table
  return Object.create(null) as TomlTable
}

function plainValue(written: string): TomlValue | undefined {
  if (written === 'true' || written === 'false') return written === 'true'
  if (/^(?:0|[1-9]\d{0,8})$/.test(written)) return Number(written)
  const text = WHOLE_TEXT.exec(written)?.[1]
  if (text !== undefined) return text
  if (!LIST.test(written)) return undefined
  return Array.from(written.matchAll(new RegExp(TEXT, 'gu')), ([, element = '']) => element)
}

/** `[contexts.prod]` and what is in it, as lines. */
export function writeTable(name: string, table: Readonly<Record<string, TomlValue>>): string[] {
  const header = new RegExp(`^${NAME}$`).test(name) ? name : writeText(name)
  return [
    `[contexts.${header}]`,
    ...Object.entries(table).map(([key, value]) => `${key} = ${writeValue(value)}`),
  ]
}

export function writeValue(value: TomlValue): string {
  if (typeof value === 'string') return writeText(value)
  return typeof value === 'object' ? `[${value.map(writeText).join(', ')}]` : String(value)
}

/** What JSON escapes, TOML does too, and the same way; but for DEL, which JSON leaves. */
function writeText(text: string): string {
  return JSON.stringify(text).replaceAll('\u007f', '\\u007f')
}
