import type { Totals } from '../../cluster/totals.ts'
import { type FoundCluster, findCluster } from '../cluster-options.ts'
import type { Context } from '../command.ts'
import { checkTopic } from '../names.ts'
import { isPattern } from '../stat/selection.ts'
import { formatCount, plural } from '../units.ts'
import { type ChannelItem, takeInventory, type TopicItem } from './inventory.ts'
import type { ListOptions } from './options.ts'
import { Report } from './report.ts'
import { type Column, printTable } from './table.ts'
import { findTargets } from './targets.ts'

/** A table for a person, JSON, or the names alone for other commands. */
export async function listTopics(context: Context<ListOptions>): Promise<number> {
  const { stdout, options } = context
  const { found, report, topics } = await begin(context)
  if (!options.json && !stdout.isTerminal) {
    for (const topic of topics) report.line(topic)
    return report.exitCode
  }
  const items = await takeInventory(found.cluster, topics, report)
  if (!options.json) {
    await show(context, found, TOPICS, items, 'topic')
    return report.exitCode
  }
  for (const { topic, channels, nsqds, sum } of items) {
    const { undistributed = 0 } = sum ?? {}
    report.json({
      topic,
      channels: channels.map(each => each.channel),
      nsqds,
      undistributed,
      ...numbers(sum),
    })
  }
  return report.exitCode
}

/** The same of channels; each name has its topic before it, unless one topic was named. */
export async function listChannels(context: Context<ListOptions>): Promise<number> {
  const { stdout, options, positionals } = context
  const { found, report, topics } = await begin(context)
  const items = (await takeInventory(found.cluster, topics, report)).flatMap(({ channels }) => channels)
  if (options.json) {
    for (const { topic, channel, nsqds, sum } of items)
      report.json({ topic, channel, nsqds, ...numbers(sum) })
  } else if (stdout.isTerminal) {
    await show(context, found, CHANNELS, items, 'channel')
  } else {
    const isOne = positionals.length === 1 && !positionals.some(isPattern)
    for (const { topic, channel } of items) report.line(isOne ? channel : `${topic} ${channel}`)
  }
  return report.exitCode
}

/** The topics that are named, sorted; all when none is. */
async function begin(
  context: Context<ListOptions>,
): Promise<{ found: FoundCluster; report: Report; topics: string[] }> {
  const names = context.positionals
  for (const name of names) if (!isPattern(name)) checkTopic(name)
  const found = await findCluster(context.options, context)
  const report = new Report(context)
  report.asking(found.assumed)
  if (names.length > 0) {
    const targets = await findTargets(found.cluster, { topic: undefined, names }, report)
    return { found, report, topics: targets.map(({ topic }) => topic).sort() }
  }
  const { value } = await report.answers(found.cluster.topics())
  return { found, report, topics: value }
}

async function show<T>(
  context: Context<ListOptions>,
  { cluster, assumed }: FoundCluster,
  columns: readonly Column<T>[],
  items: readonly T[],
  noun: string,
): Promise<void> {
  const asked = assumed ?? [...cluster.lookupds, ...cluster.nsqds].join(', ')
  if (items.length === 0) context.stderr.line(`There is no ${noun} at ${asked}.`)
  else await printTable(context, columns, items)
}

function figure<T>(head: string, rank: number, of: (item: T) => number): Column<T> {
  return { head, rank, isFigure: true, cell: item => formatCount(of(item)) }
}

const TOPICS: readonly Column<TopicItem>[] = [
  { head: 'TOPIC', rank: 0, shortest: 12, usual: 24, cell: ({ topic }) => topic },
  figure('CHANNELS', 3, ({ channels }) => channels.length),
  figure('WAITING', 0, ({ sum }) => sum?.depth ?? 0),
  figure('CONSUMERS', 2, ({ sum }) => sum?.clients ?? 0),
  figure('NSQDS', 4, ({ nsqds }) => nsqds.length),
  { head: 'STATE', rank: 1, shortest: 8, usual: 16, cell: topicState },
]

function topicState({ nsqds, sum, channels }: TopicItem): string {
  const paused = channels.filter(channel => channel.sum?.paused === true).length
  return [
    ...(nsqds.length === 0 ? ['at no nsqd'] : []),
    ...(sum?.paused === true ? ['paused'] : []),
    ...(paused > 0 ? [`${plural(paused, 'channel')} paused`] : []),
  ].join(', ')
}

const CHANNELS: readonly Column<ChannelItem>[] = [
  { head: 'TOPIC', rank: 0, shortest: 12, usual: 24, cell: ({ topic }) => topic },
  { head: 'CHANNEL', rank: 0, shortest: 8, usual: 16, cell: ({ channel }) => channel },
  figure('WAITING', 0, ({ sum }) => sum?.depth ?? 0),
  figure('IN FLIGHT', 2, ({ sum }) => sum?.inFlight ?? 0),
  figure('DEFERRED', 5, ({ sum }) => sum?.deferred ?? 0),
  figure('CONSUMERS', 3, ({ sum }) => sum?.clients ?? 0),
  figure('NSQDS', 6, ({ nsqds }) => nsqds.length),
  {
    head: 'STATE',
    rank: 1,
    cell: ({ nsqds, sum }) => (nsqds.length === 0 ? 'at no nsqd' : sum?.paused === true ? 'paused' : ''),
  },
]

/** In JSON, by the names that stat has for them. */
function numbers(sum: Totals | undefined): Record<string, number | boolean> {
  return {
    depth: sum?.depth ?? 0,
    in_flight: sum?.inFlight ?? 0,
    deferred: sum?.deferred ?? 0,
    connections: sum?.clients ?? 0,
    messages: sum?.messages ?? 0,
    paused: sum?.paused ?? false,
  }
}
