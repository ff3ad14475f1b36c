const NAME = /^[.a-zA-Z0-9_-]+(#ephemeral)?$/
const MAX_NAME_LENGTH = 64
const EPHEMERAL = '#ephemeral'

/** The rule in words, for error messages. */
export const NAME_RULE =
  'A name has 1 to 64 letters, digits, dots, dashes and underscores, and may end with #ephemeral.'

/** Whether official nsqd takes this as the name of a topic: 1 to 64 characters, `#ephemeral` included. */
export function isValidTopicName(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_NAME_LENGTH && NAME.test(name)
}

/** Whether official nsqd takes this as the name of a channel; the rule is the same as for topics. */
export function isValidChannelName(name: unknown): boolean {
  return isValidTopicName(name)
}

/** Whether the topic or channel lives in memory only and goes when nobody uses it any more. */
export function isEphemeral(name: string): boolean {
  return name.endsWith(EPHEMERAL)
}
