import { option } from '../../util/option.ts'
import { destructiveOptions } from '../admin/options.ts'
import { clusterAlternatives } from '../cluster-options.ts'
import { type Command, type Context, defineCommand } from '../command.ts'

const options = {
  keep: option.bool('Only hide it: the topic and its messages stay at the nsqd', false, { flagOnly: true }),
  ...destructiveOptions,
}

export type TombstoneOptions = typeof options

export const tombstone: Command = defineCommand({
  options,
  positional: { name: 'topic nsqd', describe: 'A topic, and an nsqd that has it: HOST:PORT (HTTP)', max: 2 },
  alternatives: [clusterAlternatives],
  description: [
    'A tombstone makes nsqlookupd leave an nsqd out when consumers ask where a topic is, for 45 seconds unless its ' +
      '--tombstone-lifetime says otherwise. As in nsqadmin, the topic is then deleted at that nsqd, with its messages; ' +
      '--keep leaves it there. A producer that goes on publishing there creates it anew.',
    'Without arguments it lists what is hidden, and for how long yet; an official nsqlookupd cannot tell.',
    '--json prints {"topic", "nsqd", "ok", "nsqlookupds":[], "nsqds":[], "errors":[]}, or {"topic", ' +
      '"nsqd", "since", "until", "nsqlookupd"} for each that is listed.',
  ],
  examples: [
    { command: 'nsq-ts tombstone', describe: 'what is hidden' },
    {
      command: 'nsq-ts tombstone orders 10.0.0.1:4151',
      describe: 'hide an nsqd and delete the topic there; asks first',
    },
    {
      command: 'nsq-ts tombstone orders 10.0.0.1:4151 --keep',
      describe: 'let no new consumer find it, for a short while',
    },
  ],
  async run(context: Context<TombstoneOptions>) {
    const { runTombstone } = await import('../admin/tombstone.ts')
    return runTombstone(context)
  },
})
