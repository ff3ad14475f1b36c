import { loadPainter } from '../src/cli/colour.ts'
import { type Command, type CommandEntry, commonOptions } from '../src/cli/command.ts'
import { commands } from '../src/cli/commands.ts'
import { commandHelp } from '../src/cli/help.ts'
import type { OptionTable } from '../src/util/option.ts'
import { configKey } from '../src/util/option-values.ts'

const WIDTH = 100

const INTRODUCTION = `# Commands

<!-- Made from the definitions in src/cli by "node --import tsx scripts/docs.ts". Do not edit. -->

What \`nsq-ts COMMAND --help\` says, for every command.
The exit codes and the environment variables are in the [README](../README.md#exit-codes).`

/** The text of docs/commands.md. */
export async function commandsPage(): Promise<string> {
  const loaded = await Promise.all(
    commands.map(async entry => {
      const command = await entry.load()
      return { entry, command, table: { ...command.options, ...commonOptions, ...command.options } }
    }),
  )
  const sections = await Promise.all(loaded.map(each => section(each.entry, each.command, each.table)))
  const list = commands.map(({ name, bin, summary }) => {
    const also = bin === undefined ? '' : `, also \`${bin}\``
    return `- [\`nsq-ts ${name}\`](#nsq-ts-${name.replaceAll(' ', '-')})${also}: ${summary}`
  })
  return [INTRODUCTION, list.join('\n'), sections.join('\n\n')].join('\n\n') + '\n'
}

async function section(entry: CommandEntry, command: Command, table: OptionTable): Promise<string> {
  const program = `nsq-ts ${entry.name}`
  const help = commandHelp(program, entry, command, table, {
    columns: WIDTH,
    painter: await loadPainter(0),
  })
  return [`## ${program}`, `\`\`\`text\n${help}\n\`\`\``, ...configuration(table)].join('\n\n')
}

/** How the flags of a daemon are called in its TOML file; nothing for a command that reads none. */
function configuration(table: OptionTable): string[] {
  if (!('config' in table)) return []
  const renamed = Object.entries(table)
    .filter(([flag, entry]) => entry.config !== undefined && configKey(flag, entry) !== flag)
    .map(([flag, entry]) => `- \`--${flag}\` is \`${configKey(flag, entry)}\``)
  const rule =
    'In the TOML file of `--config` a flag is written with underscores: `--tcp-address` is `tcp_address`'
  if (renamed.length === 0) return [`${rule}.`]
  return [`${rule}. Some have another name there, as for the official daemon:`, renamed.join('\n')]
}
