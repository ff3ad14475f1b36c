import { option, type OptionTable } from '../../util/option.ts'
import { addressAlternatives, addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'

/** The longest that the client takes; nsqd's own limit is an hour unless it is told otherwise. */
export const MAX_DEFER_MS = 2 ** 31 - 1

const input = { group: 'Input' }
const delivery = { group: 'Delivery' }

const options = {
  topic: option.string(
    'The topic to publish to; jsonl records name their own where it is missing',
    undefined,
    {
      ...delivery,
      placeholder: 'TOPIC',
    },
  ),
  ...addressOptions,
  ...connectionOptions,
  to: option.choice(
    'Of several nsqds, publish to any one (the next when it is down) or to all',
    ['any', 'all'],
    undefined,
    { ...delivery, defaultText: 'any; as to_nsq: all' },
  ),
  defer: option.duration("Deliver the messages this much later; not above nsqd's --max-req-timeout", 0, {
    ...delivery,
    min: 0,
    max: MAX_DEFER_MS,
  }),
  rate: option.int('Publish at most so many messages a second (0: no limit)', 0, { ...delivery, min: 0 }),
  input: option.choice(
    'How messages are told apart: by the delimiter, as the records of tail --json, as binary messages each after its ' +
      'length (4 bytes, big-endian), or not at all',
    ['lines', 'jsonl', 'length', 'whole'],
    'lines',
    input,
  ),
  delimiter: option.string(
    'The bytes that end a message of --input=lines; \\n \\r \\t \\0 \\\\ \\x1e are known',
    '\\n',
    {
      ...input,
      placeholder: 'BYTES',
    },
  ),
  unescape: option.bool(
    'Read \\n, \\r and \\\\ in lines as newline, carriage return and backslash, as archive --escape writes them',
    false,
    input,
  ),
  'max-msg-size': option.int("Largest message, in bytes; not above nsqd's own --max-msg-size", 1024 * 1024, {
    ...input,
    min: 1,
    max: 2 ** 31 - 1,
  }),
  'producer-opt': option.strings(
    "An option of the connection by go-nsq's name: client_id,me (repeat it for more)",
    {
      ...delivery,
      placeholder: 'NAME,VALUE',
    },
  ),
  json: option.bool('Print the summary as one JSON line on stdout', false, { group: 'Output' }),
} satisfies OptionTable

export type PubOptions = typeof options

export const pub: Command = defineCommand({
  options,
  positional: { name: 'topic', describe: 'The topic, in place of --topic', max: 1 },
  alternatives: [addressAlternatives, compressionAlternatives],
  description: [
    'Each line is a message, byte for byte, without its newline; the last one needs none. Empty lines are left out and ' +
      'counted. Messages are sent in batches, several on their way at a time.',
    'Exit code 1 says that something was not published or not acknowledged, or, with --to=all, not by every nsqd; how ' +
      'much is said on stderr.',
  ],
  examples: [
    { command: 'nsq-ts pub --topic logs < app.log', describe: 'publish each line' },
    {
      command: "printf 'a\\0b' | nsq-ts pub --topic t --delimiter '\\0'",
      describe: 'messages that end with a NUL',
    },
    { command: 'nsq-ts pub --topic images --input whole < cat.jpg', describe: 'a whole file as one message' },
    {
      command: 'nsq-ts pub --topic logs --unescape < archived.log',
      describe: 'what archive --escape has written, newlines and all',
    },
    {
      command: 'nsq-ts tail --topic a --json | nsq-ts pub --topic b --input jsonl',
      describe: 'copy a topic, byte for byte',
    },
    {
      command: 'nsq-ts pub --topic logs --lookupd-http-address 10.0.0.1:4161 < app.log',
      describe: 'to an nsqd that nsqlookupd knows',
    },
    {
      command:
        'nsq-ts pub --topic logs --nsqd-tcp-address nsqd.example.com --tls-ca ca.pem --snappy < app.log',
      describe: 'over TLS, compressed; NSQ_AUTH_SECRET has the secret where nsqd wants one',
    },
  ],
  async run(context: Context<PubOptions>) {
    const { runPub } = await import('../pub/run.ts')
    return runPub(context)
  },
})
