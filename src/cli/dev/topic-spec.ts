import { isValidChannelName, isValidTopicName } from '../../protocol/names.ts'
import { UsageError } from '../errors.ts'

export interface TopicSpec {
  topic: string
  channels: string[]
}

/** Reads `topic` or `topic:channel,channel`. Throws UsageError. */
export function parseTopicSpec(text: string): TopicSpec {
  const [topic = '', list, ...surplus] = text.split(':')
  const channels = list === undefined ? [] : list.split(',')
  const isValid = isValidTopicName(topic) && channels.every(isValidChannelName) && surplus.length === 0
  if (isValid) return { topic, channels }
  throw new UsageError(
    `--topic: "${text}" is not a topic`,
    'Write it like orders, or orders:billing,shipping for a topic with two channels; names are 1 to 64 letters, ' +
      'digits, dots, dashes and underscores.',
  )
}
