/** What the daemons themselves say, whatever a page shows. */
import { Nsqadmin } from '../../src/nsqadmin/daemon.ts'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import type { Nsqlookupd } from '../../src/nsqlookupd/daemon.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { eventually } from './seen.ts'

export interface ChannelFacts {
  channel_name: string
  depth: number
  in_flight_count: number
  deferred_count: number
  paused: boolean
  client_count: number
}

export interface TopicFacts {
  topic_name: string
  depth: number
  message_count: number
  paused: boolean
  channels: ChannelFacts[]
}

/** Of nsqd's `/stats`. */
export async function topicsOf(nsqd: Nsqd): Promise<TopicFacts[]> {
  const response = await fetch(`http://${formatAddress(nsqd.httpAddress)}/stats?format=json`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is our own nsqd's
  return ((await response.json()) as { topics: TopicFacts[] }).topics
}

/** Waits until a topic of the nsqd is so; undefined where there is none. */
export function topicIs(
  nsqd: Nsqd,
  topic: string,
  isSo: (facts: TopicFacts | undefined) => boolean,
): Promise<TopicFacts | undefined> {
  return eventually(async () => (await topicsOf(nsqd)).find(each => each.topic_name === topic), isSo)
}

/** Waits until a channel of the nsqd is so; undefined where there is none. */
export function channelIs(
  nsqd: Nsqd,
  topic: string,
  channel: string,
  isSo: (facts: ChannelFacts | undefined) => boolean,
): Promise<ChannelFacts | undefined> {
  return eventually(async () => {
    const facts = (await topicsOf(nsqd)).find(each => each.topic_name === topic)
    return facts?.channels.find(each => each.channel_name === channel)
  }, isSo)
}

/** Waits until nsqlookupd knows just these channels of a topic, and whether the topic itself. */
export function lookupKnows(
  lookupd: Nsqlookupd,
  topic: string,
  channels: readonly string[],
): Promise<unknown> {
  const { registry } = lookupd
  const wanted = JSON.stringify([true, ...channels])
  const read = (): unknown[] => [registry.topics().includes(topic), ...registry.channels(topic).sort()]
  return eventually(read, found => JSON.stringify(found) === wanted, `${topic}: ${wanted}`)
}

const quiet = new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} })

/** Starts an nsqd again that was closed: with its messages, where it was. To be closed by the test itself. */
export async function startAgain(nsqd: Nsqd): Promise<Nsqd> {
  const tcpAddress = formatAddress(nsqd.tcpAddress)
  const httpAddress = formatAddress(nsqd.httpAddress)
  const again = new Nsqd({ ...nsqd.options, tcpAddress, httpAddress }, quiet)
  await again.start()
  return again
}

/** Starts an nsqadmin again that was closed, where it was. To be closed by the test itself. */
export async function startAdminAgain(admin: Nsqadmin): Promise<Nsqadmin> {
  const again = new Nsqadmin({ ...admin.options, httpAddress: formatAddress(admin.httpAddress) }, quiet)
  await again.start()
  return again
}
