import { type Option, option, type OptionTable } from '../../util/option.ts'
import { addressAlternatives, addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'

const subscription = { group: 'Subscription' }
const destination = { group: 'Destination' }
const selection = { group: 'Selection' }
const output = { group: 'Output' }

/** Its flags. */
export const mirrorOptions = {
  topic: option.strings('A topic to mirror; repeat it, or separate several by commas', {
    ...subscription,
    placeholder: 'TOPIC',
    commas: true,
  }),
  channel: option.string('The channel to read from', 'nsq_to_nsq', {
    ...subscription,
    placeholder: 'CHANNEL',
  }),
  'max-in-flight': option.int('Messages of a topic that may be on their way at a time', undefined, {
    ...subscription,
    min: 1,
    max: 1_000_000,
    defaultText: '2500; as nsq_to_nsq: 200',
  }),
  'consumer-opt': option.strings(
    "An option of the connections to read from by go-nsq's name: client_id,me (repeat it for more)",
    { ...subscription, placeholder: 'NAME,VALUE' },
  ),
  ...addressOptions,
  ...connectionOptions,
  'destination-topic': option.string('Publish everything to this topic', undefined, {
    ...destination,
    placeholder: 'TOPIC',
    defaultText: 'the topic that it is from',
  }),
  'destination-nsqd-tcp-address': addresses(
    addressOptions['nsqd-tcp-address'],
    'An nsqd to publish to: HOST:PORT (TCP), or the path of its Unix socket; repeat it, or separate several by commas',
  ),
  'destination-lookupd-http-address': addresses(
    addressOptions['lookupd-http-address'],
    'An nsqlookupd, to publish to all nsqds that it knows: HOST:PORT (HTTP), or an https URL; repeat it likewise',
  ),
  'destination-context': option.string(
    'Take what the flags leave open of the destination from this context: its addresses, TLS, compression, authorization',
    undefined,
    { ...destination, placeholder: 'NAME' },
  ),
  mode: option.choice(
    'How several nsqds share what is published: in turn (the first two; one that is down is left out while it is), or the ' +
      'most to the one that is fastest',
    ['round-robin', 'hostpool', 'epsilon-greedy'],
    'hostpool',
    destination,
  ),
  'producer-opt': option.strings(
    "An option of the connections to publish over by go-nsq's name: tls_v1, auth_secret,… (repeat it for more)",
    { ...destination, placeholder: 'NAME,VALUE' },
  ),
  'max-msg-size': option.int(
    "Largest message to publish, in bytes; not above --max-msg-size of the destination's nsqd",
    1024 * 1024,
    { ...destination, min: 1, max: 2 ** 31 - 1 },
  ),
  'require-json-field': option.string(
    'Mirror only messages that are JSON objects with this field; finish the others',
    undefined,
    { ...selection, placeholder: 'FIELD' },
  ),
  'require-json-value': option.string('The value that --require-json-field must have', undefined, {
    ...selection,
    placeholder: 'VALUE',
  }),
  'whitelist-json-field': option.strings('Of JSON objects keep only this field; repeat it for more', {
    ...selection,
    placeholder: 'FIELD',
  }),
  filter: option.string(
    'Mirror only messages for which the default export of this ES module, a function, returns true; finish the others',
    undefined,
    { ...selection, placeholder: 'FILE' },
  ),
  map: option.string(
    'Publish what the default export of this ES module makes of each message; see docs/mirror.md',
    undefined,
    { ...selection, placeholder: 'FILE' },
  ),
  'status-every': option.int(
    'Say how it goes after so many messages, at most once a second (0: never)',
    undefined,
    { ...output, min: 0, defaultText: '0; as nsq_to_nsq: 250' },
  ),
  json: option.bool('Print the summary as one JSON line on stdout', false, output),
} satisfies OptionTable

export type MirrorOptions = typeof mirrorOptions

/** The same kind of addresses, of the other side. */
function addresses(list: Option<readonly string[]>, describe: string): Option<readonly string[]> {
  return { ...list, describe, ...destination, defaultText: 'as in --destination-context' }
}

export const mirror: Command = defineCommand({
  options: mirrorOptions,
  positional: { name: 'topic', describe: 'Topics, besides those of --topic', max: 100 },
  alternatives: [
    addressAlternatives,
    ['destination-nsqd-tcp-address', 'destination-lookupd-http-address'],
    compressionAlternatives,
  ],
  description: [
    'Takes the messages of topics and publishes them to other nsqds. A message is finished when the destination has ' +
      'acknowledged it, so nothing is lost, whichever side goes away; some may come twice.',
    'The flags of --tls, --snappy, --deflate and --auth-secret are for the side that is read from; for the destination, ' +
      '--producer-opt has the same by the names of go-nsq.',
    'It runs until a signal stops it. Exit code 1 says that it could not begin, or that messages went back at the end, as ' +
      'the destination did not take them.',
  ],
  examples: [
    {
      command: 'nsq-ts mirror --topic logs --destination-nsqd-tcp-address 10.0.0.2:4150',
      describe: "from this machine's nsqd to another",
    },
    {
      command:
        'nsq-ts mirror orders,invoices --lookupd-http-address 10.0.0.1:4161 --destination-lookupd-http-address 10.1.0.1:4161',
      describe: 'two topics, from cluster to cluster',
    },
    {
      command:
        'nsq-ts mirror events --destination-nsqd-tcp-address b:4150 --require-json-field type --require-json-value order',
      describe: 'some of the messages',
    },
    {
      command: 'nsq-ts mirror events --destination-nsqd-tcp-address b:4150 --map ./redact.js',
      describe: 'changed by a function of yours',
    },
    {
      command:
        'nsq-ts mirror logs --destination-nsqd-tcp-address b:4150 --producer-opt tls_v1,true --producer-opt tls_root_ca_file,ca.pem',
      describe: 'over TLS to the destination',
    },
  ],
  async run(context: Context<MirrorOptions>) {
    const { runMirror } = await import('../mirror/run.ts')
    return runMirror(context)
  },
})
