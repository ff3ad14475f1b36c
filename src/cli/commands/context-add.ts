import { type Option, option, type OptionTable } from '../../util/option.ts'
import { addressOptions } from '../addresses.ts'
import { clusterOptions } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { connectionOptions } from '../connection-options.ts'

/** What a context may hold. */
export const keptOptions = {
  'lookupd-http-address': {
    ...withoutDefault(clusterOptions['lookupd-http-address']),
    describe: 'An nsqlookupd: HOST:PORT (HTTP), or a URL; repeat it, or separate several by commas',
  },
  'nsqd-tcp-address': {
    ...withoutDefault(addressOptions['nsqd-tcp-address']),
    describe: 'An nsqd, for pub, tail and the like: HOST:PORT (TCP), or a path; repeat it likewise',
  },
  'nsqd-http-address': {
    ...withoutDefault(clusterOptions['nsqd-http-address']),
    describe: 'An nsqd, for stat, topic and the like: HOST:PORT (HTTP), or a URL; repeat it likewise',
  },
  ...connectionOptions,
}

const context = { group: 'Context' }

const options = {
  ...flagOnly(keptOptions),
  'from-env': option.bool('Keep what the NSQ_* variables say, where no flag says otherwise', false, {
    ...context,
    flagOnly: true,
  }),
  use: option.bool('Make it the current one', false, { ...context, flagOnly: true }),
  replace: option.bool('Take the place of a context of this name', false, { ...context, flagOnly: true }),
  json: option.bool('Print one JSON line: what was done, and in which file', false, { group: 'Output' }),
}

/** That is what a command takes that is given none. */
function withoutDefault<T>(option: Option<T>): Option<T> {
  const { defaultText: _default, ...rest } = option
  return rest
}

/** Their variables are for the commands that use them: a context is to hold what was said of it. */
function flagOnly<T extends OptionTable>(table: T): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the same options, each with one more property
  return Object.fromEntries(
    Object.entries(table).map(([flag, entry]) => [flag, { ...entry, flagOnly: true }]),
  ) as T
}

export type ContextAddOptions = typeof options

export const contextAdd: Command = defineCommand({
  options,
  positional: { name: 'name', describe: 'What it is to be called', max: 1 },
  description: [
    'A context is a set of addresses and settings of the connection. Commands take it by --context NAME or NSQ_CONTEXT, ' +
      'or when it is the current one (context use) and no address is given.',
    'Contexts are kept in contexts.toml in $XDG_CONFIG_HOME/nsq-ts, else ~/.config/nsq-ts, or in the folder that ' +
      'NSQ_CONFIG_DIR names. Only you may read that file. Give a secret as NSQ_AUTH_SECRET and --from-env: a command line ' +
      'can be seen by others.',
  ],
  examples: [
    {
      command: 'nsq-ts context add prod --lookupd-http-address 10.0.0.1:4161,10.0.0.2:4161 --use',
      describe: 'a cluster, for all commands from now on',
    },
    {
      command: 'nsq-ts context add eu --nsqd-tcp-address nsqd.example.com --tls-ca ca.pem --from-env',
      describe: 'over TLS, with the secret that NSQ_AUTH_SECRET has',
    },
    { command: 'nsq-ts stat --context prod', describe: 'use it once' },
  ],
  async run(running: Context<ContextAddOptions>) {
    const { addContext } = await import('../context/add.ts')
    return addContext(running)
  },
})
