import { option, type OptionTable } from '../../util/option.ts'
import { addressAlternatives, addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'

const subscription = { group: 'Subscription' }
const output = { group: 'Output' }
const end = { group: 'End' }

const options = {
  topic: option.strings('A topic to print; repeat it, or separate several by commas', {
    ...subscription,
    placeholder: 'TOPIC',
    commas: true,
  }),
  channel: option.string(
    'The channel to read from; messages read there are taken from its other consumers',
    undefined,
    {
      ...subscription,
      placeholder: 'CHANNEL',
      defaultText: 'a fresh ephemeral one, which sees every message from now on',
    },
  ),
  ...addressOptions,
  ...connectionOptions,
  'max-in-flight': option.int('Messages that may be on their way at a time', 200, {
    ...subscription,
    min: 1,
    max: 1_000_000,
  }),
  'consumer-opt': option.strings(
    "An option of the connection by go-nsq's name: client_id,me (repeat it for more)",
    { ...subscription, placeholder: 'NAME,VALUE' },
  ),
  n: option.int('Stop after so many messages, over all topics (0: never)', 0, { ...end, min: 0 }),
  'idle-timeout': option.duration('Stop when no message has come for so long (0: never)', 0, {
    ...end,
    min: 0,
  }),
  json: option.bool(
    'One JSON object a line: topic, id, timestamp, attempts, nsqd, body or body_base64',
    false,
    output,
  ),
  format: option.string('A line of your own, such as "{timestamp} {topic}: {body}"', undefined, {
    ...output,
    placeholder: 'TEMPLATE',
  }),
  'print-topic': option.bool('Print the topic before each message', false, output),
  timestamps: option.bool('Print the time that nsqd received it before each message', false, output),
} satisfies OptionTable

export type TailOptions = typeof options

export const tail: Command = defineCommand({
  options,
  positional: { name: 'topic', describe: 'Topics, besides those of --topic', max: 100 },
  alternatives: [addressAlternatives, compressionAlternatives],
  description: [
    'Bodies are printed byte for byte, each with a newline after it. On a terminal, control characters in them are ' +
      'escaped. A message is finished when it has been written, so that what was not printed is delivered again.',
    '--format knows {topic} {id} {timestamp} {nanoseconds} {attempts} {nsqd} {size} {body} {base64}, the escapes ' +
      '\\n \\r \\t \\0 \\\\ \\x1e, and {{ for a brace.',
  ],
  examples: [
    { command: 'nsq-ts tail --topic logs', describe: 'what comes from now on' },
    {
      command: 'nsq-ts tail --topic logs -n 10 --json',
      describe: 'ten messages with all there is to know of them',
    },
    { command: 'nsq-ts tail --topic a,b --print-topic', describe: 'two topics at once' },
    { command: "nsq-ts tail logs --format '{timestamp} {body}'", describe: 'lines of your own' },
    {
      command: 'nsq-ts tail logs --channel archive --idle-timeout 10s > logs.txt',
      describe: 'empty a channel into a file',
    },
    {
      command: 'nsq-ts tail logs --lookupd-http-address 10.0.0.1:4161',
      describe: 'from every nsqd of a cluster',
    },
  ],
  async run(context: Context<TailOptions>) {
    const { runTail } = await import('../tail/run.ts')
    return runTail(context)
  },
})
