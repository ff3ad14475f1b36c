import type { Cluster } from '../../cluster/cluster.ts'
import type { NsqdStats } from '../../cluster/stats.ts'
import { sumTopic, sumTopics } from '../../cluster/totals.ts'
import type {
  ChannelUpdate,
  CounterUpdate,
  Missing,
  NodesUpdate,
  NodeUpdate,
  TopicRow,
  TopicsUpdate,
  TopicUpdate,
} from '../live-types.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import type { Slots } from '../../util/slots.ts'
import type { Counter } from './counter.ts'
import type { Look } from './look.ts'
import type { Memory } from './memory.ts'
import { nearNames } from './near.ts'
import {
  channelRow,
  clientRow,
  consumerRows,
  emptyChannelRow,
  emptyTopicRow,
  nodeRow,
  rounded,
  shareRows,
  topicRow,
} from './rows.ts'
import { orphanWarnings, toWarning } from './warnings.ts'

/** Of a node, which are sent anew with each look. */
const MAX_CONSUMERS = 500

/** What is sent to a viewer. */
export interface LiveEvent {
  event: string
  data: object
}

/** What a page shows. Those who look at the same share it, by its key. */
export interface View {
  readonly key: string
  /** All of it. What the look does not say, such as clients, is asked for. */
  state(look: Look, signal: AbortSignal): LiveEvent | Promise<LiveEvent>
  /** What to send to those who have `before`; all of `after` unless given. */
  changes?(before: LiveEvent, after: LiveEvent): LiveEvent
  /** What goes with the first state that a viewer gets. */
  past?(look: Look): object
}

export interface ViewSource {
  /** Before everything that a view asks for itself, so that many views do not ask all at once. */
  readonly questions: Slots
  readonly cluster: Pick<Cluster, 'stats' | 'statsOf' | 'channels'>
  readonly memory: Memory
  readonly counter: Counter
}

export function topicsView(source: ViewSource): View {
  const { memory } = source
  return {
    key: 'topics',
    state(look) {
      const rows = Array.from(look.topicNames, (name): TopicRow => {
        const totals = look.totals.get(name)
        return totals === undefined
          ? emptyTopicRow(name, 0)
          : topicRow(totals, memory.rates.topic(name), memory.isGrowing(name))
      })
      rows.sort((a, b) => (a.topic < b.topic ? -1 : 1))
      const { time, warnings, stats } = look
      const data: TopicsUpdate = { time, warnings, whole: true, rows, removed: [], nodes: stats.length }
      return { event: 'topics', data }
    },
    changes: topicChanges,
    past: look => ({ trends: memory.topicTrends(look.topicNames) }),
  }
}

/** Both are of the view of topics, or failures. */
function topicChanges(before: LiveEvent, after: LiveEvent): LiveEvent {
  if (!isTopics(before.data) || !isTopics(after.data)) return after
  const old = new Map(before.data.rows.map(row => [row.topic, row]))
  const rows: TopicRow[] = []
  for (const row of after.data.rows) {
    const known = old.get(row.topic)
    if (known === undefined || !isSame(known, row)) rows.push(row)
    old.delete(row.topic)
  }
  const data: TopicsUpdate = { ...after.data, whole: false, rows, removed: [...old.keys()] }
  return { event: after.event, data }
}

function isTopics(data: object): data is TopicsUpdate {
  return 'rows' in data && 'removed' in data
}

function isSame(a: TopicRow, b: TopicRow): boolean {
  return (
    a.depth === b.depth &&
    a.messages === b.messages &&
    a.rateIn === b.rateIn &&
    a.rateOut === b.rateOut &&
    a.inFlight === b.inFlight &&
    a.deferred === b.deferred &&
    a.requeued === b.requeued &&
    a.timedOut === b.timedOut &&
    a.clients === b.clients &&
    a.refused === b.refused &&
    a.dropped === b.dropped &&
    a.expired === b.expired &&
    a.channels === b.channels &&
    a.paused === b.paused &&
    a.pausedChannels === b.pausedChannels &&
    a.backendDepth === b.backendDepth &&
    a.nsqds === b.nsqds &&
    a.growing === b.growing
  )
}

export function topicView(source: ViewSource, topic: string): View {
  const { memory } = source
  const { rates } = memory
  return {
    key: keyOf('topic', topic),
    async state(look, signal) {
      const { time, warnings, stats } = look
      const totals = look.totals.get(topic)
      if (totals === undefined) {
        if (!look.topicNames.has(topic)) return missing(look, 'topic', topic, look.topicNames)
        const { value: names } = await source.questions.use(() => source.cluster.channels(topic, signal))
        const channels = names.map(emptyChannelRow)
        const row = emptyTopicRow(topic, channels.length)
        const data: TopicUpdate = { time, warnings, topic: row, undistributed: 0, channels, nodes: [] }
        return { event: 'topic', data }
      }
      const channels = Array.from(totals.channels.values(), channel =>
        channelRow(channel, rates.channel(topic, channel.name), memory.isGrowing(topic, channel.name)),
      )
      const data: TopicUpdate = {
        time,
        warnings,
        topic: topicRow(totals, rates.topic(topic), memory.isGrowing(topic)),
        undistributed: totals.undistributed,
        channels: channels.sort((a, b) => (a.channel < b.channel ? -1 : 1)),
        nodes: shareRows(stats, memory, topic),
      }
      return { event: 'topic', data }
    },
    past: look => ({
      trends: memory.channelTrends(topic, look.totals.get(topic)?.channels.keys() ?? []),
    }),
  }
}

