import { parseMoment } from '../../util/moment.ts'
import { type Option, option, type OptionTable } from '../../util/option.ts'
import { addressOptions } from '../addresses.ts'
import { clusterOptions } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'

const what = { group: 'What' }
const where = { group: 'Where to' }
const files = { group: 'Archived files' }
const output = { group: 'Output' }

const options = {
  topic: option.string(
    'The topic whose messages are replayed; of files, the one to publish to, where it is not their own',
    undefined,
    { ...what, placeholder: 'TOPIC' },
  ),
  since: moment(
    'From this time on: how long ago, as 90m or 7d, or a date and time as 2026-01-02, 2026-01-02T15:04, 2026-01-02T15:04:05Z',
    'files: all of it',
  ),
  until: moment('Before this time, written likewise', 'now; files: all of it'),
  channel: option.string('Put the messages before this channel again', undefined, {
    ...where,
    placeholder: 'CHANNEL',
  }),
  'to-topic': option.string('Publish the messages to this topic instead', undefined, {
    ...where,
    placeholder: 'TOPIC',
  }),
  'destination-nsqd-tcp-address': {
    ...addressOptions['nsqd-tcp-address'],
    describe: 'An nsqd for --to-topic: HOST:PORT (TCP), or the path of its Unix socket; repeat it likewise',
    defaultText: 'where the messages are from',
    group: where.group,
  },
  'destination-lookupd-http-address': {
    ...addressOptions['lookupd-http-address'],
    describe: 'An nsqlookupd that knows the nsqds for --to-topic; repeat it likewise',
    group: where.group,
  },
  rate: perSecond('Publish at most so many messages a second, as 500 or 500/s (0: no limit)', where),
  'max-msg-size': option.int("Largest message to publish, in bytes; not above nsqd's own", 1024 * 1024, {
    ...where,
    min: 1,
    max: 2 ** 31 - 1,
  }),
  input: option.choice(
    'How the messages of files are told apart that no manifest lists: see --output-format and --escape of archive',
    ['lines', 'escaped', 'jsonl', 'length'],
    undefined,
    { ...files, defaultText: 'jsonl, where they begin like that; else lines' },
  ),
  'skip-files': option.int('Leave out the first so many files', 0, { ...files, min: 0 }),
  skip: option.int('Leave out the first so many messages of the first file', 0, { ...files, min: 0 }),
  's3-endpoint': option.string('An S3-compatible server, in place of AWS', undefined, {
    ...files,
    placeholder: 'URL',
  }),
  ...clusterOptions,
  'nsqd-tcp-address': {
    ...addressOptions['nsqd-tcp-address'],
    describe: 'An nsqd by its address for clients, likewise; files are published there',
    defaultText: '127.0.0.1:4150 for files',
  },
  ...connectionOptions,
  'dry-run': option.bool('Say what there is to be replayed, and do nothing', false, output),
  yes: option.bool('Do not ask; needed where nobody can be asked', false, {
    ...output,
    alias: 'y',
    flagOnly: true,
  }),
  json: option.bool('Print what was done as one JSON line on stdout', false, output),
} satisfies OptionTable

export type ReplayOptions = typeof options

function moment(describe: string, defaultText: string): Option<number | undefined> {
  const text = option.string(describe, undefined, { ...what, placeholder: 'TIME', defaultText })
  return { ...text, default: undefined, parse: texts => parseMoment(texts.at(-1) ?? '', Date.now()) }
}

function perSecond(describe: string, extra: { group: string }): Option<number> {
  const rate = option.int(describe, 0, { ...extra, min: 0 })
  return { ...rate, parse: texts => rate.parse(texts.map(text => text.replace(/\s*\/s$/, ''))) }
}

export const replay: Command = defineCommand({
  options,
  positional: {
    name: 'file',
    describe: 'What archive has written: files, folders, or s3://BUCKET/PREFIX',
    max: 100_000,
  },
  alternatives: [
    ['lookupd-http-address', 'nsqd-http-address', 'nsqd-tcp-address'],
    ['destination-lookupd-http-address', 'destination-nsqd-tcp-address'],
    compressionAlternatives,
  ],
  description: [
    'With --topic and --channel: what was published since then is put before the channel again, at every nsqd of the topic, ' +
      'beside what waits there. With --to-topic in place of --channel it is published to that topic, and no channel of ' +
      'the first notices. nsqd keeps what its channels are done with as long as its --retain-time and --retain-bytes say; ' +
      'the official nsqd keeps nothing: of it only an archive can be replayed.',
    'With files: what archive has written is published, in its order. Manifests beside the files say how their messages are ' +
      'told apart, and to which topic they belong. A file that is damaged is named, and what is sound in it is published. ' +
      'Whatever ends a replay, it says how to go on from there.',
    'Before messages go to consumers, on a terminal it says how many, and asks; elsewhere it needs --yes.',
  ],
  examples: [
    {
      command: 'nsq-ts replay --topic orders --channel mail --since 1h',
      describe: 'give a channel the messages of the last hour again; asks first',
    },
    {
      command:
        'nsq-ts replay --topic orders --channel mail --since 2026-01-02T14:00 --until 2026-01-02T15:00 --yes',
      describe: 'those of an hour in the past, without asking',
    },
    {
      command: 'nsq-ts replay --topic orders --to-topic orders_again --since 7d --rate 1000/s',
      describe: 'into another topic, a thousand a second',
    },
    {
      command: 'nsq-ts replay /var/archive --topic orders --dry-run',
      describe: 'how much there is in an archive; reads all of it',
    },
    {
      command: 'nsq-ts replay s3://bucket/logs --since 2026-01-02 --until 2026-01-03 --topic logs_again',
      describe: 'a day of an archive in S3',
    },
  ],
  async run(context: Context<ReplayOptions>) {
    const { runReplay } = await import('../replay/run.ts')
    return runReplay(context)
  },
})
