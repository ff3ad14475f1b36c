import { suggest } from '../util/suggest.ts'
import type { CommandEntry } from './command.ts'
import { UsageError } from './errors.ts'

/** A command, and the words of the command line that come after its name. */
interface Found {
  readonly entry: CommandEntry
  readonly rest: readonly string[]
}

/**
 * The command that these words begin with, by its own name or that of the official tool. A name may have several words:
 * the longest one that fits counts, so that `archive verify` is not `archive` with an argument.
 *
 * @param multi - the bin that has all commands, for what the user is told
 * @throws UsageError when there is none
 */
export function findCommand(
  words: readonly string[],
  commands: readonly CommandEntry[],
  multi: string,
): Found {
  let found: Found | undefined
  for (const entry of commands) {
    const rest = restAfter(entry.name.split(' '), words) ?? restAfter([entry.bin], words)
    if (rest !== undefined && rest.length < (found?.rest.length ?? Infinity)) found = { entry, rest }
  }
  if (found !== undefined) return found
  const [name = '', second] = words
  if (name.startsWith('-')) throw new UsageError(`unknown flag ${name}`, 'Flags come after the command.')
  const members = groupMembers(name, commands)
  if (second === undefined || members.length === 0) throw noSuchCommand(name, commands, multi)
  if (second.startsWith('-')) {
    throw new UsageError(`"${name}" is not the whole of a command`, 'Flags come after the command.')
  }
  throw noSuchMember(name, second, members, multi)
}

function noSuchMember(
  group: string,
  word: string,
  members: readonly CommandEntry[],
  multi: string,
): UsageError {
  const words = members.map(({ name }) => name.slice(group.length + 1))
  const near = suggest(word, words)
  return new UsageError(
    `there is no command "${group} ${word}"`,
    near === undefined ? `There are ${words.join(', ')}.` : `Did you mean ${multi} ${group} ${near}?`,
  )
}

/** The commands whose names begin with a word that is no command itself: those of `topic` are `topic list` and the like. */
export function groupMembers(word: string, commands: readonly CommandEntry[]): readonly CommandEntry[] {
  if (commands.some(({ name }) => name === word)) return []
  return commands.filter(({ name }) => name.startsWith(`${word} `))
}

/** The same where nothing but the name may stand, as in `help archive verify`. */
export function findCommandNamed(
  words: readonly string[],
  commands: readonly CommandEntry[],
  multi: string,
): CommandEntry {
  const { entry, rest } = findCommand(words, commands, multi)
  const surplus = rest.filter(word => !word.startsWith('-'))
  if (surplus.length > 0) throw noSuchCommand([entry.name, ...surplus].join(' '), commands, multi)
  return entry
}

function restAfter(
  name: readonly (string | undefined)[],
  words: readonly string[],
): readonly string[] | undefined {
  return name.every((word, index) => word === words[index]) && words.length >= name.length
    ? words.slice(name.length)
    : undefined
}

function noSuchCommand(name: string, commands: readonly CommandEntry[], multi: string): UsageError {
  const near = suggest(
    name,
    commands.flatMap(command => [command.name, command.bin ?? command.name, ...groupWord(command, commands)]),
  )
  return new UsageError(
    `there is no command "${name}"`,
    near === undefined ? undefined : `Did you mean ${multi} ${near}?`,
  )
}

/** The word of the group that a command is in, where it is in one. */
export function groupWord({ name }: CommandEntry, commands: readonly CommandEntry[]): readonly string[] {
  const [word = '', ...rest] = name.split(' ')
  return rest.length > 0 && groupMembers(word, commands).length > 0 ? [word] : []
}
