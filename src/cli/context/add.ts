import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { OptionTable } from '../../util/option.ts'
import { camelCase, optionOrigins, resolveOptions } from '../../util/option-values.ts'
import { Report } from '../admin/report.ts'
import type { Context } from '../command.ts'
import { compressionAlternatives } from '../connection-options.ts'
import { type ContextAddOptions, keptOptions } from '../commands/context-add.ts'
import { UsageError } from '../errors.ts'
import { changeContexts } from './change.ts'
import { ADDRESS_KEYS, CONTEXT_KEYS, withoutEmpty } from './keys.ts'
import { type ContextValues, NO_CONTEXT } from './named-context.ts'
import { environment } from './sources.ts'

const NAME = /^[A-Za-z0-9][\w.-]{0,63}$/

/** Keeps what the flags say, and with `--from-env` the variables, under a name. */
export async function addContext(context: Context<ContextAddOptions>): Promise<number> {
  const { options, origins = {}, env, cwd, positionals } = context
  const [name] = positionals
  if (name === undefined) throw new UsageError('the name is missing', 'Give it one: nsq-ts context add NAME.')
  checkName(name)
  const values = absolute(
    {
      ...(options.fromEnv ? fromEnvironment(Object.keys(origins), env) : {}),
      ...textsOf(keptOptions, options, Object.keys(origins)),
    },
    cwd(),
  )
  checkAddresses(values, options.fromEnv)
  let action = 'added'
  const file = await changeContexts(env, ({ contexts }) => {
    const there = contexts.get(name)
    if (there !== undefined && !options.replace && !isDeepStrictEqual(there.values, values)) {
      throw new UsageError(`there is a context "${name}" already`, 'Take its place with --replace.')
    }
    if (there !== undefined) action = 'replaced'
    return { put: { name, values }, ...(options.use ? { current: name } : {}) }
  })
  const report = new Report(context)
  if (options.json) report.json({ name, action, current: options.use, file })
  else report.line(`context ${name}: ${action} in ${file}${options.use ? ', and the current one' : ''}`)
  return report.exitCode
}

function checkName(name: string): void {
  if (name === NO_CONTEXT) {
    throw new UsageError('a context cannot be named "none": that stands for no context', 'Name it otherwise.')
  }
  if (!NAME.test(name)) {
    throw new UsageError(
      `"${name}" is no name for a context`,
      'It has letters, digits, and - _ . after the first of them; at most 64.',
    )
  }
}

function checkAddresses(values: ContextValues, isFromEnvironment: boolean): void {
  if (ADDRESS_KEYS.some(key => values[key] !== undefined)) return
  throw new UsageError(
    isFromEnvironment ? 'no NSQ_* variable has an address' : 'a context needs an address',
    `Give one: ${ADDRESS_KEYS.map(key => `--${key}`).join(', ')}.`,
  )
}

/** What the other commands would take from the environment; but for what a flag takes the place of. */
function fromEnvironment(given: readonly string[], env: Context['env']): ContextValues {
  const flags = Object.fromEntries(given.map(flag => [flag, 'true']))
  const left = environment(flags, env, [ADDRESS_KEYS, compressionAlternatives])
  const values = resolveOptions(keptOptions, {}, left)
  return textsOf(keptOptions, values, Object.keys(optionOrigins(keptOptions, {}, left)))
}

/** Values as they would be given on the command line. */
function textsOf(
  table: OptionTable,
  values: Readonly<Record<string, unknown>>,
  flags: readonly string[],
): ContextValues {
  return Object.fromEntries(
    flags
      .filter(flag => flag in table)
      .flatMap(flag => {
        const value = values[camelCase(flag)]
        const texts = withoutEmpty(Array.isArray(value) ? value.map(String) : [String(value)])
        return texts.length === 0 ? [] : [[flag, texts]]
      }),
  )
}

/** Paths mean the same wherever the context is used. */
function absolute(values: ContextValues, folder: string): ContextValues {
  return Object.fromEntries(
    Object.entries(values).map(([key, texts]) => [
      key,
      texts.map(text => (isPath(key, text) ? resolve(folder, text) : text)),
    ]),
  )
}

function isPath(key: string, text: string): boolean {
  return CONTEXT_KEYS[key]?.isPath === true || (key === 'nsqd-tcp-address' && text.includes('/'))
}
