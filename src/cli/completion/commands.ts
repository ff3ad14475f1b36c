import { type CommandEntry } from '../command.ts'
import { groupSummary } from '../help.ts'
import { groupMembers } from '../find-command.ts'
import type { Candidate } from './answer.ts'

/** The words that can follow these in the name of a command; none when no name begins with them. */
export function nextWords(words: readonly string[], commands: readonly CommandEntry[]): Candidate[] {
  const found = new Map<string, Candidate>()
  for (const { name, summary } of commands) {
    const parts = name.split(' ')
    const value = parts[words.length]
    if (value === undefined || found.has(value) || words.some((word, index) => word !== parts[index]))
      continue
    const members = parts.length > words.length + 1 ? groupMembers(value, commands) : []
    found.set(value, { value, describe: members.length > 0 ? groupSummary(value, members) : summary })
  }
  return [...found.values()]
}
