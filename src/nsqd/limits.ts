import type { NsqdOptions } from './options.ts'
import { Refusal } from './refusal.ts'
import type { ShedLimits } from './shedding.ts'

type LimitOptions = Pick<
  NsqdOptions,
  'maxTopicDepth' | 'maxTopicBytes' | 'maxChannelDepth' | 'maxChannelBytes' | 'overflow' | 'messageTtl'
>

/** How much may wait in one place, and the options that say so; 0 for no limit. */
export interface Bounds {
  readonly messages: number
  readonly bytes: number
  readonly messagesFlag: string
  readonly bytesFlag: string
}

/** For what waits in a topic itself: it is paused, or has no channels. */
export function topicBounds({ maxTopicDepth, maxTopicBytes }: LimitOptions): Bounds {
  return {
    messages: maxTopicDepth,
    bytes: maxTopicBytes,
    messagesFlag: '--max-topic-depth',
    bytesFlag: '--max-topic-bytes',
  }
}

export function channelBounds({ maxChannelDepth, maxChannelBytes }: LimitOptions): Bounds {
  return {
    messages: maxChannelDepth,
    bytes: maxChannelBytes,
    messagesFlag: '--max-channel-depth',
    bytesFlag: '--max-channel-bytes',
  }
}

export function isBounded({ messages, bytes }: Bounds): boolean {
  return messages > 0 || bytes > 0
}

/** Whether publishes are refused when too much waits somewhere. */
export function refusesOverflow(options: LimitOptions): boolean {
  return (
    options.overflow === 'refuse' && (isBounded(topicBounds(options)) || isBounded(channelBounds(options)))
  )
}

/**
 * What is dropped of that which waits within these bounds; undefined when nothing ever is. What is ephemeral has a bound
 * of its own, --mem-queue-size, and only the age concerns it.
 */
export function shedLimits(
  bounds: Bounds,
  { overflow, messageTtl: age }: LimitOptions,
  isEphemeral: boolean,
): ShedLimits | undefined {
  const drops = overflow === 'drop-oldest' && !isEphemeral && isBounded(bounds)
  if (!drops && age === 0) return undefined
  return { messages: drops ? bounds.messages : 0, bytes: drops ? bounds.bytes : 0, age }
}

/**
 * Asked before a topic is made, while there are so many.
 *
 * @throws Refusal E_TOO_MANY_TOPICS
 */
export function refuseTooMany(topics: number, { maxTopics }: Pick<NsqdOptions, 'maxTopics'>): void {
  if (maxTopics === 0 || topics < maxTopics) return
  const reason = `no more topics are made: nsqd has ${topics} (--max-topics=${maxTopics})`
  throw new Refusal('E_TOO_MANY_TOPICS', reason, 403, 'TOO_MANY_TOPICS')
}
