import { nsqlookupdOptions, resolveNsqlookupdOptions } from '../../nsqlookupd/options.ts'
import { type Command, defineCommand } from '../command.ts'
import { daemonLogger, runDaemon } from '../daemon.ts'

export const nsqlookupd: Command = defineCommand({
  options: nsqlookupdOptions,
  description: [
    'nsqd registers its topics with it, and consumers ask it where to find them. It takes every flag and TOML file of ' +
      'the official nsqlookupd.',
  ],
  examples: [
    { command: 'nsqlookupd', describe: 'listen on ports 4160 (TCP) and 4161 (HTTP)' },
    { command: 'nsqlookupd --tcp-address=:5160 --http-address=:5161', describe: 'listen on other ports' },
    { command: 'curl http://127.0.0.1:4161/nodes', describe: 'ask which nsqds there are' },
  ],
  async run(context) {
    const options = resolveNsqlookupdOptions(context.options)
    const logger = daemonLogger(options.logPrefix, options.logLevel, context)
    const { Nsqlookupd } = await import('../../nsqlookupd/daemon.ts')
    await runDaemon(new Nsqlookupd(options, logger), context.signal)
  },
})
