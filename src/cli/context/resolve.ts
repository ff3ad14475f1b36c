import { NsqError } from '../../util/errors.ts'
import { suggest } from '../../util/suggest.ts'
import { UsageError } from '../errors.ts'
import { type Contexts, isReadableByOthers, readContexts } from './contexts.ts'
import { CONTEXT_KEYS } from './keys.ts'
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
    const how = flag === undefined ? 'environment' : 'flag'
    const contexts = await readContexts(env)
    return kept(contexts, name, how) ?? unknown(how === 'flag' ? '--context' : 'NSQ_CONTEXT', name, contexts)
  }
  const { findOffer } = await import('../dev/offer.ts')
  const offer = findOffer(env, cwd)
  if (offer !== undefined) return offer
  const contexts = await readContexts(env)
  const { current, file } = contexts
  if (current === undefined || current === NO_CONTEXT) return undefined
  return kept(contexts, current, 'current') ?? missing(current, file ?? '')
}

function kept(
  { file = '', contexts }: Contexts,
  name: string,
  how: NamedContext['how'],
): NamedContext | undefined {
  const found = contexts.get(name)
  if (found === undefined) return undefined
  const { values, notes } = found
  const hasSecret = Object.keys(values).some(key => CONTEXT_KEYS[key]?.isSecret === true)
  const warnings =
    hasSecret && isReadableByOthers(file)
      ? [`${file} has a secret in it, and others may read it: chmod 600 ${file}`]
      : []
  return { how, name, file, values, notes: [...notes, ...warnings] }
}

/** The same error wherever a context is named that is not there. */
export function unknown(where: string, name: string, { contexts }: Pick<Contexts, 'contexts'>): never {
  const names = [...contexts.keys()]
  const near = suggest(name, names)
  const remedy =
    names.length === 0
      ? 'There is none yet: nsq-ts context add makes one.'
      : near === undefined
        ? `There are ${names.join(', ')}.`
        : `Did you mean ${near}?`
  throw new UsageError(`${where}: there is no context "${name}"`, remedy)
}

function missing(name: string, file: string): never {
  throw new NsqError('E_CONTEXT', `${file}: the current context "${name}" is not there`, {
    remedy: 'Choose another with nsq-ts context use NAME, or none of them with nsq-ts context use none.',
  })
}
