/** How a context goes together with flags, variables and a config file. */
import type { OptionTable } from '../../util/option.ts'
import { configKey, envName, type GivenOptions, type NamedValues } from '../../util/option-values.ts'
import type { Command, Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { ADDRESS_KEYS } from './keys.ts'
import { type ContextValues, describeContext, type NamedContext } from './named-context.ts'

/** What a command has been given so far. */
export interface Given {
  readonly given: GivenOptions
  readonly env: Context['env']
  readonly config: Readonly<Record<string, unknown>>
}

export interface WithContext {
  /** Without the variables that the context takes the place of. */
  readonly env: Context['env']
  /** With what counts of it only; undefined when nothing does. */
  readonly namedContext?: NamedContext
  readonly named?: NamedValues
}

type Lists = readonly (readonly string[])[]

/**
 * Puts a context behind the config file; or, when it was named by `--context`, behind flags only, as it is one. Where flags
 * take each other's place, what is nearer drops all of the farther: an address that is given, the addresses of the context.
 *
 * @throws UsageError when the context has no address that the command can use, and none was given
 */
export function withContext(
  context: NamedContext,
  { given, env, config }: Given,
  { options, alternatives = [] }: Pick<Command, 'options' | 'alternatives'>,
): WithContext {
  const lists: Lists = [...alternatives, ADDRESS_KEYS]
  const isTyped = context.how === 'flag'
  const left = isTyped ? without(env, reach(Object.keys(context.values), lists)) : env
  const isNearer = (flag: string): boolean =>
    isTaken(flag, given) || Boolean(left[envName(flag)]) || isConfigured(flag, options, config)
  const outdone = new Set(reach(Object.keys(options).filter(isNearer), lists))
  const values: ContextValues = Object.fromEntries(
    Object.entries(context.values).filter(([flag]) => flag in options && !outdone.has(flag)),
  )
  const isAddressed = ADDRESS_KEYS.some(flag => flag in values || flag in given || isNearer(flag))
  if (!isAddressed) throw noAddress(context, options)
  if (Object.keys(values).length === 0) return { env: left }
  return {
    env: left,
    namedContext: { ...context, values },
    named: { label: context.how === 'dev' ? 'dev' : `context ${context.name}`, values },
  }
}

/**
 * Whether addresses are given nearer than any context that the command could take is named: then none is looked for, and
 * nothing of it, such as its secret, goes to an address that is not its own.
 */
export function isWithoutContext({ given, env, config }: Given, options: OptionTable): boolean {
  const addresses = ADDRESS_KEYS.filter(flag => flag in options)
  if (given['context'] !== undefined) return false
  if (addresses.some(flag => flag in given)) return true
  if (env['NSQ_CONTEXT']) return false
  return addresses.some(flag => Boolean(env[envName(flag)]) || isConfigured(flag, options, config))
}

/** Without the variables that a flag has made meaningless; see `Command.alternatives`. */
export function environment(given: GivenOptions, env: Context['env'], alternatives: Lists): Context['env'] {
  return without(env, alternatives.filter(flags => flags.some(flag => isTaken(flag, given))).flat())
}

/** These flags, and all that are in a list with one of them. */
function reach(flags: readonly string[], lists: Lists): string[] {
  return [...flags, ...lists.filter(list => list.some(flag => flags.includes(flag))).flat()]
}

/** A switch that is turned off takes the place of nothing. */
function isTaken(flag: string, given: GivenOptions): boolean {
  return flag in given && given[flag] !== 'false'
}

function isConfigured(flag: string, options: OptionTable, config: Given['config']): boolean {
  const entry = options[flag]
  return entry !== undefined && config[configKey(flag, entry)] !== undefined
}

function without(env: Context['env'], flags: readonly string[]): Context['env'] {
  if (flags.length === 0) return env
  const hidden = new Set(flags.map(envName))
  return Object.fromEntries(Object.entries(env).filter(([name]) => !hidden.has(name)))
}

function noAddress(context: NamedContext, options: OptionTable): UsageError {
  const usable = ADDRESS_KEYS.filter(flag => flag in options).map(flag => `--${flag}`)
  const has = ADDRESS_KEYS.filter(flag => flag in context.values)
  return new UsageError(
    `${describeContext(context)} has no address for this command, only ${has.join(' and ') || 'settings'}`,
    `Give ${usable.join(' or ')}, here or to the context: nsq-ts context add.`,
  )
}
