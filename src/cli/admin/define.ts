import { clusterAlternatives } from '../cluster-options.ts'
import { type Command, type Context, defineCommand, type Example } from '../command.ts'
import type { Verb } from './entries.ts'
import {
  changeOptions,
  type ChangeOptions,
  destructiveOptions,
  type DestructiveOptions,
  listOptions,
  type ListOptions,
} from './options.ts'

/** What is said of a command in `--help`. */
export interface Words {
  readonly description: readonly string[]
  readonly examples: readonly Example[]
}

type Kind = 'topic' | 'channel'

const MOST_NAMES = 1000
const PATTERN = 'in which * stands for any text and ? for any character'
const alternatives = [clusterAlternatives]

const ABOUT_CHANGES =
  'The exit code is 1 when a daemon that it concerns could not be told; the others have been, and each ' +
  'is named. --json prints {"topic", "channel", "action", "ok", "nsqlookupds":[], "nsqds":[], ' +
  '"errors":[{"code", "message"}]} for each name.'

/** The six commands for topics, or for channels: they differ in words only. */
export function adminCommands(kind: Kind, words: Record<Verb, Words>): Record<Verb, Command> {
  return {
    list: list(kind, words.list),
    create: change(kind, 'create', words.create),
    delete: loseMessages(kind, 'delete', words.delete),
    empty: loseMessages(kind, 'empty', words.empty),
    pause: change(kind, 'pause', words.pause),
    unpause: change(kind, 'unpause', words.unpause),
  }
}

function list(kind: Kind, words: Words): Command {
  return defineCommand({
    ...words,
    options: listOptions,
    positional: {
      name: 'topic',
      describe: `Topics, or patterns ${PATTERN}; all unless given`,
      max: MOST_NAMES,
    },
    alternatives,
    async run(context: Context<ListOptions>) {
      const { listChannels, listTopics } = await import('./list.ts')
      return kind === 'topic' ? listTopics(context) : listChannels(context)
    },
  })
}

function change(kind: Kind, verb: 'create' | 'pause' | 'unpause', words: Words): Command {
  return defineCommand({
    ...words,
    description: [...words.description, ABOUT_CHANGES],
    options: changeOptions,
    positional: names(kind, verb === 'create' ? '' : `, or patterns ${PATTERN}`),
    alternatives,
    async run(context: Context<ChangeOptions>) {
      const { runChange } = await import('./change.ts')
      return runChange(context, { kind, verb, yes: false })
    },
  })
}

function loseMessages(kind: Kind, verb: 'delete' | 'empty', words: Words): Command {
  return defineCommand({
    ...words,
    description: [...words.description, ABOUT_CHANGES],
    options: destructiveOptions,
    positional: names(kind, ''),
    alternatives,
    async run(context: Context<DestructiveOptions>) {
      const { runChange } = await import('./change.ts')
      return runChange(context, { kind, verb, yes: context.options.yes })
    },
  })
}

function names(kind: Kind, orPatterns: string): NonNullable<Command['positional']> {
  return kind === 'topic'
    ? { name: 'topic', describe: `Topics${orPatterns}`, max: MOST_NAMES }
    : { name: 'topic channel', describe: `A topic, and channels of it${orPatterns}`, max: MOST_NAMES }
}
