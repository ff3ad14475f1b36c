import type { Readable } from 'node:stream'
import { option, type OptionTable, type OptionValues } from '../util/option.ts'
import { type GivenOptions, type NamedValues, optionOrigins, resolveOptions } from '../util/option-values.ts'
import type { NamedContext } from './context/named-context.ts'
import type { Output } from './output.ts'

/** What a running command is given; it touches no global of the process. */
export interface Context<T extends OptionTable = OptionTable> {
  /** As the user called it, for messages: `nsq-ts pub`, `to_nsq`. */
  readonly program: string
  readonly options: OptionValues<T>
  readonly positionals: readonly string[]
  /** The context (`nsq-ts context`) that gave some of the options; undefined when none did. */
  readonly namedContext?: NamedContext | undefined
  /** Where each option that is not at its default comes from, by flag: `--topic`, `NSQ_TOPIC`, `topic (context prod)`. */
  readonly origins?: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  /** Aborted by the first SIGINT or SIGTERM (its `reason` is the signal's name): finish what is in hand and return. */
  readonly signal: AbortSignal
  /** Calls back at each SIGHUP, which otherwise ends the process, until the function returned is called. */
  readonly onHangup: (callback: () => void) => () => void
  /** The folder that it runs in. */
  readonly cwd: () => string
}

export interface Example {
  command: string
  describe: string
}

/** One command, as data: flags, `--help`, man page and completion are made from it. */
interface Definition<T extends OptionTable> {
  readonly options: T
  /** Arguments without a flag, where the command takes any. */
  readonly positional?: { name: string; describe: string; max: number }
  /** Paragraphs for `--help` and the man page, after the summary. */
  readonly description: readonly string[]
  readonly examples: readonly Example[]
  /** In each list, a flag given on the command line makes the environment's values of the others not count. */
  readonly alternatives?: readonly (readonly (keyof T & string)[])[]
  /** Does the work and returns the exit code, 0 unless given. What it throws is reported and exits 1, or 2 for usage. */
  run(context: Context<T>): Promise<number | void>
}

/** Where a command's options come from; see `resolveOptions`. */
export interface OptionSources {
  given: GivenOptions
  env: Context['env']
  config: Readonly<Record<string, unknown>>
  named?: NamedValues
}

/** A command whose options' types are its own business. */
export interface Command extends Omit<Definition<OptionTable>, 'run'> {
  /** Throws OptionError for an option that cannot be used, and what `run` of the definition throws. */
  run(context: Omit<Context, 'options'>, sources: OptionSources): Promise<number | void>
}

/** A line of the command table: enough to list commands; the rest is loaded when it is used. */
export interface CommandEntry {
  readonly name: string
  /** The official tool that this is, and the name of its bin. */
  readonly bin?: string
  readonly summary: string
  load(): Promise<Command>
}

/** Makes `run` know the options' types, and everybody else not need to. */
export function defineCommand<T extends OptionTable>(definition: Definition<T>): Command {
  return {
    ...definition,
    run: (context, { given, env, config, named }) => {
      const options = resolveOptions(definition.options, given, env, config, named)
      const origins = optionOrigins(definition.options, given, env, config, named)
      return definition.run({ ...context, options, origins })
    },
  }
}

/** Options that every command has. A command's own option of the same name wins. */
export const commonOptions = {
  'log-level': option.choice(
    'Detail of what is said on stderr; debug adds stack traces',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    { group: 'General' },
  ),
  help: option.bool('Show this help', false, { group: 'General', alias: 'h', flagOnly: true }),
  version: option.bool('Print the version', false, { group: 'General', flagOnly: true }),
}
