import type { ChannelStats, TopicStats } from '../../../cluster/stats.ts'
import { isEphemeral } from '../../../protocol/names.ts'
import { formatCount, plural } from '../../units.ts'
import type { Facts } from '../facts.ts'
import { type Check, CLUSTER, ok, type Verdict, warn } from '../finding.ts'
import { groupBy } from '../group.ts'
import { lookupdTarget, nsqdTarget } from '../ports.ts'

/** So many are named; of more it is said how many. */
const MOST_NAMED = 10
const STAT = 'nsq-ts stat --sort depth'

function topicsOf({ nsqds }: Facts): { nsqd: string; topic: TopicStats }[] {
  return nsqds.flatMap(({ name, http }) => (http?.stats?.topics ?? []).map(topic => ({ nsqd: name, topic })))
}

interface At {
  readonly nsqd: string
  readonly topic: string
  readonly channel: ChannelStats
}

/** Each channel, with what it is at each nsqd. */
function channelsOf(facts: Facts): At[][] {
  const all = topicsOf(facts).flatMap(({ nsqd, topic }) =>
    topic.channels.map(channel => ({ nsqd, topic: topic.name, channel })),
  )
  return [...groupBy(all, ({ topic, channel }) => `${topic} ${channel.name}`).values()]
}

export const unread: Check = {
  id: 'unread',
  title: 'Messages that wait have somebody who reads them',
  run: facts => {
    const topics = topicsOf(facts)
    const verdicts = [
      ...[...groupBy(topics, ({ topic }) => topic.name)].flatMap(([name, group]) =>
        withoutChannel(
          name,
          group.map(({ topic }) => topic),
        ),
      ),
      ...channelsOf(facts).flatMap(withoutConsumers),
    ]
    if (verdicts.length > 0) return few(verdicts, CLUSTER, STAT)
    return topics.length === 0 ? [] : [ok(CLUSTER, 'what waits has readers')]
  },
}

/** @param command - shows all of them */
function few(verdicts: readonly Verdict[], target: string, command: string): Verdict[] {
  const rest = verdicts.length - MOST_NAMED
  if (rest <= 0) return [...verdicts]
  const more = warn(target, `and ${plural(rest, 'other')} likewise`, `${command} shows all of them.`)
  return [...verdicts.slice(0, MOST_NAMED), more]
}

function withoutChannel(name: string, group: readonly TopicStats[]): Verdict[] {
  const waiting = group.reduce((sum, { depth, channels }) => sum + (channels.length === 0 ? depth : 0), 0)
  // An ephemeral one keeps few, in memory, and is meant to be forgotten.
  if (waiting === 0 || isEphemeral(name)) return []
  return [
    warn(
      CLUSTER,
      `${messages(waiting)} in topic ${name}, which has no channel there: nobody gets them, and they grow until the disk is full`,
      `Start a consumer, or make its channel before it comes: nsq-ts channel create ${name} CHANNEL. ` +
        `If nobody needs the topic: nsq-ts topic delete ${name}.`,
    ),
  ]
}

function withoutConsumers(group: readonly At[]): Verdict[] {
  const lonely = group.filter(({ channel }) => channel.clientCount === 0 && waitingIn(channel) > 0)
  const [first] = lonely
  if (first === undefined) return []
  const waiting = lonely.reduce((sum, { channel }) => sum + waitingIn(channel), 0)
  const { topic, channel } = first
  const what = `${messages(waiting)} in channel ${channel.name} of topic ${topic}`
  const consumers = group.reduce((sum, each) => sum + each.channel.clientCount, 0)
  if (consumers > 0) {
    return [
      warn(
        CLUSTER,
        `${what} at nsqd ${lonely.map(({ nsqd }) => nsqd).join(', ')}, where none of its ${plural(consumers, 'consumer')} is connected`,
        'Let consumers find every nsqd: give them nsqlookupd (--lookupd-http-address), or all nsqds.',
      ),
    ]
  }
  return [
    warn(
      CLUSTER,
      `${what}, which has no consumer: they grow until the disk is full`,
      `Start a consumer. If nobody needs the channel: nsq-ts channel delete ${topic} ${channel.name}.`,
    ),
  ]
}

