/** Texts by flag, as they would be given on the command line. */
export type ContextValues = Readonly<Record<string, readonly string[]>>

/** Addresses and settings that are kept under a name, or offered by a running `dev`. */
export interface NamedContext {
  /** How it was chosen: `--context`, `NSQ_CONTEXT`, a `dev` that runs in this folder or above, or as the current one. */
  readonly how: 'flag' | 'environment' | 'dev' | 'current'
  /** `prod`; of a `dev` its folder. */
  readonly name: string
  /** The file that it is in. */
  readonly file: string
  readonly values: ContextValues
  /** What the user should know of it, such as a key that means nothing. */
  readonly notes: readonly string[]
}

/** No context at all, where a name is expected. */
export const NO_CONTEXT = 'none'

/** For a person, behind what a command says that it does: who has named a context knows it, and is told nothing. */
export function withContextNamed(context: NamedContext | undefined): string {
  return context === undefined || context.how === 'flag' ? '' : ` (${describeContext(context)})`
}

/** In a sentence: `context prod`, `the dev in /home/ada/shop`. */
export function describeContext({ how, name }: Pick<NamedContext, 'how' | 'name'>): string {
  if (how === 'dev') return `the dev in ${name}`
  return `${how === 'current' ? 'the current context' : 'context'} ${name}`
}
