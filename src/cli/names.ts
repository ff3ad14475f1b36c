import { isValidChannelName, isValidTopicName } from '../protocol/names.ts'
import { UsageError } from './errors.ts'

const RULE = 'A name has 1 to 64 letters, digits, dots, dashes and underscores, and may end with #ephemeral.'

export function checkTopic(name: string): void {
  if (!isValidTopicName(name)) throw new UsageError(`"${name}" is not the name of a topic`, RULE)
}

export function checkChannel(name: string): void {
  if (!isValidChannelName(name)) throw new UsageError(`"${name}" is not the name of a channel`, RULE)
}
