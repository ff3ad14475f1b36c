import { option, type OptionTable } from '../../util/option.ts'
import { addressAlternatives, addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'
import { POOL_MODES } from '../relay/host-pool.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1

const subscription = { group: 'Subscription' }
const endpoints = { group: 'Endpoints' }
const batches = { group: 'Batches' }
const general = { group: 'General' }

/** Its flags. */
export const forwardOptions = {
  topic: option.strings('A topic to forward; repeat it, or separate several by commas', {
    ...subscription,
    placeholder: 'TOPIC',
    commas: true,
  }),
  channel: option.string('The channel to read from', 'nsq_to_http', {
    ...subscription,
    placeholder: 'CHANNEL',
  }),
  'max-in-flight': option.int('Messages of a topic that may be on their way at a time', undefined, {
    ...subscription,
    min: 1,
    max: 1_000_000,
    defaultText: '200, or as many as --n and --batch have a use for',
  }),
  sample: option.float('The share of messages to send, at random; the others are finished unsent', 1, {
    ...subscription,
    min: 0,
    max: 1,
  }),
  'dead-letter-topic': option.string(
    'Publish here, to the nsqds that the messages are from, what an endpoint refuses for good (most of 4xx)',
    undefined,
    { ...subscription, placeholder: 'TOPIC', defaultText: 'it is sent again, up to max_attempts times' },
  ),
  'consumer-opt': option.strings(
    "An option of the connection by go-nsq's name: client_id,me (repeat it for more)",
    { ...subscription, placeholder: 'NAME,VALUE' },
  ),
  ...addressOptions,
  ...connectionOptions,
  post: option.strings('Where to send each message as the body of a POST; repeat it for more endpoints', {
    ...endpoints,
    placeholder: 'URL',
  }),
  get: option.strings(
    'Where to send each message by a GET, with %s where its body goes, escaped; repeat it likewise',
    { ...endpoints, placeholder: 'URL' },
  ),
  mode: option.choice(
    'Which endpoint gets the next request: each in turn, each in turn but those that fail rest, or the fast ones more often',
    POOL_MODES,
    'hostpool',
    endpoints,
  ),
  n: option.int('Requests under way at a time, over all endpoints', 100, {
    ...endpoints,
    min: 1,
    max: 65_535,
  }),
  header: option.strings('A header of each request; repeat it for more', {
    ...endpoints,
    placeholder: '"NAME: VALUE"',
    secret: true,
  }),
  'content-type': option.string('The Content-Type of a POST', undefined, {
    ...endpoints,
    placeholder: 'TYPE',
    defaultText: 'application/octet-stream, with --batch that of its format',
  }),
  'http-client-connect-timeout': option.duration('How long connecting to an endpoint may take', 2000, {
    ...endpoints,
    min: 1,
    max: LONGEST_TIMER_MS,
  }),
  'http-client-request-timeout': option.duration('How long a request may take, answer included', 20_000, {
    ...endpoints,
    min: 1,
    max: LONGEST_TIMER_MS,
  }),
  batch: option.int('Messages in a request, at most; needs --post', 1, {
    ...batches,
    min: 1,
    max: 100_000,
  }),
  'batch-format': option.choice(
    'What a batch looks like: a JSON array, a JSON value a line, or each message with a newline after it, as it is',
    ['json', 'ndjson', 'lines'],
    undefined,
    { ...batches, defaultText: 'json' },
  ),
  'batch-bytes': option.int('Bytes of a batch, at most; a larger message goes alone', 1_000_000, {
    ...batches,
    placeholder: 'BYTES',
    min: 1,
    max: 256_000_000,
  }),
  'batch-wait': option.duration('How long a message waits for others to go with', 100, {
    ...batches,
    min: 0,
    max: 3_600_000,
  }),
  'status-every': option.int(
    'Report on each endpoint after so many requests to it, at most once a second (0: only at the end)',
    250,
    { ...general, min: 0 },
  ),
  'log-level': option.choice(
    'Detail of what is said on stderr; info reports on the endpoints, debug adds stack traces',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    general,
  ),
  json: option.bool('Print these reports, and the one at the end, as JSON lines on stdout', false, general),
} satisfies OptionTable

export type ForwardOptions = typeof forwardOptions

export const forward: Command = defineCommand({
  options: forwardOptions,
  positional: { name: 'topic', describe: 'Topics, besides those of --topic', max: 100 },
  alternatives: [addressAlternatives, compressionAlternatives, ['post', 'get']],
  description: [
    'A message is finished when an endpoint has answered 2xx, in full. What fails otherwise comes again: an endpoint that is ' +
      'down, slow or answers 5xx slows the command down, and Retry-After is obeyed. Redirects are not followed.',
    'Answers 4xx but 408, 425 and 429 are refusals: such a message goes to --dead-letter-topic. Without one it is sent again, ' +
      'ever later, and is dropped, with a warning, after as many refusals as --consumer-opt=max_attempts,N allows (5; 0 for any number). ' +
      'Of a batch that is refused as 400, 413, 414, 415 or 422, only the messages that are alone refused count as such.',
  ],
  examples: [
    {
      command: 'nsq-ts forward --topic orders --post http://10.0.0.5:8080/orders',
      describe: 'each message as the body of a POST',
    },
    {
      command: 'nsq-ts forward clicks --post https://example.com/clicks --batch 100 --batch-format ndjson',
      describe: 'up to a hundred in a request, a JSON value a line',
    },
    {
      command: 'nsq-ts forward orders --post http://a:8080/ --post http://b:8080/ --mode epsilon-greedy',
      describe: 'to the faster of two endpoints more often',
    },
    {
      command:
        "nsq-ts forward orders --post https://example.com/ --header 'Authorization: Bearer TOKEN' --dead-letter-topic refused",
      describe: 'with a header, and a place for what is refused',
    },
    {
      command: "nsq-ts forward hits --get 'http://10.0.0.5/hit?q=%s' --sample 0.1",
      describe: 'a tenth of the messages, each in the address of a GET',
    },
  ],
  async run(context: Context<ForwardOptions>) {
    const { runForward } = await import('../forward/run.ts')
    return runForward(context)
  },
})