function waitingIn({ depth, inFlight, deferred }: ChannelStats): number {
  return depth + inFlight + deferred
}

function messages(count: number): string {
  return count === 1 ? '1 message waits' : `${formatCount(count)} messages wait`
}

export const paused: Check = {
  id: 'paused',
  title: 'Nothing that is paused has messages waiting',
  run: facts => {
    const topics = [...groupBy(topicsOf(facts), ({ topic }) => topic.name)].flatMap(([name, group]) => {
      const still = group.filter(({ topic }) => topic.paused)
      const waiting = still.reduce((sum, { topic }) => sum + topic.depth, 0)
      return waiting === 0 ? [] : [stopped(`topic ${name}`, waiting, `nsq-ts topic unpause ${name}`)]
    })
    const channels = channelsOf(facts).flatMap(group => {
      const still = group.filter(({ channel }) => channel.paused)
      const waiting = still.reduce((sum, { channel }) => sum + channel.depth, 0)
      const [first] = still
      if (waiting === 0 || first === undefined) return []
      const { topic, channel } = first
      const remedy = `nsq-ts channel unpause ${topic} ${channel.name}`
      return [stopped(`channel ${channel.name} of topic ${topic}`, waiting, remedy)]
    })
    return few([...topics, ...channels], CLUSTER, STAT)
  },
}

function stopped(what: string, waiting: number, command: string): Verdict {
  return warn(CLUSTER, `${messages(waiting)} in ${what}, which is paused`, `When it is to go on: ${command}.`)
}

export const backlog: Check = {
  id: 'backlog',
  title: 'Consumers keep up with what comes, where 1,000 messages or more wait',
  run: ({ backlogs }) =>
    backlogs.flatMap(({ topic, channel, depth, in: came, out }): Verdict[] => {
      const name = `channel ${channel} of topic ${topic}`
      if (came <= out) return [ok(CLUSTER, `${messages(depth)} in ${name}, and no more come than go`)]
      return [
        warn(
          CLUSTER,
          `${messages(depth)} in ${name}, and more come than go: ${rate(came)} a second against ${rate(out)}`,
          `Start more consumers, or raise their max in flight. nsq-ts stat ${topic} shows how it goes on.`,
        ),
      ]
    }),
}

function rate(perSecond: number): string {
  return formatCount(perSecond)
}

export const tombstone: Check = {
  id: 'tombstone',
  title: 'No nsqd is hidden from consumers',
  run: facts =>
    facts.nsqds.flatMap(nsqd => {
      const hidden = (nsqd.registered?.topics ?? []).filter(({ tombstoned }) => tombstoned)
      const verdicts = hidden.map(({ name: topic }) =>
        warn(
          nsqdTarget(nsqd),
          `consumers of topic ${topic} do not find it: it is hidden (tombstoned)${until(facts, topic, nsqd.name)}`,
          'That ends by itself (--tombstone-lifetime of nsqlookupd, usually 45s). Where producers still publish the topic to ' +
            'it, nobody reads that meanwhile: stop them, or make the topic there once more.',
        ),
      )
      return few(verdicts, nsqdTarget(nsqd), 'nsq-ts nodes')
    }),
}

/** Those that tell, tell until when. */
function until({ lookupds, at }: Facts, topic: string, node: string): string {
  const ends = lookupds.flatMap(({ address, tombstones = [] }) =>
    tombstones
      .filter(each => each.topic === topic && each.node === node)
      .map(
        each => `for ${Math.max(0, Math.ceil((each.until - at) / 1000))} s more by ${lookupdTarget(address)}`,
      ),
  )
  return ends.length === 0 ? '' : `, ${ends.join(' and ')}`
}
