import { adminCommands } from '../admin/define.ts'

export const topic = adminCommands('topic', {
  list: {
    description: [
      'On a terminal, a table; elsewhere the names, one a line. A topic that is at no nsqd is known to nsqlookupd only.',
      '--json prints {"topic", "channels":[], "nsqds":[], "undistributed", "depth", "in_flight", ' +
        '"deferred", "connections", "messages", "paused"}; undistributed is what is in no channel yet. ' +
        'The exit code is 1 when a daemon did not answer, so that something may be missing.',
    ],
    examples: [
      { command: 'nsq-ts topic list', describe: 'all topics' },
      { command: "nsq-ts topic list 'tmp-*' --json", describe: 'some, with their numbers' },
    ],
  },
  create: {
    description: [
      'Makes the topics known to nsqlookupd; an nsqd has one as soon as something is published to it there. With ' +
        '--nsqd-http-address they are created at those nsqds. What is there already is left as it is.',
    ],
    examples: [
      { command: 'nsq-ts topic create orders invoices', describe: 'two topics' },
      {
        command: 'nsq-ts topic create orders --nsqd-http-address 10.0.0.1:4151,10.0.0.2:4151',
        describe: 'at two nsqds',
      },
    ],
  },
  delete: {
    description: [
      'At nsqlookupd and at all nsqds that have them. On a terminal it says what would be lost, and asks; elsewhere it ' +
        'needs --yes. Nothing is deleted when one of the names is unknown.',
    ],
    examples: [
      { command: 'nsq-ts topic delete orders', describe: 'asks first' },
      { command: 'nsq-ts topic delete orders invoices --yes', describe: 'does not' },
      {
        command: "nsq-ts topic list 'tmp-*' | xargs nsq-ts topic delete --yes",
        describe: 'those of a pattern, which delete itself does not take',
      },
    ],
  },
  empty: {
    description: [
      'Of a topic, nsqd empties what is in no channel yet: messages that came before there was a channel, or while the ' +
        'topic was paused. What is in the channels stays; channel empty is for that. It asks as delete does.',
    ],
    examples: [{ command: 'nsq-ts topic empty orders', describe: 'what has not gone to a channel' }],
  },
  pause: {
    description: [
      'At all nsqds that have them. Messages are taken and kept, and go to the channels when the topic is unpaused; what ' +
        'is in the channels is still delivered.',
    ],
    examples: [
      { command: 'nsq-ts topic pause orders', describe: 'one topic' },
      { command: "nsq-ts topic pause 'orders-*'", describe: 'several' },
    ],
  },
  unpause: {
    description: ['At all nsqds that have them. One that is not paused is left as it is.'],
    examples: [{ command: 'nsq-ts topic unpause orders', describe: 'one topic' }],
  },
})
