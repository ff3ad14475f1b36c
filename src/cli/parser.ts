/**
 * The one place that knows yargs. Loading it takes longer than all of our own modules, so this is imported only when there
 * is something to parse.
 */
import type { Argv } from 'yargs'
import type { OptionTable } from '../util/option.ts'
import type { GivenOptions } from '../util/option-values.ts'

export interface ParsedArguments {
  given: GivenOptions
  positionals: string[]
}

/** Splits normalized arguments (see `normalizeFlags`) into flags of the table and positional arguments. */
export async function parseArguments(args: readonly string[], table: OptionTable): Promise<ParsedArguments> {
  const parser = await newParser(quoteValues(args))
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

async function newParser(args: string[]): Promise<Argv> {
  const { default: yargs } = await import('yargs')
  // A folder in place of its own default: asking for the current one throws where that was removed meanwhile.
  return yargs(args, '/')
    .help(false)
    .version(false)
    .exitProcess(false)
    .detectLocale(false)
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
}
