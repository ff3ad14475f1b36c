import { flagNames } from '../flags.ts'
import type { OptionTable } from '../../util/option.ts'

/** The arguments of a command as far as they are typed, and what kind of word the cursor is in. */
export interface Typed {
  /** The texts of each flag, by its name in the table; of a switch `true` or `false`. */
  readonly given: Readonly<Record<string, readonly string[]>>
  readonly positionals: readonly string[]
  readonly cursor: Cursor
}

export type Cursor =
  | { readonly in: 'flag' }
  | { readonly in: 'positional' }
  /** `prefix` is what of the word comes before the value. */
  | { readonly in: 'value'; readonly flag: string; readonly prefix: string }

const FLAG = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/

/**
 * Reads words as `normalizeFlags` does, but takes whatever comes: the user is not done yet.
 *
 * @param current - the word that the cursor is in, as far as the cursor
 */
export function readTyped(words: readonly string[], current: string, table: OptionTable): Typed {
  const names = flagNames(table)
  const given: Record<string, string[]> = {}
  const positionals: string[] = []
  const give = (flag: string, text: string): void => void (given[flag] ??= []).push(text)
  const done = (cursor: Cursor): Typed => ({ given, positionals, cursor })

  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '--') {
      positionals.push(...words.slice(i + 1))
      return done({ in: 'positional' })
    }
    const [, name, value] = FLAG.exec(word) ?? []
    if (name === undefined) {
      positionals.push(word)
      continue
    }
    const flag = names.get(name)
    const negated = names.get(name.replace(/^no-/, ''))
    if (flag === undefined) {
      if (negated !== undefined) give(negated, 'false')
    } else if (value !== undefined) {
      give(flag, value)
    } else if (table[flag]?.kind === 'bool') {
      give(flag, 'true')
    } else {
      const next = words[++i]
      if (next === undefined) return done({ in: 'value', flag, prefix: '' })
      give(flag, next)
    }
  }
  if (!current.startsWith('-')) return done({ in: 'positional' })
  const [, name = '', value] = FLAG.exec(current) ?? []
  if (value === undefined) return done({ in: 'flag' })
  // Of a flag that is not there no values are known.
  const flag = names.get(name) ?? ''
  return done({ in: 'value', flag, prefix: current.slice(0, current.indexOf('=') + 1) })
}
