import { describeError, ExitCode } from '../errors.ts'
import { Report } from '../admin/report.ts'
import { type Column, printTable } from '../admin/table.ts'
import type { Context } from '../command.ts'
import type { ContextListOptions } from '../commands/context-list.ts'
import type { ContextShowOptions } from '../commands/context-show.ts'
import { envName } from '../../util/option-values.ts'
import { readContexts } from './contexts.ts'
import { HIDDEN, withoutPassword } from '../../util/password.ts'
import { ADDRESS_KEYS, CONTEXT_KEYS } from './keys.ts'
import type { ContextValues, NamedContext } from './named-context.ts'
import { contextNotes, noSuchContext, resolveContext } from './resolve.ts'
import { type TomlValue, writeValue } from './toml.ts'

/** A context as it is shown. */
interface Item {
  readonly name: string
  readonly how: 'file' | 'dev'
  readonly file: string
  readonly isCurrent: boolean
  /** By the commands that run in this folder and are given no address. */
  readonly isTaken: boolean
  readonly values: ContextValues
  /** What is wrong with it. */
  readonly notes: readonly string[]
}

type Running = Context<ContextListOptions> | Context<ContextShowOptions>

export async function listContexts(context: Context<ContextListOptions>): Promise<number> {
  const { options, env, stdout, stderr } = context
  const report = new Report(context)
  const { items } = await look(context, report)
  if (options.json) for (const item of items) report.json(itemJson(item))
  else if (!stdout.isTerminal) for (const { name, how } of items) if (how === 'file') report.line(name)
  if (options.json || !stdout.isTerminal) return report.exitCode
  if (items.length === 0) stderr.line('There is no context yet: nsq-ts context add makes one.')
  else await printTable({ stdout, env }, COLUMNS, items)
  return report.exitCode
}

export async function showContext(context: Context<ContextShowOptions>): Promise<number> {
  const { options, positionals, stderr } = context
  const [name] = positionals
  const report = new Report(context)
  const { items, taken } = await look(context, report)
  if (name === undefined && taken === undefined) {
    stderr.line(
      'No context is taken here: commands try the daemons of this machine when no address is given.',
    )
    return ExitCode.failed
  }
  const item = items.find(each =>
    name === undefined ? each.isTaken : each.how === 'file' && each.name === name,
  )
  if (item === undefined)
    throw noSuchContext(
      '',
      name ?? '',
      items.map(each => each.name),
    )
  for (const note of item.notes) report.note(note)
  if (options.json) {
    report.json(itemJson(item))
    return report.exitCode
  }
  const as =
    item.isTaken && taken !== undefined ? TAKEN[taken.how] : item.isCurrent ? ', the current one' : ''
  const what = item.how === 'dev' ? `the dev in ${item.name}` : `context ${item.name}`
  report.line(`# ${what}${as}; ${item.file}`)
  for (const [key, value] of Object.entries(shownValues(item.values))) {
    report.line(`${key} = ${value === HIDDEN ? HIDDEN : writeValue(value)}`)
  }
  return report.exitCode
}

const TAKEN: Record<NamedContext['how'], string> = {
  flag: '',
  environment: ', taken here as NSQ_CONTEXT names it',
  dev: ', taken here',
  current: ', taken here as the current one',
}

async function look(
  { env, cwd }: Running,
  report: Report,
): Promise<{ items: Item[]; taken: NamedContext | undefined }> {
  const { file = '', current, contexts, notes } = await readContexts(env)
  for (const note of notes) report.note(note)
  let taken: NamedContext | undefined
  try {
    taken = await resolveContext({ env, cwd })
  } catch (error) {
    // The rest can be shown all the same.
    report.note(describeError(error).message)
  }
  const variables = ADDRESS_KEYS.map(envName).filter(name => env[name])
  if (variables.length > 0 && taken?.how !== 'environment') {
    const count = variables.length === 1 ? 'counts' : 'count'
    report.note(`${variables.join(' and ')} ${count} more than any context that is not named`)
  }
  const items = Array.from(contexts, ([name, kept]): Item => {
    const isTaken = taken !== undefined && taken.how !== 'dev' && taken.name === name
    const { values } = kept
    return {
      name,
      how: 'file',
      file,
      isCurrent: name === current,
      isTaken,
      values,
      notes: contextNotes(file, kept),
    }
  })
  if (taken?.how !== 'dev') return { items, taken }
  const dev: Item = { ...taken, how: 'dev', isCurrent: false, isTaken: true }
  return { items: [dev, ...items], taken }
}

const COLUMNS: readonly Column<Item>[] = [
  {
    head: 'NAME',
    rank: 0,
    shortest: 8,
    usual: 16,
    cell: ({ how, name }) => (how === 'dev' ? '(dev)' : name),
  },
  { head: 'ADDRESSES', rank: 1, shortest: 20, usual: 40, cell: addresses },
  {
    head: 'STATE',
    rank: 0,
    shortest: 10,
    usual: 30,
    cell: ({ how, name, isCurrent, isTaken }) =>
      [
        ...(isTaken ? ['taken here'] : []),
        ...(isCurrent ? ['current'] : []),
        ...(how === 'dev' ? [`runs in ${name}`] : []),
      ].join(', '),
  },
]

const DAEMON = {
  'lookupd-http-address': 'nsqlookupd',
  'nsqd-tcp-address': 'nsqd',
  'nsqd-http-address': 'nsqd (HTTP)',
}

/** The first kind says enough: it is the one that leads to the others. */
function addresses({ values }: Item): string {
  const shown = shownValues(values)
  const key = ADDRESS_KEYS.find(each => shown[each] !== undefined)
  return key === undefined ? '' : `${DAEMON[key]} ${[shown[key]].flat().join(', ')}`
}

function itemJson({ name, how, file, isCurrent, isTaken, values }: Item): Record<string, unknown> {
  return { name, how, file, current: isCurrent, taken_here: isTaken, values: shownValues(values) }
}

/** As in the file, but for what is secret. */
function shownValues(values: ContextValues): Record<string, TomlValue> {
  const shown: Record<string, TomlValue> = {}
  for (const [key, { kind, isSecret = false }] of Object.entries(CONTEXT_KEYS)) {
    const texts = values[key] ?? []
    const [text] = texts
    if (text === undefined) continue
    if (isSecret) shown[key] = HIDDEN
    else if (kind === 'list') shown[key] = texts.map(withoutPassword)
    else shown[key] = kind === 'switch' ? text === 'true' : kind === 'number' ? Number(text) : text
  }
  return shown
}