/** Its clients are asked for, and with them everything. */
export function channelView(source: ViewSource, topic: string, channel: string): View {
  const { memory } = source
  return {
    key: keyOf('channel', topic, channel),
    async state(look, signal) {
      const { value: stats, warnings } = await source.questions.use(() =>
        source.cluster.stats({ topic, channel, clients: true }, signal),
      )
      const topicTotals = sumTopic(topic, stats)
      const totals = topicTotals?.channels.get(channel)
      if (totals === undefined) {
        const known = look.totals.get(topic)
        if (known !== undefined) return missing(look, 'channel', channel, known.channels.keys())
        if (!look.topicNames.has(topic)) return missing(look, 'topic', topic, look.topicNames)
        const { value: names } = await source.questions.use(() => source.cluster.channels(topic, signal))
        if (!names.includes(channel)) return missing(look, 'channel', channel, names)
      }
      const rate = memory.rates.channel(topic, channel)
      const data: ChannelUpdate = {
        topicPaused: topicTotals?.paused ?? false,
        time: look.time,
        warnings: [...warnings.map(toWarning), ...orphanWarnings(look.totals)],
        channel:
          totals === undefined
            ? emptyChannelRow(channel)
            : channelRow(totals, rate, memory.isGrowing(topic, channel)),
        nodes: shareRows(stats, memory, topic, channel),
        clients: stats.flatMap(({ node, topics }) =>
          topics
            .flatMap(({ channels }) => channels)
            .filter(({ name }) => name === channel)
            .flatMap(({ clients }) => clients.map(client => clientRow(node, client))),
        ),
      }
      return { event: 'channel', data }
    },
  }
}

export function nodesView({ memory }: ViewSource): View {
  return {
    key: 'nodes',
    state(look) {
      const { time, warnings, nodes } = look
      const stats = new Map(look.stats.map(each => [each.node, each]))
      const rows = nodes.map(node => nodeRow(node, stats.get(node.node), memory.rates.node(node.node)))
      const data: NodesUpdate = { time, warnings, rows }
      return { event: 'nodes', data }
    },
  }
}

/** Who publishes is asked for. */
export function nodeView(source: ViewSource, name: string): View {
  const { memory } = source
  return {
    key: keyOf('node', name),
    async state(look, signal) {
      // Only what is in the cluster is asked: a name may be any address.
      const node = look.nodes.find(each => each.node === name)
      if (node === undefined) {
        return missing(
          look,
          'node',
          name,
          look.nodes.map(each => each.node),
        )
      }
      let stats: NsqdStats | undefined
      let { error } = node
      try {
        stats = (await source.questions.use(() => source.cluster.statsOf(node, { clients: true }, signal)))
          .value
        error = undefined
      } catch (thrown) {
        error =
          thrown instanceof NsqError
            ? thrown
            : new NsqError('E_CLUSTER', errorText(thrown), { cause: thrown })
      }
      const topics = Array.from(sumTopics(stats === undefined ? [] : [stats]).values(), totals =>
        topicRow(totals, memory.rates.topic(totals.name, name), memory.isGrowing(totals.name)),
      )
      const { error: _, ...healthy } = node
      const data: NodeUpdate = {
        time: look.time,
        warnings: look.warnings,
        node: nodeRow(error === undefined ? healthy : { ...node, error }, stats, memory.rates.node(name)),
        topics: topics.sort((a, b) => (a.topic < b.topic ? -1 : 1)),
        consumers: consumerRows(stats, MAX_CONSUMERS),
        producers: (stats?.producers ?? []).map(client => clientRow(name, client)),
      }
      return { event: 'node', data }
    },
  }
}

export function counterView({ memory, counter }: ViewSource): View {
  return {
    key: 'counter',
    state({ time, warnings }) {
      const rate = memory.rates.total()
      const data: CounterUpdate = {
        time,
        warnings,
        finished: counter.finished,
        rateIn: rounded(rate?.in),
        rateOut: rounded(rate?.out),
      }
      return { event: 'counter', data }
    },
  }
}

function missing(look: Look, what: Missing['what'], name: string, names: Iterable<string>): LiveEvent {
  const { time, warnings } = look
  const data: Missing = { time, warnings, what, near: nearNames(name, names) }
  return { event: 'missing', data }
}

/** Names are what a viewer says, so that anything may be in them. */
function keyOf(...parts: string[]): string {
  return JSON.stringify(parts)
}
