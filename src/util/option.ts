/**
 * Options as data. One table of them is the single source of a command's flags, `--help`, man page, completion,
 * `NSQ_*` environment variables and TOML keys.
 *
 *     const options = { 'msg-timeout': option.duration('How long a consumer may take', 60_000, { min: 1 }) }
 *     resolveOptions(options, { 'msg-timeout': '30s' }, process.env).msgTimeout // 30000
 */
import { parseAddress, parseEndpoint } from './address.ts'
import { formatDuration, parseDuration } from './duration.ts'

/** What one value of an option is. A list has the kind of its elements, and `repeatable`. */
export type OptionKind = 'string' | 'int' | 'float' | 'bool' | 'duration' | 'address'

/** The parts of an option that are words rather than behaviour. */
export interface OptionExtra {
  /** What stands for the value in `--help`: `--data-path PATH`. */
  placeholder?: string
  /** The default as documentation should show it, where the real one differs between machines: `<hostname>`. */
  defaultText?: string
  /** Key in the official TOML file, where it is not the flag with underscores. */
  config?: string
  /** A second spelling of the flag: `n` for `-n`, or an old name. */
  alias?: string
  /** Heading in `--help`. */
  group?: string
  /** Never printed: passwords, tokens. */
  secret?: boolean
  /** Accepted but not shown in `--help`. */
  hidden?: boolean
  /** Not read from the environment, nor from a config file: `--version`, `--config`. */
  flagOnly?: boolean
}

export interface Option<T> extends Readonly<OptionExtra> {
  readonly kind: OptionKind
  readonly describe: string
  readonly default: T
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly string[]
  readonly repeatable: boolean
  /** The value given by these texts, at least one. Throws a RangeError that says what is wrong with which text. */
  parse(texts: readonly string[]): T
}

/** Options by flag name, with dashes and without the leading ones: `max-msg-size`. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>

type CamelCase<S extends string> = S extends `${infer Head}-${infer Rest}`
  ? `${Head}${Capitalize<CamelCase<Rest>>}`
  : S

/** The values of a table: `max-msg-size` is `maxMsgSize`. Durations are milliseconds. */
export type OptionValues<T extends OptionTable> = {
  readonly [Flag in keyof T & string as CamelCase<Flag>]: T[Flag] extends Option<infer Value> ? Value : never
}

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

interface Range {
  min?: number
  max?: number
}

function string(describe: string, fallback: string, extra?: OptionExtra): Option<string>
function string(describe: string, fallback?: undefined, extra?: OptionExtra): Option<string | undefined>
function string(describe: string, fallback?: string, extra?: OptionExtra): Option<string | undefined> {
  return scalar('string', describe, fallback, { placeholder: 'TEXT', ...extra }, text => text)
}

function int(describe: string, fallback: number, extra?: OptionExtra & Range): Option<number>
function int(describe: string, fallback?: undefined, extra?: OptionExtra & Range): Option<number | undefined>
function int(describe: string, fallback?: number, extra?: OptionExtra & Range): Option<number | undefined> {
  return scalar('int', describe, fallback, { placeholder: 'N', ...extra }, text =>
    inRange(text, parseInteger(text), extra, String),
  )
}

function float(describe: string, fallback: number, extra?: OptionExtra & Range): Option<number>
function float(
  describe: string,
  fallback?: undefined,
  extra?: OptionExtra & Range,
): Option<number | undefined>
function float(describe: string, fallback?: number, extra?: OptionExtra & Range): Option<number | undefined> {
  return scalar('float', describe, fallback, { placeholder: 'N', ...extra }, text =>
    inRange(text, parseFloatStrictly(text), extra, String),
  )
}

function bool(describe: string, fallback = false, extra?: OptionExtra): Option<boolean> {
  return scalar('bool', describe, fallback, { ...extra }, parseBoolean)
}

function duration(describe: string, fallback: number, extra?: OptionExtra & Range): Option<number>
function duration(
  describe: string,
  fallback?: undefined,
  extra?: OptionExtra & Range,
): Option<number | undefined>
function duration(
  describe: string,
  fallback?: number,
  extra?: OptionExtra & Range,
): Option<number | undefined> {
  return scalar('duration', describe, fallback, { placeholder: 'DURATION', ...extra }, text =>
    inRange(text, parseDuration(text), extra, formatDuration),
  )
}

/** One of a few words. Letter case is ignored; the value is always spelt as in `choices`. */
function choice<const C extends string>(
  describe: string,
  choices: readonly C[],
  fallback: C,
  extra?: OptionExtra,
): Option<C>
function choice<const C extends string>(
  describe: string,
  choices: readonly C[],
  fallback?: undefined,
  extra?: OptionExtra,
): Option<C | undefined>
function choice<const C extends string>(
  describe: string,
  choices: readonly C[],
  fallback?: C,
  extra?: OptionExtra,
): Option<C | undefined> {
  return scalar('string', describe, fallback, { placeholder: choices.join('|'), ...extra, choices }, text => {
    const found = choices.find(allowed => allowed.toLowerCase() === text.toLowerCase())
    if (found === undefined) throw new RangeError(`${quote(text)} is not one of ${choices.join(', ')}`)
    return found
  })
}

