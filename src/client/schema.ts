import { errorText, NsqError } from '../util/errors.ts'
import type { Named } from './codec.ts'

/**
 * What zod, valibot, arktype and others have in common, so that any of them can check what a message decodes to. See
 * https://standardschema.dev; only what is used of it is written down here.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    /** Only there for the compiler. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

/** The checked value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  /** The way to the part that is wrong, from the outside. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** A message that decodes, but is not what the schema wants: `E_SCHEMA`. */
export class SchemaError extends NsqError {
  override readonly name = 'SchemaError'
  /** What the validator said; none when it threw. */
  readonly issues: readonly StandardIssue[]

  constructor(message: string, issues: readonly StandardIssue[], cause?: unknown) {
    super('E_SCHEMA', message, { cause })
    this.issues = issues
  }
}

/** As many issues as an error's text shows; `SchemaError.issues` has all. */
const SHOWN_ISSUES = 3

/**
 * Checks a value; `what` names it in the error. A promise only when the validator returns one.
 *
 * @throws SchemaError, or rejects with it
 */
export function checkWith<T>(
  schema: StandardSchemaV1<unknown, T>,
  value: unknown,
  what: Named,
): T | Promise<T> {
  const fail = (error: unknown): never => {
    throw new SchemaError(`${what.toString()} could not be checked: ${errorText(error)}`, [], error)
  }
  let result: StandardResult<T> | Promise<StandardResult<T>>
  try {
    result = schema['~standard'].validate(value)
    // Not every promise is one of Node's.
    if ('then' in result) return result.then(settled => accepted(settled, what), fail)
  } catch (error) {
    return fail(error)
  }
  return accepted(result, what)
}

function accepted<T>(result: StandardResult<T>, what: Named): T {
  if (result.issues === undefined) return result.value
  const { issues } = result
  const shown = issues.slice(0, SHOWN_ISSUES).map(describe)
  if (issues.length > shown.length) shown.push(`and ${issues.length - shown.length} more`)
  throw new SchemaError(`${what.toString()} is not what the schema wants: ${shown.join('; ')}`, issues)
}

/** `items[0].price: must be a number` */
function describe({ path = [], message }: StandardIssue): string {
  let where = ''
  for (const part of path) {
    const key = typeof part === 'object' ? part.key : part
    if (typeof key === 'number') where += `[${key}]`
    else where += where === '' ? String(key) : `.${String(key)}`
  }
  return where === '' ? message : `${where}: ${message}`
}
