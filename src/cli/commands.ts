import { adminEntries } from './admin/entries.ts'
import type { CommandEntry } from './command.ts'
import { contextEntries } from './context/entries.ts'

/** Every command, in the order that `nsq-ts --help` lists them. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'dev',
    summary: 'Start a local NSQ for development, with nothing to set up',
    load: async () => (await import('./commands/dev.ts')).dev,
  },
  {
    name: 'pub',
    bin: 'to_nsq',
    summary: 'Publish standard input to a topic',
    load: async () => (await import('./commands/pub.ts')).pub,
  },
  {
    name: 'tail',
    bin: 'nsq_tail',
    summary: 'Print the messages of topics as they come',
    load: async () => (await import('./commands/tail.ts')).tail,
  },
  {
    name: 'archive',
    bin: 'nsq_to_file',
    summary: 'Write the messages of topics to files, or to S3',
    load: async () => (await import('./commands/archive.ts')).archive,
  },
  {
    name: 'archive verify',
    summary: 'Check what archive has written against its manifests',
    load: async () => (await import('./commands/archive-verify.ts')).archiveVerify,
  },
  {
    name: 'stat',
    bin: 'nsq_stat',
    summary: 'Watch the depths and rates of topics and channels',
    load: async () => (await import('./commands/stat.ts')).stat,
  },
  ...adminEntries,
  {
    name: 'forward',
    bin: 'nsq_to_http',
    summary: 'Send the messages of topics to HTTP endpoints',
    load: async () => (await import('./commands/forward.ts')).forward,
  },
  {
    name: 'mirror',
    bin: 'nsq_to_nsq',
    summary: 'Publish the messages of topics to other nsqds, as they come',
    load: async () => (await import('./commands/mirror.ts')).mirror,
  },
  {
    name: 'replay',
    summary: 'Give a channel messages again, or publish an archive',
    load: async () => (await import('./commands/replay.ts')).replay,
  },
  {
    name: 'bench',
    summary: 'Measure how many messages an nsqd takes and gives, and how long they take',
    load: async () => (await import('./commands/bench.ts')).bench,
  },
  {
    name: 'doctor',
    summary: 'Look for what is wrong with a cluster, and say what to do about it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'completion',
    summary: 'Print a script with which a shell completes commands, flags and names',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  ...contextEntries,
  {
    name: 'nsqd',
    bin: 'nsqd',
    summary: 'Run nsqd, the daemon that receives, keeps and delivers messages',
    load: async () => (await import('./commands/nsqd.ts')).nsqd,
  },
  {
    name: 'nsqlookupd',
    bin: 'nsqlookupd',
    summary: 'Run nsqlookupd, the daemon that knows which nsqd has which topic',
    load: async () => (await import('./commands/nsqlookupd.ts')).nsqlookupd,
  },
  {
    name: 'nsqadmin',
    bin: 'nsqadmin',
    summary: 'Run nsqadmin, the page to watch and steer a cluster in the browser',
    load: async () => (await import('./commands/nsqadmin.ts')).nsqadmin,
  },
]