/** `host:port`, kept as text (checked, so that `parseAddress` takes it). An empty text is allowed and means "none". */
function address(describe: string, fallback: string, extra?: OptionExtra): Option<string>
function address(describe: string, fallback?: undefined, extra?: OptionExtra): Option<string | undefined>
function address(describe: string, fallback?: string, extra?: OptionExtra): Option<string | undefined> {
  return scalar('address', describe, fallback, { placeholder: 'HOST:PORT', ...extra }, text =>
    text === '' ? text : checkAddress(text),
  )
}

/** `host:port`, or the path of a Unix socket: what has a slash. An empty text means "none", as in `address`. */
function endpoint(describe: string, fallback: string, extra?: OptionExtra): Option<string> {
  return scalar('address', describe, fallback, { placeholder: 'HOST:PORT|PATH', ...extra }, text => {
    if (text !== '') parseEndpoint(text)
    return text
  })
}

/** Texts; the flag is given once for each, or, with `commas`, several at once as `a,b`. */
function strings(describe: string, extra?: OptionExtra & { commas?: boolean }): Option<readonly string[]> {
  const { commas = false, ...rest } = extra ?? {}
  return list('string', describe, { placeholder: 'TEXT', ...rest }, commas, text => text)
}

/** Several `host:port`, one a flag or separated by commas; `defaultPort` is added where a port is missing. */
function addresses(
  describe: string,
  extra?: OptionExtra & { defaultPort?: number },
): Option<readonly string[]> {
  const { defaultPort, ...rest } = extra ?? {}
  return list('address', describe, { placeholder: 'HOST:PORT', ...rest }, true, text =>
    checkAddress(text, defaultPort),
  )
}

/** The same, or paths of Unix sockets: what has a slash. */
function endpoints(
  describe: string,
  extra?: OptionExtra & { defaultPort?: number },
): Option<readonly string[]> {
  const { defaultPort, ...rest } = extra ?? {}
  return list('address', describe, { placeholder: 'HOST:PORT|PATH', ...rest }, true, text =>
    'path' in parseEndpoint(text, defaultPort) ? text : checkAddress(text, defaultPort),
  )
}

function floats(describe: string, extra?: OptionExtra & Range): Option<readonly number[]> {
  return list('float', describe, { placeholder: 'N', ...extra }, true, text =>
    inRange(text, parseFloatStrictly(text), extra, String),
  )
}

/** Makers of options: what it is, its default (none: `undefined`), and the rest. */
export const option = {
  string,
  int,
  float,
  bool,
  duration,
  choice,
  address,
  endpoint,
  strings,
  addresses,
  endpoints,
  floats,
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

/** Of a flag given several times the last one counts, as in Go. */
function scalar<T>(
  kind: OptionKind,
  describe: string,
  fallback: T,
  extra: OptionExtra & Range & { choices?: readonly string[] },
  parseOne: (text: string) => T,
): Option<T> {
  return {
    ...extra,
    kind,
    describe,
    default: fallback,
    repeatable: false,
    parse: texts => parseOne(texts.at(-1) ?? ''),
  }
}

function list<T>(
  kind: OptionKind,
  describe: string,
  extra: OptionExtra & Range,
  commas: boolean,
  parseOne: (text: string) => T,
): Option<readonly T[]> {
  return {
    ...extra,
    kind,
    describe,
    default: [],
    repeatable: true,
    parse: texts => {
      const parts = commas ? texts.flatMap(text => text.split(',').map(part => part.trim())) : texts
      return parts.filter(part => part !== '').map(parseOne)
    },
  }
}

function parseInteger(text: string): number {
  // Go's flag package also takes 0x10 and 1_000.
  const plain = text.trim().replaceAll(/(?<=[0-9a-f])_(?=[0-9a-f])/gi, '')
  const value = /^[+-]?\d+$|^0x[0-9a-f]+$/i.test(plain) ? Number(plain) : Number.NaN
  if (!Number.isSafeInteger(value)) throw new RangeError(`${quote(text)} is not a whole number`)
  return value
}

function parseFloatStrictly(text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN
  if (!Number.isFinite(value)) throw new RangeError(`${quote(text)} is not a number`)
  return value
}

/** The words of Go's strconv.ParseBool, and yes/no, on/off. */
function parseBoolean(text: string): boolean {
  if (/^(1|t|true|yes|on)$/i.test(text)) return true
  if (/^(0|f|false|no|off)$/i.test(text)) return false
  throw new RangeError(`${quote(text)} is not true or false`)
}

function checkAddress(text: string, defaultPort?: number): string {
  const { port } = parseAddress(text, defaultPort)
  // A port that was missing is written out, so that whoever reads the text later needs no default.
  return defaultPort === undefined || text.endsWith(`:${port}`) ? text : `${text}:${port}`
}

function inRange(
  text: string,
  value: number,
  { min, max }: Range = {},
  format: (n: number) => string,
): number {
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return value
  const allowed =
    min !== undefined && max !== undefined
      ? `between ${format(min)} and ${format(max)}`
      : min !== undefined
        ? `at least ${format(min)}`
        : `at most ${format(max ?? 0)}`
  throw new RangeError(`${quote(text)} is out of range: it must be ${allowed}`)
}

function quote(text: string): string {
  return JSON.stringify(text)
}
