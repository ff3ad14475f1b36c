import { type Command, commonOptions } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { findCommand } from '../../src/cli/find-command.ts'
import { normalizeFlags } from '../../src/cli/flags.ts'
import { parseArguments } from '../../src/cli/parser.ts'
import type { OptionTable } from '../../src/util/option.ts'
import { resolveOptions } from '../../src/util/option-values.ts'

/** Everything that may stand first in a command line. */
export const programs: readonly string[] = ['nsq-ts', ...commands.flatMap(({ bin }) => bin ?? [])]

/** The options of each command, by its name. */
export async function optionTables(): Promise<Map<string, OptionTable>> {
  return new Map(
    await Promise.all(commands.map(async entry => [entry.name, allOptions(await entry.load())] as const)),
  )
}

function allOptions({ options }: Command): OptionTable {
  return { ...commonOptions, ...options }
}

/** Reads a command line as the program would, without running it. Throws what is wrong with it. */
export async function checkCall([program = '', ...args]: readonly string[]): Promise<void> {
  const { entry, rest } = findCommand(program === 'nsq-ts' ? args : [program, ...args], commands, 'nsq-ts')
  const command = await entry.load()
  const table = allOptions(command)
  const { given, positionals } = await parseArguments(normalizeFlags(rest, table), table)
  if (positionals.length > (command.positional?.max ?? 0))
    throw new Error(`too many arguments: ${positionals.join(' ')}`)
  resolveOptions(table, given, {})
}
