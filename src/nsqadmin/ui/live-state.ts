/** What a page knows from its stream of server-sent events, and how each event changes it. */
import type {
  ChannelUpdate,
  CounterUpdate,
  Failed,
  History,
  Missing,
  TopicRow,
  TopicsUpdate,
  TopicUpdate,
  Warning,
} from '../live-types.ts'
import { emptySeries, withPoint } from './series.ts'
import { TrendBook } from './trends.ts'

export type LiveStatus =
  /** Nothing has come yet. */
  | 'connecting'
  | 'live'
  /** The connection broke; another is on its way. `value` is of before. */
  | 'lost'
  /** There is no such topic, channel or node. */
  | 'missing'
  /** No daemon answered nsqadmin. `value` is of before. */
  | 'failed'
  /** nsqadmin refused the stream. */
  | 'refused'

export interface Problem {
  message: string
  remedy: string
}

export interface LiveState<Value> {
  status: LiveStatus
  /** The last that is known. */
  value: Value | undefined
  /** Of the value; 0 before the first. */
  time: number
  warnings: readonly Warning[]
  /** Names near one that is missing. */
  near: readonly string[]
  problem: Problem | undefined
  /** How many times the stream has begun: what was kept from before may have a gap. */
  streams: number
}

interface Update {
  time: number
  warnings: Warning[]
}

export type LiveEvent<Change> =
  | { kind: 'opened' }
  | { kind: 'update'; update: Change }
  | { kind: 'missing'; missing: Missing }
  | { kind: 'failed'; failed: Failed }
  | { kind: 'lost' }
  | { kind: 'refused'; problem: Problem }

export function initialState<Value>(value?: Value): LiveState<Value> {
  return { status: 'connecting', value, time: 0, warnings: [], near: [], problem: undefined, streams: 0 }
}

/** The state after `event`; `merge` makes the page's value of the one before and what the event has. */
export function nextState<Value, Change extends Update>(
  state: LiveState<Value>,
  event: LiveEvent<Change>,
  merge: (before: Value | undefined, update: Change) => Value,
): LiveState<Value> {
  switch (event.kind) {
    case 'opened':
      return { ...state, streams: state.streams + 1 }
    case 'update': {
      const { time, warnings } = event.update
      const value = merge(state.value, event.update)
      return { ...state, status: 'live', value, time, warnings, near: [], problem: undefined }
    }
    case 'missing': {
      const { warnings, near } = event.missing
      return { ...state, status: 'missing', value: undefined, warnings, near, problem: undefined }
    }
    case 'failed': {
      const { warnings, message } = event.failed
      const remedy = 'nsqadmin goes on asking; the numbers come back by themselves once a daemon answers.'
      return { ...state, status: 'failed', warnings, problem: { message, remedy } }
    }
    case 'lost':
      return { ...state, status: state.value === undefined ? state.status : 'lost' }
    default:
      return { ...state, status: 'refused', problem: event.problem }
  }
}

export interface TopicsValue {
  /** In no order. */
  rows: TopicRow[]
  byName: ReadonlyMap<string, TopicRow>
  nodes: number
  trends: TrendBook
}

/** Rows that did not change stay the same objects. */
export function mergeTopics(before: TopicsValue | undefined, update: TopicsUpdate): TopicsValue {
  const byName = new Map(update.whole ? [] : before?.byName)
  for (const row of update.rows) byName.set(row.topic, row)
  for (const name of update.removed) byName.delete(name)
  const rows = [...byName.values()]
  const trends = before?.trends ?? new TrendBook()
  if (update.trends) trends.start(update.trends)
  trends.observe(
    update.time,
    rows.map(row => [row.topic, row.depth]),
  )
  return { rows, byName, nodes: update.nodes, trends }
}

export interface TopicValue extends TopicUpdate {
  channelTrends: TrendBook
}

export function mergeTopic(before: TopicValue | undefined, update: TopicUpdate): TopicValue {
  const channelTrends = before?.channelTrends ?? new TrendBook()
  if (update.trends) channelTrends.start(update.trends)
  channelTrends.observe(
    update.time,
    update.channels.map(row => [row.channel, row.depth]),
  )
  return { ...update, channelTrends }
}

export function mergeChannel(_before: ChannelUpdate | undefined, update: ChannelUpdate): ChannelUpdate {
  return update
}

export interface CounterValue extends CounterUpdate {
  /** Its rates, since the page was opened. */
  series: History
}

export function mergeCounter(before: CounterValue | undefined, update: CounterUpdate): CounterValue {
  const { time, rateIn, rateOut } = update
  const series = withPoint(before?.series ?? emptySeries(), time, { depth: 0, inFlight: 0, rateIn, rateOut })
  return { ...update, series }
}
