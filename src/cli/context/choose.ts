import { Report } from '../admin/report.ts'
import type { Context } from '../command.ts'
import type { ContextRemoveOptions } from '../commands/context-remove.ts'
import type { ContextUseOptions } from '../commands/context-use.ts'
import { UsageError } from '../errors.ts'
import { changeContexts } from './change.ts'
import { NO_CONTEXT } from './named-context.ts'
import { noSuchContext } from './resolve.ts'

/** Makes a context the current one, or none. */
export async function useContext(context: Context<ContextUseOptions>): Promise<number> {
  const { options, env, positionals } = context
  const [name] = positionals
  if (name === undefined) {
    throw new UsageError(
      'the name is missing',
      'nsq-ts context list shows the contexts; none stands for none of them.',
    )
  }
  const current = name === NO_CONTEXT ? null : name
  const file = await changeContexts(env, ({ contexts }) => {
    if (current !== null && !contexts.has(current)) throw noSuchContext('', current, [...contexts.keys()])
    return { current }
  })
  const report = new Report(context)
  if (options.json) report.json({ name: current, action: 'used', file })
  else if (current === null) report.line(`no context is the current one any more, in ${file}`)
  else report.line(`context ${current}: the current one, in ${file}`)
  return report.exitCode
}

/** Removes contexts, all of them or none. */
export async function removeContexts(context: Context<ContextRemoveOptions>): Promise<number> {
  const { options, env, positionals } = context
  const names = [...new Set(positionals)]
  if (names.length === 0)
    throw new UsageError('the name is missing', 'nsq-ts context list shows the contexts.')
  let wasCurrent: string | undefined
  const file = await changeContexts(env, ({ contexts, current }) => {
    const unknown = names.find(name => !contexts.has(name))
    if (unknown !== undefined) throw noSuchContext('', unknown, [...contexts.keys()])
    wasCurrent = names.find(name => name === current)
    return { remove: names, ...(wasCurrent === undefined ? {} : { current: null }) }
  })
  const report = new Report(context)
  for (const name of names) {
    if (options.json) report.json({ name, action: 'removed', file })
    else
      report.line(
        `context ${name}: removed from ${file}${name === wasCurrent ? '; it was the current one' : ''}`,
      )
  }
  return report.exitCode
}
