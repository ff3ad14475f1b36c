import type { Option, OptionTable } from '../../util/option.ts'
import type { Candidate } from './answer.ts'

/**
 * The flags that can follow. Those that were given and cannot be given again are left out.
 *
 * @param current - what is typed of it: after one dash, as users of the official tools write, flags have one dash
 */
export function flagCandidates(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  current: string,
): Candidate[] {
  const dashes = /^-[^-]/.test(current) ? '-' : '--'
  const open = Object.entries(table).filter(
    ([flag, { hidden, repeatable }]) => hidden !== true && (repeatable || !(flag in given)),
  )
  return open.flatMap(([flag, option]) => [
    ...spellings(flag, option, current, dashes).map(value => ({ value, describe: option.describe })),
    ...off(flag, option, dashes),
  ])
}

/** One letter has one dash: `-n`. */
function spellings(flag: string, { alias }: Option<unknown>, current: string, dashes: string): string[] {
  const letters = [flag, alias ?? ''].filter(name => name.length === 1).map(name => `-${name}`)
  const short = current.startsWith('--') ? [] : letters
  return flag.length === 1 ? short : [`${dashes}${flag}`, ...short]
}

/** How a switch that is on by default is turned off. */
function off(flag: string, option: Option<unknown>, dashes: string): Candidate[] {
  if (option.kind !== 'bool' || option.default !== true) return []
  return [{ value: `${dashes}no-${flag}`, describe: `Not: ${option.describe}` }]
}
