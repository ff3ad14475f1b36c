import { option, type OptionTable } from '../../util/option.ts'
import { addressOptions } from '../addresses.ts'
import { clusterOptions } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'
import { connectionOptions } from '../connection-options.ts'
import { contextOption } from '../context/option.ts'

const HOUR = 3_600_000
const LOCAL = 'those of this machine, where none is named'

const options = {
  'lookupd-http-address': { ...clusterOptions['lookupd-http-address'], defaultText: LOCAL },
  'nsqd-http-address': {
    ...clusterOptions['nsqd-http-address'],
    describe: 'An nsqd: HOST:PORT (HTTP), or a URL; repeat it likewise',
    defaultText: LOCAL,
  },
  'nsqd-tcp-address': { ...addressOptions['nsqd-tcp-address'], defaultText: LOCAL },
  ...contextOption,
  timeout: option.duration(
    'How long each step may take: to resolve a name, to connect, to get an answer',
    2000,
    { group: 'Addresses', min: 1, max: HOUR },
  ),
  tls: connectionOptions.tls,
  'tls-ca': connectionOptions['tls-ca'],
  'tls-cert': connectionOptions['tls-cert'],
  'tls-key': connectionOptions['tls-key'],
  'tls-server-name': connectionOptions['tls-server-name'],
  'tls-insecure': connectionOptions['tls-insecure'],
  'auth-secret': connectionOptions['auth-secret'],
  json: option.bool('One JSON object a finding', false, { group: 'Output' }),
} satisfies OptionTable

export type DoctorOptions = typeof options

export const doctor: Command = defineCommand({
  options,
  alternatives: [['lookupd-http-address', 'nsqd-http-address', 'nsqd-tcp-address']],
  description: [
    'Talks to every daemon that is named here, in the environment or by the context, and to every nsqd that nsqlookupd ' +
      'names, as a client would: names, TCP, HTTP, the protocol, TLS, authorization, clocks, versions, addresses that lead ' +
      'nowhere (as of containers), and messages that nobody reads. Whatever is wrong comes with what to do about it. Nothing is ' +
      'changed or published.',
    'The exit code is 1 when something is wrong, and 0 where there are no more than warnings. --json prints {"check", ' +
      '"target", "status", "message", "remedy"} for each finding; the status is ok, warn, fail or skip.',
  ],
  examples: [
    { command: 'nsq-ts doctor', describe: 'what this folder, the environment or this machine has' },
    {
      command: 'nsq-ts doctor --lookupd-http-address 10.0.0.1:4161,10.0.0.2:4161',
      describe: 'a cluster: its nsqlookupds, and all nsqds that they name',
    },
    {
      command: 'nsq-ts doctor --nsqd-tcp-address 10.0.0.1:4150 --tls-ca ca.pem',
      describe: 'one nsqd, as a client with TLS sees it',
    },
    {
      command: 'nsq-ts doctor --json | jq \'select(.status == "fail")\'',
      describe: 'what is wrong, for scripts',
    },
  ],
  async run(context: Context<DoctorOptions>) {
    const { runDoctor } = await import('../doctor/run.ts')
    return runDoctor(context)
  },
})
