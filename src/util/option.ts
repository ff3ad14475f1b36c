/**
 * Options as data. One table of them is the single source of a command's flags, `--help`, man page, completion,
 * `NSQ_*` environment variables and TOML keys.
 *
 *     const options = { 'msg-timeout': option.duration('How long a consumer may take', 60_000, { min: 1 }) }
 *     resolveOptions(options, { 'msg-timeout': '30s' }, process.env).msgTimeout // 30000
 */
import { parseEndpoint } from './address.ts'
import { formatDuration, parseDuration } from './duration.ts'
import {
  checkAddress,
  inRange,
  parseBoolean,
  parseChoice,
  parseFloatStrictly,
  parseInteger,
  type Range,
} from './option-text.ts'

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
  return scalar('string', describe, fallback, { placeholder: choices.join('|'), ...extra, choices }, text =>
    parseChoice(text, choices),
  )
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
