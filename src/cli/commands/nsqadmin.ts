import { nsqadminOptions, resolveNsqadminOptions } from '../../nsqadmin/options.ts'
import { type Command, defineCommand } from '../command.ts'
import { daemonLogger, runDaemon } from '../daemon.ts'

export const nsqadmin: Command = defineCommand({
  options: nsqadminOptions,
  description: [
    'A page that shows topics, channels, nodes and their numbers as they change, lets one see and publish messages, and ' +
      'pause, empty and delete. It takes every flag and TOML file of the official nsqadmin, and answers its HTTP API.',
    'Whoever can reach it can change everything: let it listen on loopback, or see --auth-token, --admin-user and ' +
      '--read-only.',
  ],
  examples: [
    {
      command: 'nsqadmin --lookupd-http-address=127.0.0.1:4161',
      describe: 'on port 4171, for the nsqds that an nsqlookupd knows',
    },
    {
      command: 'nsqadmin --nsqd-http-address=127.0.0.1:4151 --http-address=127.0.0.1:4171',
      describe: 'for one nsqd, and only for this machine',
    },
    {
      command: 'nsqadmin --lookupd-http-address=10.0.0.1:4161 --read-only',
      describe: 'to look at',
    },
  ],
  alternatives: [['lookupd-http-address', 'nsqd-http-address']],
  async run(context) {
    const options = resolveNsqadminOptions(oneKind(context.options, context.env))
    const logger = daemonLogger(options.logPrefix, options.logLevel, context)
    const { Nsqadmin } = await import('../../nsqadmin/daemon.ts')
    await runDaemon(new Nsqadmin(options, logger), context.signal)
  },
})

/** `dev --exec` puts the addresses of both kinds into the environment. From there, nsqlookupd is enough. */
function oneKind<T extends Record<'nsqdHttpAddress' | 'lookupdHttpAddress', readonly string[]>>(
  options: T,
  env: Readonly<Record<string, string | undefined>>,
): T {
  const { nsqdHttpAddress: nsqds, lookupdHttpAddress: lookupds } = options
  const isFromEnvironment =
    nsqds.join(',') === env['NSQ_NSQD_HTTP_ADDRESS'] && lookupds.join(',') === env['NSQ_LOOKUPD_HTTP_ADDRESS']
  return isFromEnvironment ? { ...options, nsqdHttpAddress: [] } : options
}
