import { type Command, type CommandEntry, commonOptions, type Example } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { defaultText, groups, type OptionRow } from '../../src/cli/help.ts'
import type { Option, OptionTable } from '../../src/util/option.ts'
import { configKey, envName, spelled } from '../../src/util/option-values.ts'
import { exitStatus } from './exit-status.ts'
import { type Page, upperFirst } from './page.ts'
import { bold, entry, italic, paragraph, prose, roff, section, verbatim } from './roff.ts'

/** A command under one of its names. */
export interface Named {
  readonly entry: CommandEntry
  readonly command: Command
  /** As it is typed: `nsq-ts tail`, `nsq_tail`. */
  readonly program: string
  /** Pages of commands that are near it. */
  readonly related: readonly string[]
}

/** What `--help` says, and what is the same for all commands. */
export function commandPage({ entry: named, command, program, related }: Named): Page {
  const { name, bin, summary } = named
  const table = { ...command.options, ...commonOptions, ...command.options }
  const { description, positional, examples } = command
  const isOther = bin !== undefined && bin !== name
  const also = !isOther ? undefined : program === bin ? `nsq-ts ${name}` : bin
  return {
    name: program.replaceAll(' ', '-'),
    summary,
    sections: [
      section('SYNOPSIS', synopsis(program, positional), ...(also === undefined ? [] : ['.br', synopsis(also, positional)])),
      section('DESCRIPTION', ...description.map(paragraph)),
      ...(positional === undefined
        ? []
        : [section('ARGUMENTS', entry(italic(positional.name), prose(sentence(positional.describe))))]),
      section('OPTIONS', paragraph(ABOUT_FLAGS), ...[...groups(table)].map(group)),
      environment(table),
      ...files(table),
      exitStatus(name),
      section('EXAMPLES', ...examples.map(each => example(each, named, program))),
    ],
    seeAlso: ['nsq-ts', ...(also === undefined ? [] : [also.replaceAll(' ', '-')]), ...related],
  }
}

const ABOUT_FLAGS =
  'A flag takes one dash or two, and its value after a space or an equals sign. A switch is turned off by ' +
  '=false. A duration is written like 250ms, 30s or 1m30s.'

/** Of several arguments the last may be repeated. */
function synopsis(program: string, positional: Command['positional']): string {
  const names = positional === undefined ? [] : positional.name.split(' ')
  const isMore = (positional?.max ?? 0) > names.length
  const shown = names.map((name, index) => `[${italic(name)}${isMore && index === names.length - 1 ? ' ...' : ''}]`)
  return [bold(program), `[${italic('flags')}]`, ...shown].join(' ')
}

function group([title, rows]: readonly [string, readonly OptionRow[]]): string {
  return [`.SS ${roff(title)}`, ...rows.map(option)].join('\n')
}

function option({ flag, option }: OptionRow): string {
  const fallback = defaultText(option)
  const text = sentence(option.describe)
  return entry(term(flag, option), prose(fallback === undefined ? text : `${text} Default: ${fallback}.`))
}

/** What is typed as it stands is bold, what stands for something else is not. */
function term(flag: string, { alias, choices, kind, placeholder = 'VALUE' }: Option<unknown>): string {
  const names = alias === undefined ? [flag] : [alias, flag]
  const spelt = names.map(name => bold(spelled(name))).join(', ')
  if (kind === 'bool') return spelt
  return `${spelt} ${choices === undefined ? italic(placeholder) : choices.map(bold).join(' | ')}`
}

function environment(table: OptionTable): string {
  const variables = Object.entries(table)
    .filter(([, { flagOnly, hidden }]) => flagOnly !== true && hidden !== true)
    .map(([flag]) => bold(envName(flag)))
  return section(
    'ENVIRONMENT',
    paragraph('What is not given by a flag is taken from the variable of its name:'),
    '.PP',
    variables.join(',\n') + '.',
    entry(`${bold('NO_COLOR')}, ${bold('FORCE_COLOR')}`, 'Colours off, or on where there is no terminal.'),
  )
}

/** How the flags of a daemon are called in its TOML file. */
function files(table: OptionTable): string[] {
  if (!('config' in table)) return []
  const renamed = Object.entries(table)
    .filter(([flag, each]) => each.config !== undefined && configKey(flag, each) !== flag)
    .map(([flag, each]) => entry(bold(spelled(flag)), `is called ${bold(configKey(flag, each))} there.`))
  const rule =
    'A TOML file, named by --config, holds flags with underscores in place of dashes: tcp_address. The environment ' +
    'wins over it.'
  return [section('FILES', paragraph(rule), ...renamed)]
}

/** In the page of an official name the examples have that name, too. */
function example({ command, describe }: Example, { name }: CommandEntry, program: string): string {
  const longer = commands.filter(each => each.name.startsWith(`${name} `)).map(each => each.name.slice(name.length))
  const others = longer.map(rest => `(?!${rest}\\b)`).join('')
  const own = new RegExp(`(?<![\\w-])nsq-ts ${name}${others}(?= |$)`, 'g')
  return `${paragraph(`${upperFirst(describe)}:`)}\n${verbatim(command.replaceAll(own, program))}`
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
