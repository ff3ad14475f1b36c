import type { CommandEntry } from '../command.ts'

/** What can be done with topics and channels. */
export type Verb = 'list' | 'create' | 'delete' | 'empty' | 'pause' | 'unpause'

const TOPIC: Record<Verb, string> = {
  list: 'List topics',
  create: 'Create topics',
  delete: 'Delete topics, with their channels and messages',
  empty: 'Throw away the messages of topics that are in no channel yet',
  pause: 'Let no more messages go from topics to their channels',
  unpause: 'Let messages go from topics to their channels again',
}

const CHANNEL: Record<Verb, string> = {
  list: 'List the channels of topics',
  create: 'Create channels of a topic',
  delete: 'Delete channels of a topic, with their messages',
  empty: 'Throw away the messages of channels',
  pause: 'Let no more messages go from channels to consumers',
  unpause: 'Let messages go from channels to consumers again',
}

const VERBS = ['list', 'create', 'delete', 'empty', 'pause', 'unpause'] as const

/** The commands that steer a cluster. */
export const adminEntries: readonly CommandEntry[] = [
  ...VERBS.map(verb => ({
    name: `topic ${verb}`,
    summary: TOPIC[verb],
    load: async () => (await import('../commands/topic.ts')).topic[verb],
  })),
  ...VERBS.map(verb => ({
    name: `channel ${verb}`,
    summary: CHANNEL[verb],
    load: async () => (await import('../commands/channel.ts')).channel[verb],
  })),
  {
    name: 'nodes',
    summary: 'List the nsqds, and how they are',
    load: async () => (await import('../commands/nodes.ts')).nodes,
  },
  {
    name: 'tombstone',
    summary: 'Hide an nsqd from the consumers of a topic, or show what is hidden',
    load: async () => (await import('../commands/tombstone.ts')).tombstone,
  },
]
