import { option, type OptionTable } from '../../util/option.ts'
import { addressOptions } from '../addresses.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { compressionAlternatives, connectionOptions } from '../connection-options.ts'
import { contextOption } from '../context/option.ts'

const addresses = { group: 'Addresses' }
const load = { group: 'Load' }
const output = { group: 'Output' }

const options = {
  'nsqd-tcp-address': addressOptions['nsqd-tcp-address'],
  'nsqd-http-address': option.string(
    'Its HTTP API, by which what the run has made is deleted: HOST:PORT, or a URL',
    undefined,
    {
      ...addresses,
      placeholder: 'ADDRESS',
      defaultText: 'what nsqlookupd says, or the port after that of TCP when it is that nsqd',
    },
  ),
  'lookupd-http-address': addressOptions['lookupd-http-address'],
  ...contextOption,
  ...connectionOptions,
  size: option.int('Bytes of a message', 200, { ...load, min: 8, max: 64 * 1024 * 1024 }),
  batch: option.int('Messages that are published by one command: PUB for 1, else MPUB', undefined, {
    ...load,
    min: 1,
    max: 100_000,
    defaultText: '200 or 1 MiB, what is less; 1 for latency',
  }),
  connections: option.int('Connections that publish, and as many that consume', 2, {
    ...load,
    min: 1,
    max: 10_000,
  }),
  pipeline: option.int('Commands that may wait for their OK on each connection; 1: one at a time', 10, {
    ...load,
    min: 1,
    max: 100_000,
  }),
  rate: option.int(
    'Messages to publish a second, at even distances; latencies then count from when a message was due',
    undefined,
    { ...load, min: 1, max: 100_000_000, defaultText: 'no limit; 1000 for latency' },
  ),
  duration: option.duration('How long to measure; for sub, how long to publish before', undefined, {
    ...load,
    min: 1,
    max: 86_400_000,
    defaultText: '5s, without --messages',
  }),
  messages: option.int('How many messages to measure', undefined, { ...load, min: 1, max: 4_000_000_000 }),
  warmup: option.duration('What comes before and does not count; for sub, a tenth of the messages', 1000, {
    ...load,
    min: 0,
    max: 3_600_000,
  }),
  topic: option.string('The topic to publish to; it is not deleted', undefined, {
    ...load,
    placeholder: 'TOPIC',
    defaultText: 'one of its own, which is deleted',
  }),
  ceiling: option.bool(
    'Measure as well what this machine does with the same bytes and no NSQ at all',
    true,
    output,
  ),
  json: option.bool('One JSON object a line for each run', false, output),
  csv: option.bool('A line of names, and one for each run, for a spreadsheet', false, output),
} satisfies OptionTable

export type BenchOptions = typeof options

export const bench: Command = defineCommand({
  options,
  positional: {
    name: 'pub|sub|latency|all',
    describe: 'What to measure: all unless given, one after the other',
    max: 1,
  },
  // Of another nsqd than the one that is named, these would delete a topic there.
  alternatives: [['nsqd-tcp-address', 'nsqd-http-address', 'lookupd-http-address'], compressionAlternatives],
  description: [
    'pub publishes as fast as nsqd acknowledges, or at --rate, and measures the time from each command to its OK. sub ' +
      'publishes first and measures how fast that is consumed and finished. latency publishes at a rate and measures the ' +
      'time until each message has come back.',
    'Each run has a topic of its own, which is deleted in the end, also at a signal. nsqd writes what is published to its ' +
      'disk as always: at a million messages of 200 bytes a second that is a gigabyte in five seconds.',
    'Exit code 1 says that messages were lost which nsqd had acknowledged, that it left commands without an answer, or that ' +
      'a connection failed.',
  ],
  examples: [
    { command: 'nsq-ts bench', describe: 'publish, subscribe and latency, with what is usual' },
    {
      command: 'nsq-ts bench pub --connections 16 --batch 1 --pipeline 1',
      describe: 'sixteen clients that each wait for every OK',
    },
    {
      command: 'nsq-ts bench latency --rate 10000 --duration 1m',
      describe: 'how long a message takes at ten thousand a second',
    },
    {
      command: 'nsq-ts bench pub --nsqd-tcp-address 10.0.0.1:4150 --rate 50000 --json',
      describe: 'whether a server takes fifty thousand a second',
    },
    { command: 'nsq-ts bench --size 1000 --csv >> runs.csv', describe: 'for a spreadsheet' },
  ],
  async run(context: Context<BenchOptions>) {
    const { runBench } = await import('../bench/run.ts')
    return runBench(context)
  },
})
