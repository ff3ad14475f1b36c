import { isValidChannelName, isValidTopicName, NAME_RULE } from '../protocol/names.ts'
import { UsageError } from './errors.ts'

export function checkTopic(name: string): void {
  if (!isValidTopicName(name)) throw new UsageError(`"${name}" is not the name of a topic`, NAME_RULE)
}

export function checkChannel(name: string): void {
  if (!isValidChannelName(name)) throw new UsageError(`"${name}" is not the name of a channel`, NAME_RULE)
}
