import type { Answers } from '../../cluster/answers.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import type { ClusterNode } from '../../cluster/node.ts'
import type { Replayed } from '../../cluster/replay.ts'
import { NsqError } from '../../util/errors.ts'
import { formatMoment } from '../../util/moment.ts'
import { near } from '../../util/suggest.ts'
import type { Report } from '../admin/report.ts'
import { noSuchTopic, notFound } from '../not-found.ts'
import { formatBytes, formatCount, plural } from '../units.ts'

/** Before the body of each message in the log of nsqd. */
const HEADER_BYTES = 34

/**
 * The nsqds that have a topic, and its channels.
 *
 * @throws NsqError `E_TOPIC_NOT_FOUND` with near names
 */
export async function holders(
  cluster: Cluster,
  topic: string,
  report: Report,
): Promise<{ channels: string[]; nodes: ClusterNode[] }> {
  const { value, warnings } = await report.answers(cluster.holdersOf(topic))
  if (value.isKnown && value.nodes.length > 0) return value
  if (value.isKnown) {
    throw new NsqError('E_REPLAY', `no nsqd has the topic ${topic} at present: there is nothing to replay`)
  }
  const topics = await report.answers(cluster.topics())
  throw noSuchTopic([topic], topics.value, warnings)
}

/** A channel that is made now can get what was published before. */
export function noChannel(topic: string, channel: string, all: readonly string[]): NsqError {
  const close = near(channel, all)
  const meant = close.length === 0 ? '' : `Did you mean ${close.join(', ')}? `
  return notFound(
    'E_CHANNEL_NOT_FOUND',
    `the topic ${topic} has no channel ${channel}`,
    [],
    `${meant}Make a new one first: nsq-ts channel create ${topic} ${channel}`,
  )
}

/** Says of the nsqds that cannot do it. */
export function tellUnable({ unsupported, missing }: Replayed, channel: string, report: Report): void {
  for (const node of unsupported) {
    report.note(
      `nsqd ${node} cannot replay: an official one keeps nothing that it has delivered. Use an archive`,
    )
  }
  for (const node of missing)
    report.note(`nsqd ${node} does not have the channel ${channel}: nothing is done there`)
}

/** Says how far back it goes. Whether there was anything before, nobody knows. */
export function tellOldest({ nsqds }: Replayed, since: number, report: Report): void {
  for (const { node, oldest } of nsqds) {
    if (oldest === null)
      report.note(`nsqd ${node} has nothing of this topic, or does not retain it (--retain-time)`)
    else if (oldest > since) {
      const what = `the oldest message of nsqd ${node} is of ${formatMoment(oldest)}`
      report.note(`${what}: if there were earlier ones, they are not retained (--retain-time)`)
    }
  }
}

export interface Sum {
  readonly messages: number
  /** Of the bodies. */
  readonly bytes: number
  readonly waiting: number
}

export function sum({ nsqds }: Replayed): Sum {
  const total = { messages: 0, bytes: 0, waiting: 0 }
  for (const { messages, bytes, waiting } of nsqds) {
    total.messages += messages
    total.bytes += bytes - messages * HEADER_BYTES
    total.waiting += waiting
  }
  return total
}

/** `12,345 messages (3.1 MB) of 2026-01-02T14:02:00Z to now, on 3 nsqds`. */
export function describe(replayed: Replayed, since: number, until: number | undefined): string {
  const { messages, bytes } = sum(replayed)
  const end = until === undefined ? 'now' : formatMoment(until)
  const places = replayed.nsqds.filter(nsqd => nsqd.messages > 0).length
  return `${plural(messages, 'message')} (${formatBytes(bytes)}) of ${formatMoment(since)} to ${end}, on ${plural(places, 'nsqd')}`
}

/** How many nsqds have none of it. */
export function unable({ value: { unsupported, missing }, warnings }: Answers<Replayed>): number {
  return unsupported.length + missing.length + warnings.length
}

/** In JSON. */
export function replayedJson({ nsqds, unsupported, missing }: Replayed): Record<string, unknown> {
  const places = nsqds.map(({ node, messages, bytes, waiting, oldest }) => ({
    nsqd: node,
    messages,
    bytes: bytes - messages * HEADER_BYTES,
    waiting,
    oldest: oldest === null ? null : new Date(oldest).toISOString(),
  }))
  return { nsqds: places, unsupported, missing }
}

/** `17 of these wait there anyway`; empty when none does. */
export function waitingText({ waiting }: Sum): string {
  return waiting === 0 ? '' : `; ${formatCount(waiting)} of these it has not finished anyway`
}
