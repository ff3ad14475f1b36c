import { option, type OptionTable } from '../../util/option.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const cluster = { group: 'Cluster' }
const ready = { group: 'When ready' }

const options = {
  topic: option.strings(
    'A topic to create, with its channels: orders:billing,shipping (repeat it for more)',
    {
      ...cluster,
      placeholder: 'TOPIC[:CHANNELS]',
      flagOnly: true,
    },
  ),
  nsqds: option.int('How many nsqds to run', 1, { ...cluster, min: 1, max: 100 }),
  lookupds: option.int('How many nsqlookupds to run', 1, { ...cluster, min: 0, max: 100 }),
  admin: option.bool('Run nsqadmin, the page for the browser; not with --no-admin', true, cluster),
  'data-path': option.string('A folder to keep messages in; a temporary one is removed on exit', undefined, {
    ...cluster,
    placeholder: 'PATH',
    // NSQ_DATA_PATH belongs to nsqd: two daemons must not meet there.
    flagOnly: true,
  }),
  exec: option.string('A shell command to run when ready; its exit ends dev, with its exit code', undefined, {
    ...ready,
    placeholder: 'COMMAND',
    flagOnly: true,
  }),
  json: option.bool('Print one JSON line with the addresses when ready, and nothing else', false, ready),
  'log-level': option.choice(
    'The least important lines of the daemons to log',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'warn',
    { group: 'General' },
  ),
} satisfies OptionTable

export const dev: Command = defineCommand({
  options,
  description: [
    'nsqlookupd, nsqd and nsqadmin run in this one process, on loopback only, on the official ports: 4150 and 4151 for ' +
      'nsqd, 4160 and 4161 for nsqlookupd, each TCP and HTTP, and 4171 for nsqadmin. Where a port is taken another is ' +
      'used, and said.',
    'While it runs, the other commands find it without an address when they run in the same folder, or below it.',
    '--exec gives its command the addresses in the environment: NSQD_TCP_ADDRESS, NSQD_HTTP_ADDRESS, ' +
      'NSQLOOKUPD_TCP_ADDRESS, NSQLOOKUPD_HTTP_ADDRESS, NSQADMIN_HTTP_ADDRESS, and NSQ_* for the other commands of nsq-ts.',
  ],
  examples: [
    { command: 'nsq-ts dev', describe: 'a local NSQ, until Ctrl-C' },
    { command: 'nsq-ts dev --topic orders:billing,shipping', describe: 'with a topic and two channels' },
    { command: "nsq-ts dev --exec 'npm test'", describe: 'run the tests against a fresh NSQ' },
    {
      command: 'nsq-ts dev --nsqds 3 --data-path ./nsq-data',
      describe: 'three nsqds that keep their messages',
    },
  ],
  async run(context: Context<typeof options>) {
    const { runDev } = await import('../dev/run.ts')
    return runDev(context)
  },
})

export type DevOptions = typeof options
