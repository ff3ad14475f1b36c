import { option, type OptionTable } from '../../util/option.ts'
import { clusterAlternatives, clusterOptions } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { SORTS } from '../stat/sort.ts'

const LONGEST_TIMER_MS = 2 ** 31 - 1

const choice = { group: 'Topics and channels' }
const reports = { group: 'Reports' }
const check = { group: 'Checks' }

const options = {
  topic: option.strings(
    'A topic, or a pattern in which * stands for any text and ? for any character; repeat it, or separate several by commas',
    { ...choice, placeholder: 'TOPIC', commas: true, defaultText: 'all' },
  ),
  channel: option.strings('A channel likewise', {
    ...choice,
    placeholder: 'CHANNEL',
    commas: true,
    defaultText: 'all',
  }),
  'min-depth': option.int('Show what has at least so many waiting messages', 0, { ...choice, min: 0 }),
  sort: option.choice('What the table is sorted by: names upwards, the rest downwards', SORTS, 'name', {
    ...choice,
    placeholder: 'COLUMN',
  }),
  ...clusterOptions,
  interval: option.duration('Time between two reports', undefined, {
    ...reports,
    min: 1,
    max: LONGEST_TIMER_MS,
    defaultText: '2s; 1s for a single report',
  }),
  count: option.int('Stop after so many reports (0: never)', undefined, {
    ...reports,
    min: 0,
    defaultText: '0 on a terminal, with --interval and as nsq_stat; else 1',
  }),
  json: option.bool('One JSON object a report', false, reports),
  prometheus: option.bool("One report, as metrics in Prometheus' text format", false, reports),
  'warn-depth': option.int('Exit with 3 when so many messages wait in a channel or topic', undefined, {
    ...check,
    min: 1,
  }),
  'critical-depth': option.int('The same with 4', undefined, { ...check, min: 1 }),
} satisfies OptionTable

export type StatOptions = typeof options

export const stat: Command = defineCommand({
  options,
  positional: { name: 'topic', describe: 'Topics and patterns, besides those of --topic', max: 100 },
  alternatives: [clusterAlternatives],
  description: [
    'On a terminal, a table that moves: q quits, s and the arrows sort and scroll, / filters, p pauses. Elsewhere one report ' +
      'as plain text. IN/S and OUT/S are messages a second that came and that left for good, over the time that has really ' +
      'passed. A daemon that does not answer is said to be missing, and the rest goes on.',
    'The exit code is that of the last report: 3 and 4 for the depths below, where also 1 says that not every daemon has ' +
      'answered.',
  ],
  examples: [
    { command: 'nsq-ts stat', describe: 'all topics and channels, live' },
    {
      command: "nsq-ts stat 'orders*' --channel mail --sort depth",
      describe: 'one channel of some topics, the deepest first',
    },
    {
      command: 'nsq-ts stat --lookupd-http-address 10.0.0.1:4161 --min-depth 1000 --count 1',
      describe: 'what is behind in a cluster, once',
    },
    {
      command: 'nsq-ts stat --json --interval 10s >> stats.jsonl',
      describe: 'a JSON object every ten seconds',
    },
    {
      command: 'nsq-ts stat orders --warn-depth 1000 --critical-depth 100000 > /dev/null',
      describe: 'for a monitoring system',
    },
    {
      command: 'nsq_stat --topic orders --channel mail --nsqd-http-address 127.0.0.1:4151',
      describe: 'as the official tool',
    },
  ],
  async run(context: Context<StatOptions>) {
    const { runStat } = await import('../stat/run.ts')
    return runStat(context)
  },
})
