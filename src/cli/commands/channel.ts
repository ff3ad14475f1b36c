import { adminCommands } from '../admin/define.ts'

export const channel = adminCommands('channel', {
  list: {
    description: [
      'On a terminal, a table; elsewhere the names, one a line: those of one topic that is named, or TOPIC CHANNEL.',
      '--json prints {"topic", "channel", "nsqds":[], "depth", "in_flight", "deferred", "connections", ' +
        '"messages", "paused"}. The exit code is 1 when a daemon did not answer, so that something may ' +
        'be missing.',
    ],
    examples: [
      { command: 'nsq-ts channel list', describe: 'all channels of all topics' },
      { command: 'nsq-ts channel list orders', describe: 'those of one topic' },
    ],
  },
  create: {
    description: [
      'At nsqlookupd and at all nsqds that have the topic, which there must be. A channel keeps what is published from ' +
        'then on; the first one of a topic gets what has waited in the topic, too. What is there already is left as it is.',
    ],
    examples: [{ command: 'nsq-ts channel create orders mail stock', describe: 'two channels' }],
  },
  delete: {
    description: [
      'At nsqlookupd and at all nsqds that have them. Their consumers are disconnected, and create them again when they ' +
        'come back. On a terminal it says what would be lost, and asks; elsewhere it needs --yes.',
    ],
    examples: [
      { command: 'nsq-ts channel delete orders mail', describe: 'asks first' },
      { command: 'nsq-ts channel delete orders mail stock --yes', describe: 'does not' },
    ],
  },
  empty: {
    description: [
      'At all nsqds that have them: what waits, is in flight or deferred. It asks as delete does, or needs --yes.',
    ],
    examples: [{ command: 'nsq-ts channel empty orders mail', describe: 'all messages of a channel' }],
  },
  pause: {
    description: [
      'At all nsqds that have them. Messages are kept, and go to consumers when the channel is unpaused; those in flight ' +
        'can still be finished.',
    ],
    examples: [
      { command: 'nsq-ts channel pause orders mail', describe: 'one channel' },
      { command: "nsq-ts channel pause orders '*'", describe: 'all channels of a topic' },
    ],
  },
  unpause: {
    description: ['At all nsqds that have them. One that is not paused is left as it is.'],
    examples: [{ command: 'nsq-ts channel unpause orders mail', describe: 'one channel' }],
  },
})
