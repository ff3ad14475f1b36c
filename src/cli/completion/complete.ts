import { type CommandEntry, commonOptions } from '../command.ts'
import { findCommand } from '../find-command.ts'
import type { OptionTable } from '../../util/option.ts'
import { type Answer, type Candidate, NOTHING } from './answer.ts'
import { nextWords } from './commands.ts'
import { flagCandidates } from './flags.ts'
import { readTyped } from './typed.ts'
import { type Around, positionalValues, valuesOf, type Values } from './values.ts'

const MULTI = 'nsq-ts'
const BESIDES: readonly Candidate[] = [
  { value: 'help', describe: 'Show what a command does, and its flags' },
  { value: '--help', describe: 'List the commands' },
  { value: '--version', describe: 'Print the version' },
]

/**
 * What can stand at the cursor.
 *
 * @param words - of the command line, the program first; the last one is what is typed of the word at the cursor
 */
export async function complete(
  words: readonly string[],
  commands: readonly CommandEntry[],
  context: Around,
): Promise<Answer> {
  const [path = '', ...rest] = words
  const current = rest.pop() ?? ''
  const program = path.replace(/^.*[/\\]/, '')
  const tool = commands.find(({ bin }) => bin === program && program !== MULTI)
  if (tool !== undefined) return completeCommand(tool, rest, current, [], context)
  if (rest.length === 0) return { ...NOTHING, candidates: [...nextWords([], commands), ...BESIDES] }
  if (rest[0] === 'help') return { ...NOTHING, candidates: nextWords(rest.slice(1), commands) }
  const more = nextWords(rest, commands)
  const found = find(rest, commands)
  if (found === undefined) return { ...NOTHING, candidates: more }
  return completeCommand(found.entry, found.rest, current, more, context)
}

function find(
  words: readonly string[],
  commands: readonly CommandEntry[],
): ReturnType<typeof findCommand> | undefined {
  try {
    return findCommand(words, commands, MULTI)
  } catch {
    // Not the name of a command, or not all of it.
    return undefined
  }
}

/** @param more - words that would make it another command: `verify` after `archive` */
async function completeCommand(
  entry: CommandEntry,
  words: readonly string[],
  current: string,
  more: readonly Candidate[],
  context: Around,
): Promise<Answer> {
  const command = await entry.load()
  const table: OptionTable = { ...command.options, ...commonOptions, ...command.options }
  const typed = readTyped(words, current, table)
  const { cursor, given } = typed
  if (cursor.in === 'flag') return { ...NOTHING, candidates: flagCandidates(table, given, current) }
  if (cursor.in === 'value') {
    const value = current.slice(cursor.prefix.length)
    return { prefix: cursor.prefix, ...(await valuesOf(cursor.flag, table, value, typed, context)) }
  }
  const values = await positionalValues(entry, command, typed, context)
  return { prefix: '', files: values.files, candidates: [...more, ...orFlags(values, current, table, given)] }
}

/** Where nothing is known that could stand here, flags can. */
function orFlags(
  { candidates, files }: Values,
  current: string,
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
): readonly Candidate[] {
  const isOpen = candidates.length === 0 && files === 'none' && current === ''
  return isOpen ? flagCandidates(table, given, '--') : candidates
}
