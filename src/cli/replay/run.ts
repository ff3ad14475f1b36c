import { formatMoment } from '../../util/moment.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { UsageError } from '../errors.ts'
import { checkChannel, checkTopic } from '../names.ts'

/** Flags that mean something for one way of replaying only. */
const OF_FILES = ['input', 'skip-files', 'skip', 's3-endpoint']
const OF_COPIES = ['destination-nsqd-tcp-address', 'destination-lookupd-http-address']
const OF_PUBLISHING = ['rate', 'max-msg-size']

export async function runReplay(context: Context<ReplayOptions>): Promise<number> {
  const { positionals, options } = context
  checkTimes(options)
  if (options.topic !== undefined) checkTopic(options.topic)
  if (positionals.length > 0) {
    refuse(context, ['channel', 'to-topic', ...OF_COPIES], 'is for a topic, and files are named')
    const { replayFiles } = await import('./files.ts')
    return replayFiles(context)
  }
  const { topic, channel, toTopic } = options
  const since = options.since === undefined ? undefined : Math.max(0, options.since)
  refuse(context, OF_FILES, 'is for files, and none is named')
  if (topic === undefined) {
    throw new UsageError(
      'there is nothing to replay',
      'Name files of an archive, or a topic: --topic=TOPIC --channel=CHANNEL --since=1h.',
    )
  }
  if (channel === undefined && toTopic === undefined) {
    throw new UsageError(
      '--channel is missing',
      'Say which channel gets the messages again, or which topic: --to-topic=TOPIC.',
    )
  }
  if (since === undefined) {
    throw new UsageError('--since is missing', 'Say from when on: --since=1h, or --since=2026-01-02T15:04.')
  }
  if (toTopic !== undefined) {
    if (channel !== undefined) {
      throw new UsageError(
        '--to-topic and --channel exclude each other',
        'Into a topic messages are copied by a channel of its own, and no other notices.',
      )
    }
    checkTopic(toTopic)
    const { destinationNsqdTcpAddress, destinationLookupdHttpAddress } = options
    if (toTopic === topic && destinationNsqdTcpAddress.length + destinationLookupdHttpAddress.length === 0) {
      throw new UsageError(
        '--to-topic is the topic itself: what is copied would be among what is read',
        'Name a channel that gets the messages again: --channel=CHANNEL; or another topic.',
      )
    }
    const { copyTopic } = await import('./copy.ts')
    return copyTopic(context, { topic, toTopic, since })
  }
  refuse(
    context,
    [...OF_PUBLISHING, ...OF_COPIES],
    'is for files and for --to-topic: here nothing is published',
  )
  const { rewind } = await import('./rewind.ts')
  checkChannel(channel ?? '')
  return rewind(context, { topic, channel: channel ?? '', since })
}

function checkTimes({ since, until }: Context<ReplayOptions>['options']): void {
  const start = since ?? Number.NEGATIVE_INFINITY
  if (start > Date.now()) {
    throw new UsageError(`--since is ${formatMoment(start)}, which is still to come`)
  }
  if (until !== undefined && until <= start) {
    throw new UsageError(
      `--until is ${formatMoment(until)}, which is not after --since, ${formatMoment(start)}`,
      'A time without a zone is one of this machine.',
    )
  }
}

/** What was said on the command line and would have no effect. What the environment says is for other commands, too. */
function refuse({ origins = {} }: Context<ReplayOptions>, flags: readonly string[], why: string): void {
  const given = flags.find(flag => origins[flag] === `--${flag}`)
  if (given !== undefined) throw new UsageError(`--${given} ${why}`, 'Leave it out.')
}
