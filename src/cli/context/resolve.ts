import { existsSync, statSync } from 'node:fs'
import { NsqError } from '../../util/errors.ts'
import { suggest } from '../../util/suggest.ts'
import { UsageError } from '../errors.ts'
import type { KeptContext } from './contexts.ts'
import { contextsFile, hasOffers } from './folders.ts'
import { hasSecret } from './keys.ts'
import { type NamedContext, NO_CONTEXT } from './named-context.ts'

export interface ContextQuestion {
  /** `--context`, where it was given. */
  readonly flag?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: () => string
}

/**
 * The context that a command takes: the one named by `--context` or `NSQ_CONTEXT`, else that of a `dev` that runs in this
 * folder or above, else the current one. Undefined when there is none of these, or it is named `none`.
 *
 * @throws UsageError for a name that is not there; NsqError `E_CONTEXT` for a file that cannot be read or understood
 */
export async function resolveContext({ flag, env, cwd }: ContextQuestion): Promise<NamedContext | undefined> {
  const name = flag ?? (env['NSQ_CONTEXT'] || undefined)
  if (name === NO_CONTEXT) return undefined
  if (name !== undefined) {
    return flag === undefined
      ? { ...(await keptContext('NSQ_CONTEXT', name, env)), how: 'environment' }
      : keptContext('--context', name, env)
  }
  // Most often there is neither, and then nothing is loaded for it.
  const offer = hasOffers(env) ? (await import('../dev/offer.ts')).findOffer(env, cwd) : undefined
  if (offer !== undefined) return offer
  if (!existsSync(contextsFile(env) ?? '')) return undefined
  const { readContexts } = await import('./contexts.ts')
  const { current, file = '', contexts } = await readContexts(env)
  if (current === undefined || current === NO_CONTEXT) return undefined
  const found = contexts.get(current)
  if (found === undefined) throw missing(current, file)
  return named('current', current, file, found)
}

/**
 * The context of this name.
 *
 * @param where - the flag or variable that names it, for the error
 * @throws UsageError when there is none; NsqError `E_CONTEXT` for a file that cannot be read or understood
 */
export async function keptContext(
  where: string,
  name: string,
  env: ContextQuestion['env'],
): Promise<NamedContext> {
  const { readContexts } = await import('./contexts.ts')
  const { file = '', contexts } = await readContexts(env)
  const found = contexts.get(name)
  if (found === undefined) throw noSuchContext(where, name, [...contexts.keys()])
  return named('flag', name, file, found)
}

function named(
  how: NamedContext['how'],
  name: string,
  file: string,
  { values, notes }: KeptContext,
): NamedContext {
  return { how, name, file, values, notes: contextNotes(file, { values, notes }) }
}

/** What is to be said of a context before it is used. */
export function contextNotes(file: string, { values, notes }: KeptContext): readonly string[] {
  if (!hasSecret(values) || !isReadableByOthers(file)) return notes
  return [...notes, `${file} has a secret in it, and others may read it: chmod 600 ${file}`]
}

/** @param where - what has named it, `NSQ_CONTEXT`; empty for an argument */
export function noSuchContext(where: string, name: string, names: readonly string[]): UsageError {
  const near = suggest(name, names)
  const remedy =
    names.length === 0
      ? 'There is none yet: nsq-ts context add makes one.'
      : near === undefined
        ? `There are ${names.join(', ')}.`
        : `Did you mean ${near}?`
  return new UsageError(`${where === '' ? '' : `${where}: `}there is no context "${name}"`, remedy)
}

function missing(name: string, file: string): NsqError {
  return new NsqError('E_CONTEXT', `${file}: the current context "${name}" is not there`, {
    remedy: 'Choose another with nsq-ts context use NAME, or none of them with nsq-ts context use none.',
  })
}

/** Whether others than the owner may read it; false where the system does not tell. */
function isReadableByOthers(file: string): boolean {
  if (process.platform === 'win32') return false
  try {
    return (statSync(file).mode & 0o077) !== 0
  } catch {
    return false
  }
}
