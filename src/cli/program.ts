import { inspect } from 'node:util'
import type { OptionTable } from '../util/option.ts'
import { configKey, envName, type GivenOptions, resolveOptions } from '../util/option-values.ts'
import { version } from '../util/version.ts'
import { loadPainter } from './colour.ts'
import { type Command, type CommandEntry, commonOptions, type Context } from './command.ts'
import type { NamedContext } from './context/named-context.ts'
import type { WithContext } from './context/sources.ts'
import { describeError, ExitCode, exitCodeOf, UsageError } from './errors.ts'
import { printable } from './escape.ts'
import { normalizeFlags } from './flags.ts'
import { findCommand, findCommandNamed, groupMembers } from './find-command.ts'
import type { HelpStyle } from './help.ts'
import type { Output } from './output.ts'
import { titleWithoutSecrets } from './process-title.ts'
import { suggest } from '../util/suggest.ts'

/** The name of the bin that has all commands; the others each are one of them. */
const MULTI = 'nsq-ts'

export interface Surroundings extends Omit<Context, 'program' | 'options' | 'positionals'> {
  /** Makes the process be called so by those who list processes. */
  readonly retitle?: (title: string) => void
}

/**
 * Runs what the command line asks for and returns the exit code. Whatever goes wrong is said on stderr.
 *
 * @param program - the bin's name: `nsq-ts`, or that of an official tool
 */
export async function runProgram(
  program: string,
  args: readonly string[],
  commands: readonly CommandEntry[],
  surroundings: Surroundings,
): Promise<number> {
  const invocation = new Invocation(program, surroundings)
  try {
    return await invocation.run(args, commands)
  } catch (error) {
    await invocation.report(error)
    return exitCodeOf(error)
  }
}

class Invocation {
  readonly #around: Surroundings
  /** What the user typed so far: `nsq-ts`, then `nsq-ts pub`. */
  #program: string
  #debug: boolean
  /** The context that counts for the command, if one does. */
  #namedContext: NamedContext | undefined

  constructor(program: string, around: Surroundings) {
    this.#program = program
    this.#around = around
    this.#debug = around.env[envName('log-level')]?.toLowerCase() === 'debug'
  }

