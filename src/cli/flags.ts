/**
 * Flags as Go's flag package takes them. Official scripts say `-topic x`, `-n=3`, `-deflate=false`, and give values that
 * begin with a dash (`-delimiter -`); yargs would read these as bundles of letters or as missing values. So what is
 * known is written as `--flag=value`, which leaves yargs nothing to guess.
 */
import type { Option, OptionTable } from '../util/option.ts'
import { spelled } from '../util/option-values.ts'
import { UsageError } from './errors.ts'
import { suggest } from '../util/suggest.ts'

// dashes, name, and after an equals sign anything at all
const FLAG = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/

/**
 * Rewrites arguments so that every flag of `table` reads `--flag=value`; positional arguments and what follows `--` stay.
 *
 * @throws UsageError for a flag that is not in the table, or has no value.
 */
export function normalizeFlags(args: readonly string[], table: OptionTable): string[] {
  const names = flagNames(table)
  const normalized: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? ''
    if (arg === '--') return [...normalized, ...args.slice(i)]
    const [, name, value] = FLAG.exec(arg) ?? []
    if (name === undefined || /^-\d/.test(arg)) {
      normalized.push(arg)
      continue
    }
    const flag = names.get(name)
    const entry = flag === undefined ? undefined : table[flag]
    if (flag === undefined || entry === undefined) {
      normalized.push(shorthand(name, value, names, table) ?? unknownFlag(arg, name, names))
    } else if (value !== undefined) {
      normalized.push(`--${flag}=${value}`)
    } else if (entry.kind === 'bool') {
      normalized.push(`--${flag}=true`)
    } else {
      const next = args[++i]
      if (next === undefined) throw missingValue(flag, entry)
      normalized.push(`--${flag}=${next}`)
    }
  }
  return normalized
}

/** The flag of every spelling. */
export function flagNames(table: OptionTable): Map<string, string> {
  const names = new Map<string, string>()
  for (const [flag, { alias }] of Object.entries(table)) {
    names.set(flag, flag)
    if (alias !== undefined) names.set(alias, flag)
  }
  return names
}

/** `-n5` is `--n=5`, and `--no-snappy` is `--snappy=false`. */
function shorthand(
  name: string,
  value: string | undefined,
  names: ReadonlyMap<string, string>,
  table: OptionTable,
): string | undefined {
  if (value !== undefined) return undefined
  const negated = name.startsWith('no-') ? names.get(name.slice(3)) : undefined
  if (negated !== undefined && table[negated]?.kind === 'bool') return `--${negated}=false`
  const counted = /^([a-z])(\d+)$/.exec(name)
  const short = names.get(counted?.[1] ?? '')
  return short !== undefined && table[short]?.kind === 'int' ? `--${short}=${counted?.[2]}` : undefined
}

function unknownFlag(arg: string, name: string, names: ReadonlyMap<string, string>): never {
  const near = suggest(name, names.keys())
  const typed = arg.replace(/=[\s\S]*/, '')
  throw new UsageError(
    `unknown flag ${typed}`,
    near === undefined ? undefined : `Did you mean ${spelled(near)}?`,
  )
}

function missingValue(flag: string, entry: Option<unknown>): UsageError {
  return new UsageError(
    `${spelled(flag)} needs a value`,
    `Write it as ${spelled(flag)}=${entry.placeholder ?? 'VALUE'}.`,
  )
}
