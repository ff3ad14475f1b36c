import { NsqError } from '../util/errors.ts'
import { suggest } from '../util/suggest.ts'

/** Every option of `T`: with `satisfies`, the compiler sees to it that none is missing. */
export type NamesOf<T> = Record<keyof T, true>

/**
 * Refuses what is no object, and a name that is no option: a misspelled one would have no effect, and say nothing. Types
 * notice only what is written down in place.
 *
 * @throws NsqError `E_OPTION`
 */
export function checkNames(whose: string, options: unknown, names: object): void {
  if (typeof options !== 'object' || options === null) {
    throw new NsqError('E_OPTION', `the options of ${whose} must be an object`)
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue
    const near = suggest(name, Object.keys(names))
    const remedy = near === undefined ? {} : { remedy: `Did you mean ${near}?` }
    throw new NsqError('E_OPTION', `${whose} has no option "${name}"`, remedy)
  }
}

/** Those of the options that have one of these names. */
export function pick<T extends object, K extends keyof T>(options: T, names: Record<K, true>): Pick<T, K>
export function pick(options: object, names: object): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(names, name)))
}
