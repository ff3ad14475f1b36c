import { type ListOptions, listOptions } from '../admin/options.ts'
import { clusterAlternatives } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

export const nodes: Command = defineCommand({
  options: listOptions,
  alternatives: [clusterAlternatives],
  description: [
    'Those that are registered with nsqlookupd, or those that are named; each is asked how it is. The exit code is 1 when ' +
      'one does not answer.',
    '--json prints {"nsqd", "tcp_address", "hostname", "version", "health", "start_time", "topics":[], ' +
      '"tombstoned":[], "depth", "nsqlookupds":[], "error"} for each, the last being null when it ' +
      'answers.',
  ],
  examples: [
    { command: 'nsq-ts nodes', describe: 'the nsqds of this machine' },
    {
      command: 'nsq-ts nodes --lookupd-http-address 10.0.0.1:4161,10.0.0.2:4161',
      describe: 'those of a cluster, and which nsqlookupds know them',
    },
  ],
  async run(context: Context<ListOptions>) {
    const { listNodes } = await import('../admin/nodes.ts')
    return listNodes(context)
  },
})
