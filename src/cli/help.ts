/**
 * `--help`, laid out from the definitions of the commands. yargs has a layout of its own, but it shows no placeholders for
 * values, and breaks the lines that are there to be copied.
 */
import { formatDuration } from '../util/duration.ts'
import type { Option, OptionTable } from '../util/option.ts'
import { envName, spelled } from '../util/option-values.ts'
import type { Painter } from './colour.ts'
import type { Command, CommandEntry, Example } from './command.ts'
import { groupMembers, groupWord } from './find-command.ts'

export interface HelpStyle {
  /** Of the terminal; 80 unless known. */
  columns: number | undefined
  painter: Painter
}

/** Longer lines are hard to read, however wide the terminal. */
const MAX_WIDTH = 100
const MIN_WIDTH = 40
/** Flags wider than this have their description below them. */
const MAX_FLAG_WIDTH = 30

/** The help of one command. `program` is what the user types: `nsq-ts pub`, or `to_nsq`. */
export function commandHelp(
  program: string,
  entry: CommandEntry,
  command: Command,
  table: OptionTable,
  style: HelpStyle,
): string {
  const { positional, description, examples } = command
  const { bold } = style.painter
  const width = textWidth(style)
  const argument = positional === undefined ? '' : ` [${positional.name}${positional.max > 1 ? '…' : ''}]`
  const someFlag = Object.keys(table).find(flag => table[flag]?.flagOnly !== true) ?? 'log-level'
  const sections = [
    `${bold(entry.summary)}.`,
    `${bold('Usage:')} ${program} [flags]${argument}`,
    ...description.map(paragraph => wrap(paragraph, width).join('\n')),
    ...(positional === undefined
      ? []
      : [section('Arguments', [[positional.name, positional.describe]], style)]),
    ...[...groups(table)].map(([title, rows]) => section(title, rows.map(optionRow), style)),
    exampleSection(examples, style),
    wrap(
      `Flags take one dash or two. Each can be set in the environment too: --${someFlag} is ${envName(someFlag)}. ` +
        'A duration is written like 250ms, 30s or 1m30s.',
      width,
    ).join('\n'),
  ]
  return sections.join('\n\n')
}

/** The list of commands. */
export function programHelp(program: string, entries: readonly CommandEntry[], style: HelpStyle): string {
  const { bold } = style.painter
  const examples = [
    { command: `${program} dev`, describe: 'start a local NSQ' },
    { command: `${program} tail --topic logs`, describe: 'print messages as they come' },
    { command: `${program} pub --topic logs < app.log`, describe: 'publish each line of a file' },
    {
      command: `${program} archive --topic logs --output /var/archive --gzip`,
      describe: 'write messages to files',
    },
  ]
  const rows = entries.flatMap((entry): Row[] => {
    const [word] = groupWord(entry, entries)
    if (word !== undefined) return groupRow(word, entry, entries)
    const { name, bin, summary } = entry
    const also = bin === undefined || bin === name ? '' : ` (${bin})`
    return [[name, `${summary}${also}`]]
  })
  return [
    `${bold('NSQ in one command')}: a local cluster, its daemons, and tools for any NSQ cluster.`,
    `${bold('Usage:')} ${program} COMMAND [flags]`,
    section('Commands', rows, style),
    exampleSection(examples, style),
    `${program} COMMAND --help shows the flags of a command, with examples.`,
  ].join('\n\n')
}

/** The commands that share a first word, each with its summary. `program` has that word: `nsq-ts topic`. */
export function groupHelp(program: string, members: readonly CommandEntry[], style: HelpStyle): string {
  const rows = members.map(({ name, summary }): Row => [lastWords(name), summary])
  return [
    `${style.painter.bold('Usage:')} ${program} COMMAND [flags]`,
    section('Commands', rows, style),
    `${program} COMMAND --help shows the flags of a command, with examples.`,
  ].join('\n\n')
}

/** One line for all commands of a group, at the place of the first. */
function groupRow(word: string, entry: CommandEntry, entries: readonly CommandEntry[]): Row[] {
  const members = groupMembers(word, entries)
  return entry === members[0] ? [[word, groupSummary(word, members)]] : []
}

/** `List, create and delete topics`. */
export function groupSummary(word: string, members: readonly CommandEntry[]): string {
  const verbs = members.map(({ name }) => lastWords(name))
  const last = verbs.pop() ?? ''
  const text = `${verbs.join(', ')} and ${last} ${word}s`
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function lastWords(name: string): string {
  return name.slice(name.indexOf(' ') + 1)
}

/** What stands on the left, and its description. */
type Row = [term: string, description: string]

export interface OptionRow {
  readonly flag: string
  readonly option: Option<unknown>
}

const LAST_GROUPS = ['General', 'Accepted for compatibility']

/** The flags to be shown, by their headings. */
export function groups(table: OptionTable): Map<string, OptionRow[]> {
  const byTitle = new Map<string, OptionRow[]>()
  for (const [flag, option] of Object.entries(table)) {
    if (option.hidden === true) continue
    const title = option.group ?? 'Flags'
    const rows = byTitle.get(title) ?? []
    rows.push({ flag, option })
    byTitle.set(title, rows)
  }
  for (const title of LAST_GROUPS) {
    const rows = byTitle.get(title)
    byTitle.delete(title)
    if (rows !== undefined) byTitle.set(title, rows)
  }
  return byTitle
}

function optionRow({ flag, option }: OptionRow): Row {
  return [flagTerm(flag, option), describe(option)]
}

function flagTerm(flag: string, { alias, kind, placeholder = 'VALUE' }: Option<unknown>): string {
  const names = alias === undefined ? [flag] : [alias, flag]
  const spelt = names.map(spelled).join(', ')
  return kind === 'bool' ? spelt : `${spelt} ${placeholder}`
}

function describe(option: Option<unknown>): string {
  const fallback = defaultText(option)
  return fallback === undefined ? option.describe : `${option.describe} (default: ${fallback})`
}

/** What it is without the flag; undefined when that needs no words. */
export function defaultText({
  kind,
  default: value,
  defaultText: text,
}: Option<unknown>): string | undefined {
  if (text !== undefined) return text
  if (value === undefined || value === false || value === '' || value === 0) return undefined
  if (typeof value === 'number') return kind === 'duration' ? formatDuration(value) : String(value)
  if (typeof value === 'string') return value.endsWith(' ') ? JSON.stringify(value) : value
  return value === true ? 'true' : undefined
}

function section(title: string, rows: readonly Row[], style: HelpStyle): string {
  const widest = Math.max(...rows.map(([term]) => (term.length > MAX_FLAG_WIDTH ? 0 : term.length)))
  const indent = ' '.repeat(2 + widest + 2)
  const lines = [style.painter.bold(`${title}:`)]
  for (const [term, description] of rows) {
    const [first = '', ...rest] = wrap(description, textWidth(style) - indent.length)
    if (term.length > widest) lines.push(`  ${term}`, indent + first)
    else lines.push(`  ${term.padEnd(widest)}  ${first}`)
    for (const line of rest) lines.push(indent + line)
  }
  return lines.join('\n')
}

/** Each example is one line, to be copied whole. */
function exampleSection(examples: readonly Example[], { painter }: HelpStyle): string {
  const lines = [painter.bold('Examples:')]
  for (const { command, describe } of examples) {
    lines.push(`  ${painter.dim(`# ${describe}`)}`, `  ${command}`)
  }
  return lines.join('\n')
}

function textWidth({ columns = 80 }: HelpStyle): number {
  return Math.max(MIN_WIDTH, Math.min(columns, MAX_WIDTH))
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines
}
