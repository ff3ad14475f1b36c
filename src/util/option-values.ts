/**
 * The values of a table of options: from flags, the environment, a config file, and what a user keeps under a name; and
 * what an option is called in each of them.
 */
import type { Option, OptionTable, OptionValues } from './option.ts'

/** A value that cannot be used. The message names where it came from, the value and what is allowed. */
export class OptionError extends Error {
  readonly code = 'E_OPTION'
  readonly flag: string

  constructor(flag: string, message: string) {
    super(message)
    this.name = 'OptionError'
    this.flag = flag
  }
}

/** What the command line gave, by flag: the texts, or `true` for a flag without a value. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** Values by flag that a user keeps under a name: what a flag, the environment and a config file leave open. */
export interface NamedValues {
  /** For what is wrong with a value: `context prod`. */
  readonly label: string
  /** As they would be given on the command line. */
  readonly values: Readonly<Record<string, readonly string[]>>
}

const NO_VALUES: NamedValues = { label: '', values: {} }

/**
 * The values of `table`: a flag wins over `NSQ_*` in `env`, which wins over `config` (parsed TOML), then `named`, then the
 * default.
 */
export function resolveOptions<T extends OptionTable>(
  table: T,
  given: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
  config: Readonly<Record<string, unknown>> = {},
  named: NamedValues = NO_VALUES,
): OptionValues<T> {
  const values: Record<string, unknown> = {}
  for (const [flag, entry] of Object.entries(table)) {
    const source = sourceOf(flag, entry, given, env, config, named)
    values[camelCase(flag)] = source === undefined ? entry.default : parseFrom(flag, entry, source)
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one property for each flag was just made
  return values as OptionValues<T>
}

/**
 * Where each value that is not a default comes from, by flag, as the user sees it: `--rate`, `NSQ_RATE`, `rate (config)`,
 * `rate (context prod)`.
 */
export function optionOrigins(
  table: OptionTable,
  given: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
  config: Readonly<Record<string, unknown>> = {},
  named: NamedValues = NO_VALUES,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([flag, entry]) => {
      const source = sourceOf(flag, entry, given, env, config, named)
      return source === undefined ? [] : [[flag, source.name]]
    }),
  )
}

/** The environment variable of a flag: `tcp-address` is `NSQ_TCP_ADDRESS`. */
export function envName(flag: string): string {
  return `NSQ_${flag.replaceAll('-', '_').toUpperCase()}`
}

/** The key of a flag in the official TOML files: `tcp-address` is `tcp_address`, unless the option says otherwise. */
export function configKey(flag: string, entry: Option<unknown>): string {
  return entry.config ?? flag.replaceAll('-', '_')
}

/** As a user types it: `-n`, `--max-msg-size`. */
export function spelled(flag: string): string {
  return flag.length === 1 ? `-${flag}` : `--${flag}`
}

/** `tcp-address` is `tcpAddress`. */
export function camelCase(flag: string): string {
  return flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

interface Source {
  /** As the user sees it: `--rate`, `NSQ_RATE`, `rate (config)`. */
  name: string
  texts: readonly string[]
}

function sourceOf(
  flag: string,
  entry: Option<unknown>,
  given: GivenOptions,
  env: Readonly<Record<string, string | undefined>>,
  config: Readonly<Record<string, unknown>>,
  named: NamedValues,
): Source | undefined {
  const source = flagSource(flag, given)
  if (source !== undefined || entry.flagOnly === true) return source
  return envSource(flag, env) ?? configSource(flag, entry, config) ?? namedSource(flag, named)
}

function flagSource(flag: string, given: GivenOptions): Source | undefined {
  const value = given[flag]
  if (value === undefined) return undefined
  const texts = typeof value === 'string' ? [value] : typeof value === 'boolean' ? [String(value)] : value
  return texts.length === 0 ? undefined : { name: spelled(flag), texts }
}

/** An empty variable is taken as absent, as shells and CI systems leave them behind. */
function envSource(flag: string, env: Readonly<Record<string, string | undefined>>): Source | undefined {
  const text = env[envName(flag)]
  if (text === undefined || text === '') return undefined
  return { name: envName(flag), texts: [text] }
}

function configSource(
  flag: string,
  entry: Option<unknown>,
  config: Readonly<Record<string, unknown>>,
): Source | undefined {
  const key = configKey(flag, entry)
  const value = config[key]
  if (value === undefined) return undefined
  const elements: readonly unknown[] = Array.isArray(value) ? value : [value]
  if (elements.length === 0) return undefined
  const texts = elements.map(element => {
    if (typeof element === 'string') return element
    // NSQ reads a bare number as milliseconds where a duration is meant (go-options, coerceDuration).
    if (typeof element === 'number' || typeof element === 'bigint') {
      return entry.kind === 'duration' ? `${element}ms` : String(element)
    }
    if (typeof element === 'boolean') return String(element)
    throw new OptionError(flag, `${key} (config): expected a ${entry.kind}, got ${typeof element}`)
  })
  return { name: `${key} (config)`, texts }
}

function namedSource(flag: string, { label, values }: NamedValues): Source | undefined {
  const texts = values[flag]
  return texts === undefined || texts.length === 0 ? undefined : { name: `${flag} (${label})`, texts }
}

function parseFrom(flag: string, entry: Option<unknown>, source: Source): unknown {
  try {
    return entry.parse(source.texts)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new OptionError(flag, `${source.name}: ${error.message}`)
  }
}
