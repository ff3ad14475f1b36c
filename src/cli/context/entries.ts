import type { CommandEntry } from '../command.ts'

/** The commands for contexts. */
export const contextEntries: readonly CommandEntry[] = [
  {
    name: 'context add',
    summary: 'Keep addresses and settings under a name',
    load: async () => (await import('../commands/context-add.ts')).contextAdd,
  },
  {
    name: 'context use',
    summary: 'Make a context the current one, which commands take when no address is given',
    load: async () => (await import('../commands/context-use.ts')).contextUse,
  },
  {
    name: 'context list',
    summary: 'List the contexts, and which is taken here',
    load: async () => (await import('../commands/context-list.ts')).contextList,
  },
  {
    name: 'context show',
    summary: 'Show a context; without a name, the one that is taken here',
    load: async () => (await import('../commands/context-show.ts')).contextShow,
  },
  {
    name: 'context remove',
    summary: 'Remove contexts',
    load: async () => (await import('../commands/context-remove.ts')).contextRemove,
  },
]
