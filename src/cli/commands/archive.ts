import { option, type OptionTable } from '../../util/option.ts'
import { addressAlternatives, addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1

const subscription = { group: 'Subscription' }
const output = { group: 'Output' }
const names = { group: 'File names' }
const rotation = { group: 'Rotation' }
const compression = { group: 'Compression' }
const end = { group: 'End' }
const folder = { ...output, placeholder: 'DIR' }

/** Its flags. */
export const archiveOptions = {
  topic: option.strings('A topic to archive; repeat it, or separate several by commas', {
    ...subscription,
    placeholder: 'TOPIC',
    commas: true,
  }),
  'topic-pattern': option.string(
    "Archive every topic of --lookupd-http-address in whose name this regular expression (Go's) is found",
    undefined,
    { ...subscription, placeholder: 'REGEXP' },
  ),
  'topic-refresh': option.duration('How often to look for new topics of --topic-pattern', 60_000, {
    ...subscription,
    min: 10,
    max: LONGEST_TIMER_MS,
  }),
  channel: option.string('The channel to read from', 'nsq_to_file', {
    ...subscription,
    placeholder: 'CHANNEL',
  }),
  'max-in-flight': option.int(
    'Messages of a topic that may be on their way at a time; so many are written and synced at once, compressed half as many',
    undefined,
    { ...subscription, min: 1, max: 1_000_000, defaultText: '2500; as nsq_to_file: 200' },
  ),
  'consumer-opt': option.strings(
    "An option of the connection by go-nsq's name: client_id,me (repeat it for more)",
    { ...subscription, placeholder: 'NAME,VALUE' },
  ),
  ...addressOptions,
  'http-client-connect-timeout': option.duration('How long connecting to an HTTP API may take', 2000, {
    group: 'Addresses',
    min: 1,
    max: LONGEST_TIMER_MS,
  }),
  'http-client-request-timeout': option.duration('How long an answer of an HTTP API may take', 5000, {
    group: 'Addresses',
    min: 1,
    max: 3_600_000,
  }),
  ...connectionOptions,
  output: option.string('Where the files go: a folder, or a place in S3', undefined, {
    ...output,
    placeholder: 'DIR|s3://BUCKET/PREFIX',
    defaultText: 'the current folder; as nsq_to_file: /tmp',
  }),
  'output-dir': option.string('The same for a folder, by its official name', undefined, folder),
  'work-dir': option.string(
    'Write files here, and move each to the output when it is complete: there are then only complete files there',
    undefined,
    folder,
  ),
  's3-endpoint': option.string('An S3-compatible server, in place of AWS', undefined, {
    ...output,
    placeholder: 'URL',
  }),
  'spool-dir': option.string(
    'Keep what is for S3 here until it is uploaded, by this run or the next: messages are finished when they are on this disk',
    undefined,
    { ...folder, defaultText: 'a temporary one: messages are finished when they are uploaded' },
  ),
  manifest: option.bool(
    'List the files in manifests beside them: messages, bytes, checksum and time range of each, for archive verify',
    false,
    output,
  ),
  'output-format': option.choice(
    'Each message with a newline after it, as a JSON object a line, or after its length (4 bytes, big-endian); pub ' +
      '--input reads each back',
    ['lines', 'jsonl', 'length'],
    'lines',
    output,
  ),
  escape: option.bool(
    'In lines, write newline, carriage return and backslash as \\n, \\r and \\\\; pub --unescape reads that back',
    false,
    output,
  ),
  'filename-format': option.string(
    'Names of the files, with <TOPIC> <HOST> <PID> <DATETIME> <REV>, folders, and, by the time of the message in UTC, ' +
      '%Y %m %d %H and the like: dt=%Y-%m-%d/<TOPIC>.<HOST><REV>.log',
    '<TOPIC>.<HOST><REV>.<DATETIME>.log',
    { ...names, placeholder: 'FORMAT' },
  ),
  'datetime-format': option.string(
    'What <DATETIME> is, as strftime has it: the local time now; when it changes, the next file begins',
    '%Y-%m-%d_%H',
    { ...names, placeholder: 'FORMAT' },
  ),
  'host-identifier': option.string(
    'What <HOST> is; <SHORT_HOST> and <HOSTNAME> in it are replaced',
    undefined,
    {
      ...names,
      placeholder: 'TEXT',
      defaultText: 'the short hostname',
    },
  ),
  'time-field': option.string(
    "The field of a JSON body that has the message's time, as NAME or A.B: RFC 3339, or a number since 1970",
    undefined,
    { ...names, placeholder: 'FIELD', defaultText: 'when nsqd received the message' },
  ),
  'rotate-size': option.int('Begin another file after so many bytes, before compression (0: never)', 0, {
    ...rotation,
    placeholder: 'BYTES',
    min: 0,
  }),
  'rotate-interval': option.duration('Begin another file after so long (0: never)', 0, {
    ...rotation,
    min: 0,
    max: LONGEST_TIMER_MS,
  }),
  'sync-interval': option.duration('Write and sync what has come, and finish it, at least so often', 30_000, {
    ...rotation,
    min: 1,
    max: LONGEST_TIMER_MS,
  }),
  'skip-empty-files': option.bool('Make no files for times in which nothing came', false, rotation),
  gzip: option.bool('Compress with gzip', false, compression),
  'gzip-level': option.int('How hard gzip tries', 6, { ...compression, min: 1, max: 9 }),
  zstd: option.bool('Compress with zstd: smaller and faster', false, compression),
  'zstd-level': option.int('How hard zstd tries', undefined, {
    ...compression,
    min: 1,
    max: 22,
    defaultText: '3',
  }),
  'until-empty': option.bool('Stop when the channel is empty', false, end),
  'max-duration': option.duration('Stop after so long (0: never)', 0, {
    ...end,
    min: 0,
    max: LONGEST_TIMER_MS,
  }),
  'max-messages': option.int('Stop after so many messages, over all topics (0: never)', 0, {
    ...end,
    min: 0,
  }),
  json: option.bool('Print a summary as one JSON line on stdout at the end', false, { group: 'General' }),
  'log-level': option.choice(
    'Detail of what is said on stderr; info tells of each file, debug adds stack traces',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    undefined,
    { group: 'General', defaultText: 'warn; as nsq_to_file: info' },
  ),
  'log-prefix': option.string('What each line of the log begins with', undefined, {
    group: 'General',
    defaultText: '"[archive] "; as nsq_to_file: "[nsq_to_file] "',
  }),
} satisfies OptionTable

export type ArchiveOptions = typeof archiveOptions

export const archive: Command = defineCommand({
  options: archiveOptions,
  positional: { name: 'topic', describe: 'Topics, besides those of --topic', max: 100 },
  alternatives: [addressAlternatives, compressionAlternatives, ['output', 'output-dir'], ['gzip', 'zstd']],
  description: [
    'A message is finished when it is on disk (fsync), or with S3 when it is uploaded. So whatever dies, nothing is lost: ' +
      'what a run leaves half done, the next one mends and completes, or nsqd delivers again.',
    'It runs until a signal stops it, unless told when to end. SIGHUP begins new files. Without a terminal it prints nothing ' +
      'unless something is wrong. Exit code 0 says that all that was taken is safe.',
  ],
  examples: [
    { command: 'nsq-ts archive --topic logs --output /var/archive --gzip', describe: 'a file an hour' },
    {
      command: 'nsq-ts archive logs --output s3://bucket/logs --zstd --until-empty',
      describe: 'for cron: what the channel holds, to S3, and then end',
    },
    {
      command: "nsq-ts archive logs --filename-format 'dt=%Y-%m-%d/hour=%H/<TOPIC>.<HOST><REV>.log' --gzip",
      describe: 'folders by the time of the messages',
    },
    {
      command:
        "nsq-ts archive --topic-pattern '^app_' --lookupd-http-address 10.0.0.1:4161 --output /var/archive",
      describe: 'all topics of a cluster that begin with app_, also those to come',
    },
    {
      command: 'nsq-ts archive events --output-format jsonl --max-messages 1000 --json',
      describe: 'a thousand messages with all there is to know of them, and a summary',
    },
  ],
  async run(context: Context<ArchiveOptions>) {
    const { runArchive } = await import('../archive/run.ts')
    return runArchive(context)
  },
})
