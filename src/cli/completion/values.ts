import type { OptionTable } from '../../util/option.ts'
import type { Command, CommandEntry, Context } from '../command.ts'
import type { Answer, Candidate } from './answer.ts'
import { channelNames, nodeAddresses, topicNames } from './live.ts'
import type { Typed } from './typed.ts'

export type Values = Pick<Answer, 'candidates' | 'files'>

/** What of its surroundings completion needs to know. */
export type Around = Pick<Context, 'env' | 'signal' | 'cwd'>

const NONE: Values = { candidates: [], files: 'none' }

/** What a placeholder, or the name of a positional argument, stands for; what is not here is the user's to know. */
const KINDS: Readonly<Record<string, (typed: Typed, around: Around) => Promise<Values> | Values>> = {
  path: () => ({ candidates: [], files: 'files' }),
  file: () => ({ candidates: [], files: 'files' }),
  dir: () => ({ candidates: [], files: 'folders' }),
  output: () => ({ candidates: [], files: 'folders' }),
  topic: async (typed, around) => list(await topicNames(typed, around)),
  channel: async (typed, around) => list(await channelNames(typed, around)),
  nsqd: async (typed, around) => list(await nodeAddresses('http', typed, around)),
  context: async (_, { env }) => list(await contexts(env)),
}

/** Flags whose placeholder does not say what is meant. */
const FLAGS: Readonly<Record<string, (typed: Typed, around: Around) => Promise<readonly string[]>>> = {
  'nsqd-tcp-address': (typed, around) => nodeAddresses('tcp', typed, around),
  'nsqd-http-address': (typed, around) => nodeAddresses('http', typed, around),
  'lookupd-http-address': () => Promise.resolve(['127.0.0.1:4161']),
  'lookupd-tcp-address': () => Promise.resolve(['127.0.0.1:4160']),
  context: (_, { env }) => contexts(env),
}

/** Flags of this kind are those of another cluster. */
const DESTINATION = 'destination-'

/** Values of a flag. */
export async function valuesOf(
  flag: string,
  table: OptionTable,
  value: string,
  typed: Typed,
  around: Around,
): Promise<Values> {
  const option = table[flag]
  if (option === undefined) return NONE
  if (option.choices !== undefined) return list(option.choices)
  if (option.kind === 'bool') return list(['true', 'false'])
  const isOfDestination = flag.startsWith(DESTINATION)
  const cluster = isOfDestination ? ofDestination(typed) : typed
  const known = FLAGS[isOfDestination ? flag.slice(DESTINATION.length) : flag]
  if (known !== undefined) return afterComma(value, list(await known(cluster, around)))
  const values = await valuesOfKind(option.placeholder ?? '', cluster, around)
  return option.repeatable ? afterComma(value, values) : values
}

/** Values of the next positional argument. */
export async function positionalValues(
  { name }: CommandEntry,
  { positional }: Command,
  typed: Typed,
  around: Around,
): Promise<Values> {
  const { positionals } = typed
  if (positional === undefined || positionals.length >= positional.max) return NONE
  if (positional.name.includes('|')) return valuesOfKind(positional.name, typed, around)
  const kinds = positional.name.split(' ')
  const at = Math.min(positionals.length, kinds.length - 1)
  // The last one is to be new.
  if (/ (create|add)$/.test(name) && at === kinds.length - 1) return NONE
  const [group = ''] = name.split(' ')
  const kind = kinds[at] === 'name' ? group : (kinds[at] ?? '')
  const { candidates, files } = await valuesOfKind(kind, typed, around)
  return { files, candidates: candidates.filter(({ value }) => !positionals.slice(at).includes(value)) }
}

/** @param kind - `TOPIC`, `FILE`, or words to choose from: `DIR|s3://…`, `bash|zsh|fish` */
async function valuesOfKind(kind: string, typed: Typed, around: Around): Promise<Values> {
  const parts = kind.toLowerCase().split('|')
  const [known] = parts.flatMap(part => KINDS[part] ?? [])
  if (known !== undefined) return known(typed, around)
  return parts.length > 1 && parts.every(part => /^[a-z]+$/.test(part)) && kind !== kind.toUpperCase()
    ? list(parts)
    : NONE
}

async function contexts(env: Context['env']): Promise<string[]> {
  const { contextNames } = await import('../context/contexts.ts')
  return contextNames(env)
}

/** As if the flags for the destination were the command's own. */
function ofDestination({ given, ...typed }: Typed): Typed {
  const own = Object.entries(given).flatMap(([flag, texts]) =>
    flag.startsWith(DESTINATION) ? [[flag.slice(DESTINATION.length), texts]] : [],
  )
  return { ...typed, given: Object.fromEntries(own) }
}

/** Several may stand in one word. */
function afterComma(value: string, { candidates, files }: Values): Values {
  const before = value.slice(0, value.lastIndexOf(',') + 1)
  const used = before.split(',')
  const unused = candidates.filter(candidate => !used.includes(candidate.value))
  return { files, candidates: unused.map(candidate => ({ ...candidate, value: before + candidate.value })) }
}

function list(values: readonly string[]): Values {
  return { candidates: values.map((value): Candidate => ({ value })), files: 'none' }
}