  async run(args: readonly string[], commands: readonly CommandEntry[]): Promise<number> {
    if (this.#program !== MULTI) {
      const entry = commands.find(({ bin }) => bin === this.#program)
      if (entry === undefined) throw new UsageError(`there is no command named ${this.#program}`)
      return this.#runCommand(entry, args)
    }
    const [name] = args
    if (name === undefined) return this.#listCommands(commands, ExitCode.usage)
    if (/^(--?version|-v|version)$/.test(name)) return this.#printVersion()
    if (/^(--?help|-h)$/.test(name)) return this.#listCommands(commands, ExitCode.done)
    if (name === 'help') return this.#help(args.slice(1), commands)
    if (name === 'complete') {
      const { runComplete } = await import('./completion/run.ts')
      return runComplete(args.slice(1), commands, this.#around)
    }
    const members = groupMembers(name, commands)
    if (members.length > 0 && args.length === 1) return this.#listGroup(name, members, ExitCode.usage)
    if (members.length > 0 && /^(--?help|-h|help)$/.test(args[1] ?? '')) {
      return this.#listGroup(name, members, ExitCode.done)
    }
    const { entry, rest } = findCommand(args, commands, MULTI)
    this.#program = `${MULTI} ${entry.name}`
    return this.#runCommand(entry, rest)
  }

  async report(error: unknown): Promise<void> {
    const { stderr } = this.#around
    const { message, remedy } = describeError(error)
    const painter = await loadPainter(stderr.colour)
    stderr.line(`${painter.bold(`${this.#program}:`)} ${painter.red(shown(message))}`)
    if (remedy !== undefined) stderr.line(`  ${shown(remedy)}`)
    const isUsage = exitCodeOf(error) === ExitCode.usage
    if (this.#namedContext !== undefined && !isUsage) {
      const { describeContext } = await import('./context/named-context.ts')
      stderr.line(`  What was not given is from ${shown(describeContext(this.#namedContext))}.`)
    }
    if (isUsage) stderr.line(`  ${this.#program} --help shows how to use it.`)
    if (this.#debug) stderr.line(inspect(error))
  }

  async #runCommand(entry: CommandEntry, args: readonly string[]): Promise<number> {
    const command = await entry.load()
    const table = allOptions(command)
    const normalized = normalizeFlags(args, table)
    if (normalized.includes('--help=true')) return this.#commandHelp(this.#program, entry, command)
    if (normalized.includes('--version=true')) return this.#printVersion()
    const title = titleWithoutSecrets(this.#program, normalized, table)
    if (title !== undefined) this.#around.retitle?.(title)
    const { parseArguments } = await import('./parser.ts')
    const { given, positionals } = await parseArguments(normalized, table)
    checkPositionals(positionals, command)
    const config = await this.#config(given, table)
    const { env, namedContext, named } = await this.#sources(given, config, command)
    const { logLevel } = resolveOptions({ 'log-level': commonOptions['log-level'] }, given, env, config)
    if (logLevel === 'debug') this.#debug = true
    const context = { ...this.#around, program: this.#program, positionals, namedContext }
    const code = await command.run(context, { given, env, config, ...(named === undefined ? {} : { named }) })
    return code ?? ExitCode.done
  }

  /** What there is besides flags and config: variables, and a context where the command takes one. */
  async #sources(
    given: GivenOptions,
    config: Readonly<Record<string, unknown>>,
    command: Command,
  ): Promise<WithContext> {
    const { environment, isWithoutContext, withContext } = await import('./context/sources.ts')
    const env = environment(given, this.#around.env, command.alternatives ?? [])
    const sources = { given, env, config }
    if (!('context' in command.options) || isWithoutContext(sources, command.options)) return { env }
    const { resolveContext } = await import('./context/resolve.ts')
    const flag = [given['context']].flat().at(-1)?.toString()
    const context = await resolveContext({ flag, env, cwd: this.#around.cwd })
    if (context === undefined) return { env }
    const found = withContext(context, sources, command)
    this.#namedContext = found.namedContext
    for (const note of found.namedContext?.notes ?? []) {
      this.#around.stderr.line(`${this.#program}: ${shown(note)}`)
    }
    return found
  }

  async #config(given: GivenOptions, table: OptionTable): Promise<Readonly<Record<string, unknown>>> {
    const path = 'config' in table ? given['config'] : undefined
    if (path === undefined) return {}
    const { readConfig } = await import('./config.ts')
    const file = String(path)
    const config: Record<string, unknown> = {}
    const known = new Set(Object.entries(table).map(([flag, entry]) => configKey(flag, entry)))
    for (const [written, value] of Object.entries(await readConfig(file))) {
      // The official example of nsqadmin has log-level for log_level.
      const key = known.has(written) ? written : written.replaceAll('-', '_')
      config[key] ??= value
      if (known.has(key)) continue
      const near = suggest(written, known)
      const hint = near === undefined ? '' : ` (did you mean ${near}?)`
      this.#around.stderr.line(`${this.#program}: ${file}: the unknown key "${written}" is ignored${hint}`)
    }
    return config
  }

  #printVersion(): number {
    this.#around.stdout.line(`${this.#program} v${version} (nsq-ts, node ${process.version})`)
    return ExitCode.done
  }

  async #listCommands(commands: readonly CommandEntry[], code: number): Promise<number> {
    const { programHelp } = await import('./help.ts')
    const output = code === ExitCode.done ? this.#around.stdout : this.#around.stderr
    output.line(programHelp(MULTI, commands, await helpStyle(output)))
    return code
  }

  async #listGroup(word: string, members: readonly CommandEntry[], code: number): Promise<number> {
    const { groupHelp } = await import('./help.ts')
    const output = code === ExitCode.done ? this.#around.stdout : this.#around.stderr
    output.line(groupHelp(`${MULTI} ${word}`, members, await helpStyle(output)))
    return code
  }

  async #help(name: readonly string[], commands: readonly CommandEntry[]): Promise<number> {
    const [word] = name
    const isHelp = word === undefined || (name.length === 1 && /^(--?help|-h|help)$/.test(word))
    if (isHelp) return this.#listCommands(commands, ExitCode.done)
    const members = groupMembers(word, commands)
    if (members.length > 0 && name.length === 1) {
      return (await this.#isShown(word)) ? ExitCode.done : this.#listGroup(word, members, ExitCode.done)
    }
    const entry = findCommandNamed(name, commands, MULTI)
    if (await this.#isShown(entry.name)) return ExitCode.done
    return this.#commandHelp(`${MULTI} ${entry.name}`, entry, await entry.load())
  }

  /** Whether the user is looking at the man page. */
  async #isShown(name: string): Promise<boolean> {
    const { showManPage } = await import('./man-page.ts')
    return showManPage(`${MULTI}-${name.replaceAll(' ', '-')}`, this.#around)
  }

  async #commandHelp(program: string, entry: CommandEntry, command: Command): Promise<number> {
    const { commandHelp } = await import('./help.ts')
    const { stdout } = this.#around
    stdout.line(commandHelp(program, entry, command, allOptions(command), await helpStyle(stdout)))
    return ExitCode.done
  }
}

/** The command's own options first, in their order; they win over the common ones. */
function allOptions({ options }: Command): OptionTable {
  return { ...options, ...commonOptions, ...options }
}

/** A message may have words of a daemon in it. */
function shown(text: string): string {
  return printable(Buffer.from(text))
}

async function helpStyle(output: Output): Promise<HelpStyle> {
  return { columns: output.columns, painter: await loadPainter(output.colour) }
}

function checkPositionals(positionals: readonly string[], { positional }: Command): void {
  const surplus = positionals[positional?.max ?? 0]
  if (surplus === undefined) return
  throw new UsageError(
    `unexpected argument "${surplus}"`,
    positional === undefined ? 'This command takes flags only.' : undefined,
  )
}
