import { isUtf8 } from 'node:buffer'
import { HttpError } from '../http/error.ts'
import { ID_LENGTH, MAX_INDEX } from '../protocol/message-id.ts'
import { MESSAGE_OVERHEAD } from '../protocol/message.ts'
import { SegmentGoneError } from '../storage/own-files.ts'
import { type FoundRecord, RecordReader } from '../storage/record-reader.ts'
import type { TopicLog } from '../storage/topic-log.ts'
import { now } from './clock.ts'
import type { Held } from './held-messages.ts'
import type { Flight } from './flights.ts'
import type { Readable } from './topic.ts'

/** What is not finished, as it is at one moment. */
export interface Pending {
  /** To be delivered again, in this order. */
  readonly ready: readonly Held[]
  /** What was not delivered yet; deferred messages are among it. */
  readonly fresh: readonly Readable[]
  /** In flight for the first time; and others, by deadline. */
  readonly flights: readonly Flight[]
  readonly inFlight: readonly Held[]
  /** By due time. */
  readonly deferred: readonly Held[]
}

export interface PeekLimits {
  /** How many messages, at most. */
  readonly count: number
  /** How many bytes of each body, at most. */
  readonly maxBody: number
}

/** A message that somebody has looked at: the names are those of the JSON. */
export interface PeekedMessage {
  id: string
  /** When it was published: nanoseconds since 1970, which no number holds. */
  timestamp: string
  /** Deliveries so far. */
  attempts: number
  /** Bytes of the whole body. */
  size: number
  /** Its beginning. */
  body: string
  encoding: 'utf8' | 'base64'
  state: 'waiting' | 'inFlight' | 'deferred'
  /** When it times out or is due, Unix ms; null when it waits. */
  until: number | null
}

/** Most bytes of bodies in one answer: each message has an equal share. */
const MOST_BODY_BYTES = 8 * 1024 * 1024

/** How often one looks anew, because consumers were faster than the disk. */
const TRIES = 5

interface PeekTopic {
  readonly log: TopicLog
  /** What is in none of its channels yet. */
  readonly waiting: Readable
  readonly channels: ReadonlyMap<string, { pending(most: number): Pending }>
}

/**
 * Looks at what is not finished in a channel and changes nothing: first what waits, in the order in which it would be
 * delivered; then what is in flight, by deadline; then what is deferred, by due time. Without a channel: what
 * waits in the topic itself.
 *
 * @throws HttpError 404 TOPIC_NOT_FOUND, CHANNEL_NOT_FOUND
 */
export async function peek(
  topics: ReadonlyMap<string, PeekTopic>,
  topicName: string,
  channelName: string,
  limits: PeekLimits,
): Promise<PeekedMessage[]> {
  for (let tries = 1; ; tries++) {
    // Found anew each time: it may have been deleted.
    const topic = topics.get(topicName)
    if (topic === undefined) throw new HttpError(404, 'TOPIC_NOT_FOUND')
    const pending = channelName === '' ? undistributed(topic) : pendingOf(topic, channelName, limits)
    try {
      return await look(topic.log, pending, limits)
    } catch (error) {
      if (!(error instanceof SegmentGoneError) || tries === TRIES) throw error
    }
  }
}

function pendingOf(topic: PeekTopic, channelName: string, { count }: PeekLimits): Pending {
  const channel = topic.channels.get(channelName)
  if (channel === undefined) throw new HttpError(404, 'CHANNEL_NOT_FOUND')
  return channel.pending(count)
}

function undistributed(topic: PeekTopic): Pending {
  return { ready: [], fresh: [topic.waiting], flights: [], inFlight: [], deferred: [] }
}

