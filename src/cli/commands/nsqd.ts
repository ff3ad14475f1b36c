import { nsqdOptions, resolveNsqdOptions } from '../../nsqd/options.ts'
import { collectSeldom } from '../../util/collector.ts'
import { type Command, defineCommand } from '../command.ts'
import { daemonLogger, runDaemon } from '../daemon.ts'

export const nsqd: Command = defineCommand({
  options: nsqdOptions,
  description: [
    'It takes every flag and TOML file of the official nsqd. Messages are on disk before they are acknowledged ' +
      '(--durability), so that a crash loses none of them.',
  ],
  examples: [
    { command: 'nsqd --data-path=/var/lib/nsq', describe: 'keep messages in a folder' },
    {
      command: 'nsqd --lookupd-tcp-address=10.0.0.1:4160 --broadcast-address=10.0.0.2',
      describe: 'join a cluster, reachable at 10.0.0.2',
    },
    { command: 'nsqd --config=/etc/nsqd.toml', describe: 'read the options from a file' },
  ],
  async run(context) {
    const options = resolveNsqdOptions(context.options)
    const logger = daemonLogger(options.logPrefix, options.logLevel, context)
    const { Nsqd } = await import('../../nsqd/daemon.ts')
    const stop = collectSeldom()
    try {
      await runDaemon(new Nsqd(options, logger), context.signal)
    } finally {
      stop()
    }
  },
})
