import { HttpError } from '../http/error.ts'
import { isEphemeral } from '../protocol/names.ts'
import { LogRange } from '../storage/log-range.ts'
import { SegmentGoneError } from '../storage/own-files.ts'
import { ordinalAt, type Position } from '../storage/position.ts'
import { TimeSearch } from '../storage/time-search.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import type { Logger } from '../util/logger.ts'

/** When messages were published, in Unix ms. */
export interface TimeRange {
  readonly since: number
  /** They were published before this time; undefined for all up to now. */
  readonly until: number | undefined
}

/** What a replay does, or would do. The names are those of the JSON. */
export interface ReplayReport {
  /** Messages of the range that are still there, and what they take in the log. */
  messages: number
  bytes: number
  /** How many of these the channel has not finished anyway. */
  waiting: number
  /** When the oldest message of the topic was published that is still there, Unix ms; null when there is none. */
  oldest: number | null
}

interface ReplayTopic {
  readonly name: string
  readonly log: TopicLog
  readonly logger: Logger
  /** Up to here messages were given to the channels. */
  readonly distributed: Position
  readonly channels: ReadonlyMap<string, ReplayChannel>
}

interface ReplayChannel {
  countUnfinished(range: LogRange): number
  replay(range: LogRange): void
}

/** How often one looks anew, because segments went meanwhile. */
const TRIES = 5

/**
 * Finds the messages of a topic that were published in this time, and, if `apply`, makes them wait in the channel again:
 * finished or not, as far as they are still there. Whoever has one of them in flight does not have it any more.
 *
 * @throws HttpError 404 TOPIC_NOT_FOUND, CHANNEL_NOT_FOUND; 400 INVALID_REPLAY: something here is ephemeral
 */
export async function replay(
  topics: ReadonlyMap<string, ReplayTopic>,
  topicName: string,
  channelName: string,
  range: TimeRange,
  apply: boolean,
): Promise<ReplayReport> {
  for (let tries = 1; ; tries++) {
    // Found anew each time: it may have been deleted.
    const topic = topics.get(topicName)
    if (topic === undefined) throw new HttpError(404, 'TOPIC_NOT_FOUND')
    if (!topic.channels.has(channelName)) throw new HttpError(404, 'CHANNEL_NOT_FOUND')
    if (isEphemeral(topicName) || isEphemeral(channelName)) throw new HttpError(400, 'INVALID_REPLAY')
    let found: Found
    try {
      found = await find(topic.log, range)
    } catch (error) {
      if (!(error instanceof SegmentGoneError) || tries === TRIES) throw error
      continue
    }
    // While one looked, others may have been there.
    const channel = topics.get(topicName) === topic ? topic.channels.get(channelName) : undefined
    if (channel !== undefined) return act(topic, channel, channelName, found, apply)
  }
}

interface Found {
  readonly from: Position
  /** Undefined for the end. */
  readonly to: Position | undefined
  readonly oldestMs: number | undefined
}

async function find(log: TopicLog, { since, until }: TimeRange): Promise<Found> {
  const search = new TimeSearch(log)
  try {
    const from = await search.find(since)
    const to = until === undefined ? undefined : await search.find(until)
    return { from, to, oldestMs: await search.oldestMs() }
  } finally {
    await search.close()
  }
}

function act(
  topic: ReplayTopic,
  channel: ReplayChannel,
  channelName: string,
  { from, to, oldestMs }: Found,
  apply: boolean,
): ReplayReport {
  const { distributed, log } = topic
  const end = to === undefined || ordinalAt(distributed) < ordinalAt(to) ? distributed : to
  const range = new LogRange(log, from, end)
  const { messages, bytes } = range
  const waiting = channel.countUnfinished(range)
  if (apply && messages > 0) {
    channel.replay(range)
    topic.logger.info(
      `channel ${topic.name}/${channelName}: ${messages} messages are delivered again, ${waiting} of them were not finished`,
    )
  }
  return { messages, bytes, waiting, oldest: oldestMs === undefined ? null : Math.floor(oldestMs) }
}