async function look(
  log: TopicLog,
  pending: Pending,
  { count, maxBody }: PeekLimits,
): Promise<PeekedMessage[]> {
  // The objects change while the disk is read; what they are now counts.
  const ready = pending.ready.map(heldNow)
  const inFlight = [...pending.flights.map(flightNow), ...pending.inFlight.map(heldNow)]
  const deferred = pending.deferred.map(heldNow)
  const reader = new RecordReader(log, Math.min(maxBody, Math.floor(MOST_BODY_BYTES / count)))
  try {
    const messages: PeekedMessage[] = []
    const find = async (wanted: readonly Wanted[]): Promise<void> => {
      for (const one of wanted) {
        if (messages.length >= count) return
        const record = await one.find(reader)
        if (record !== undefined) messages.push(shape(record, one))
      }
    }
    await find(ready)
    deferred.push(...(await addFresh(reader, pending.fresh, messages, count)))
    await find(inFlight.sort(byTime))
    await find(deferred.sort(byTime))
    return messages
  } finally {
    await reader.close()
  }
}

/** Adds what was not delivered yet; returns those that are not due. */
async function addFresh(
  reader: RecordReader,
  fresh: readonly Readable[],
  messages: PeekedMessage[],
  count: number,
): Promise<Wanted[]> {
  const nowMs = now()
  let later: Wanted[] = []
  for (const { from, until } of fresh) {
    if (messages.length >= count) break
    await reader.walk(from, until, record => {
      if (record.due === undefined || record.due <= nowMs) {
        messages.push(shape(record, { state: 'waiting', attempts: 0, until: 0 }))
      } else {
        later.push({ state: 'deferred', attempts: 0, until: record.due, find: async () => record })
        // Only the first are shown: a log full of them is not kept.
        if (later.length > 2 * count) later = later.sort(byTime).slice(0, count)
      }
      return messages.length < count
    })
  }
  return later
}

interface Shown {
  readonly state: PeekedMessage['state']
  readonly attempts: number
  /** 0 when it waits. */
  readonly until: number
}

interface Wanted extends Shown {
  find(reader: RecordReader): Promise<FoundRecord | undefined>
}

function byTime(a: Wanted, b: Wanted): number {
  return a.until - b.until
}

function flightNow({ segment, offset, index, deadline }: Flight): Wanted {
  return {
    state: 'inFlight',
    attempts: 1,
    until: deadline,
    find: reader => reader.find(segment, offset, segment.number, index),
  }
}

function heldNow(held: Held): Wanted {
  const number = Math.floor(held.key / (MAX_INDEX + 1))
  const index = held.key % (MAX_INDEX + 1)
  return {
    state: held.state === 'ready' ? 'waiting' : held.state,
    attempts: held.attempts,
    until: held.when,
    // Where it lies now: stragglers are moved.
    find: async reader =>
      held.record === undefined
        ? reader.find(held.segment, held.offset, number, index)
        : reader.at(held.record),
  }
}

function shape(record: FoundRecord, { state, attempts, until }: Shown): PeekedMessage {
  const { bytes, size } = record
  return {
    id: bytes.toString('latin1', MESSAGE_OVERHEAD - ID_LENGTH, MESSAGE_OVERHEAD),
    timestamp: bytes.readBigInt64BE(8).toString(),
    attempts,
    size,
    ...bodyText(bytes.subarray(MESSAGE_OVERHEAD), size),
    state,
    until: state === 'waiting' ? null : Math.round(until),
  }
}

/** The body as text where it is text; when it is cut, then between two characters. */
function bodyText(body: Buffer, size: number): Pick<PeekedMessage, 'body' | 'encoding'> {
  const text = body.length < size ? body.subarray(0, wholeCharacters(body)) : body
  return isUtf8(text)
    ? { body: text.toString(), encoding: 'utf8' }
    : { body: body.toString('base64'), encoding: 'base64' }
}

/** How many of these bytes of UTF-8 are whole characters. */
function wholeCharacters(bytes: Buffer): number {
  let last = bytes.length - 1
  while (last > bytes.length - 4 && ((bytes[last] ?? 0) & 0xc0) === 0x80) last--
  const lead = bytes[last] ?? 0
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1
  return last + length > bytes.length ? Math.max(0, last) : bytes.length
}
