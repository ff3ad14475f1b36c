/**
 * The one place that knows yargs: it parses command lines and lays out `--help`, from the same option tables. Loading it
 * takes longer than all of our own modules, so it is imported only when there is something to parse or to show.
 */
import type { Argv, Options } from 'yargs'
import { formatDuration } from '../util/duration.ts'
import { envName, type GivenOptions, type Option, type OptionTable } from '../util/option.ts'
import type { Command, CommandEntry } from './command.ts'
import { normalizeFlags } from './flags.ts'

export interface ParsedArguments {
  given: GivenOptions
  positionals: string[]
}

/** Splits a command line into flags and positional arguments. Throws UsageError. */
export async function parseArguments(args: readonly string[], table: OptionTable): Promise<ParsedArguments> {
  const parser = await newParser(quoteValues(normalizeFlags(args, table)))
  // Everything is text to yargs: the option itself parses it, and names what is wrong.
  for (const flag of Object.keys(table)) parser.option(flag, { type: 'string' })
  const { _: positionals, ...argv } = await parser.parseAsync()
  const given: Record<string, string | string[]> = {}
  for (const flag of Object.keys(table)) {
    const value = argv[flag]
    if (typeof value === 'string') given[flag] = value
    else if (Array.isArray(value)) given[flag] = value.map(String)
  }
  return { given, positionals: positionals.map(String) }
}

/** yargs takes a pair of quotes off a value after an equals sign, the user's own unless there is one around them. */
function quoteValues(args: readonly string[]): string[] {
  const end = args.indexOf('--')
  return args.map((arg, index) => {
    const equals = arg.startsWith('--') && (end === -1 || index < end) ? arg.indexOf('=') + 1 : 0
    return equals === 0 ? arg : `${arg.slice(0, equals)}"${arg.slice(equals)}"`
  })
}

/** The help of one command. `program` is what the user types: `nsq-ts pub`, or `to_nsq`. */
export async function commandHelp(
  program: string,
  entry: CommandEntry,
  command: Command,
  table: OptionTable,
  columns: number | undefined,
): Promise<string> {
  const parser = await newParser([])
  const { positional } = command
  const usage = positional === undefined ? '' : ` [${positional.name}${positional.max > 1 ? '…' : ''}]`
  parser
    .scriptName(program)
    .usage([`${program} [flags]${usage}`, `${entry.summary}.`, ...command.description].join('\n\n'))
    .wrap(helpWidth(columns))
  if (positional !== undefined)
    parser.positional(positional.name, { describe: positional.describe, type: 'string' })
  for (const [flag, option] of Object.entries(table)) parser.option(flag, helpOption(option))
  for (const { command: line, describe } of command.examples) parser.example(line, describe)
  const [someFlag = 'topic'] = Object.keys(command.options)
  parser.epilogue(
    `Flags take one dash or two. Each can be set in the environment too: --${someFlag} is ${envName(someFlag)}.`,
  )
  return parser.getHelp()
}

/** The list of commands. */
export async function programHelp(
  program: string,
  entries: readonly CommandEntry[],
  columns: number | undefined,
): Promise<string> {
  const parser = await newParser([])
  parser
    .scriptName(program)
    .usage(
      `${program} COMMAND [flags]\n\nNSQ in one command: a local cluster, its daemons, and tools for any NSQ cluster.`,
    )
    .wrap(helpWidth(columns))
  for (const { name, bin, summary } of entries) {
    const also = bin === undefined || bin === name ? '' : ` (${bin})`
    parser.command(name, `${summary}${also}`)
  }
  return parser
    .example(`${program} dev`, 'start a local NSQ')
    .example(`${program} pub --topic logs < app.log`, 'publish each line of a file')
    .example(`${program} tail --topic logs`, 'print messages as they come')
    .epilogue(`${program} COMMAND --help shows the flags of a command, with examples.`)
    .getHelp()
}

async function newParser(args: string[]): Promise<Argv> {
  const { default: yargs } = await import('yargs')
  return yargs(args).help(false).version(false).exitProcess(false).detectLocale(false).parserConfiguration({
    'boolean-negation': false,
    'camel-case-expansion': false,
    'dot-notation': false,
    'parse-numbers': false,
    'parse-positional-numbers': false,
  })
}

function helpOption(option: Option<unknown>): Options {
  const isNumber = option.kind === 'int' || option.kind === 'float'
  const defaultText = option.defaultText ?? describeDefault(option)
  return {
    describe: option.describe,
    type: option.kind === 'bool' ? 'boolean' : isNumber ? 'number' : 'string',
    ...(option.alias === undefined ? {} : { alias: option.alias }),
    ...(option.choices === undefined ? {} : { choices: option.choices }),
    ...(option.group === undefined ? {} : { group: `${option.group}:` }),
    ...(option.hidden === true ? { hidden: true } : {}),
    // yargs shows the description of a default only beside a default.
    ...(defaultText === undefined ? {} : { default: option.default ?? '', defaultDescription: defaultText }),
  }
}

function describeDefault({ kind, default: value }: Option<unknown>): string | undefined {
  if (value === undefined || value === false || value === '' || Array.isArray(value)) return undefined
  return kind === 'duration' ? formatDuration(Number(value)) : JSON.stringify(value)
}

/** Lines longer than this are hard to read, however wide the terminal. */
const MAX_WIDTH = 110

function helpWidth(columns = 80): number {
  return Math.min(columns, MAX_WIDTH)
}
