/** The names of topics and channels, while they are typed. */
import { isEphemeral, isValidTopicName } from '../../protocol/names.ts'

const MAX_LENGTH = 64

/** What is wrong with a name, in words that point at it; undefined when nothing is, and for an empty one. */
export function nameProblem(name: string): string | undefined {
  if (name === '' || isValidTopicName(name)) return undefined
  if (name.length > MAX_LENGTH) return `${name.length} characters: a name has at most ${MAX_LENGTH}.`
  const base = isEphemeral(name) ? name.slice(0, name.lastIndexOf('#')) : name
  if (base === '') return 'Something must stand before #ephemeral.'
  const strange = /[^.a-zA-Z0-9_-]/u.exec(base)?.[0]
  if (strange === '#') return 'After # only “ephemeral” may follow, at the end.'
  if (strange !== undefined && strange.trim() === '') return 'A name has no spaces.'
  return `“${strange ?? ''}” cannot be in a name: letters, digits, dots, dashes and underscores can.`
}

/** What is worth knowing about a valid name. */
export function nameNote(name: string): string | undefined {
  return isValidTopicName(name) && isEphemeral(name)
    ? 'Ephemeral: it lives in memory, and goes when nobody uses it any more.'
    : undefined
}
