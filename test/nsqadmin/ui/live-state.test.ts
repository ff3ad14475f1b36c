import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicRow, TopicsUpdate } from '../../../src/nsqadmin/live-types.ts'
import {
  initialState,
  mergeCounter,
  mergeTopics,
  nextState,
  type LiveEvent,
  type LiveState,
} from '../../../src/nsqadmin/ui/live-state.ts'

interface Update {
  time: number
  warnings: { message: string; remedy: string | null }[]
  n: number
}

function after(
  events: LiveEvent<Update>[],
  start: LiveState<number[]> = initialState(),
): LiveState<number[]> {
  return events.reduce(
    (state, event) => nextState(state, event, (before, { n }) => [...(before ?? []), n]),
    start,
  )
}

const update = (n: number): LiveEvent<Update> => ({ kind: 'update', update: { time: n, warnings: [], n } })
const FAILED: LiveEvent<Update> = {
  kind: 'failed',
  failed: { time: 9, warnings: [], message: 'no nsqd answers' },
}
const MISSING: LiveEvent<Update> = {
  kind: 'missing',
  missing: { time: 9, warnings: [], what: 'topic', near: ['orders'] },
}

test('updates are merged into what is known', () => {
  const state = after([{ kind: 'opened' }, update(1), update(2)])
  assert.deepEqual(state.value, [1, 2])
  assert.equal(state.status, 'live')
  assert.equal(state.time, 2)
  assert.equal(state.streams, 1)
})

test('what was known stays when the connection breaks or no daemon answers', () => {
  assert.equal(after([update(1), { kind: 'lost' }]).status, 'lost')
  assert.deepEqual(after([update(1), { kind: 'lost' }]).value, [1])
  const failed = after([update(1), FAILED])
  assert.equal(failed.status, 'failed')
  assert.equal(failed.problem?.message, 'no nsqd answers')
  assert.deepEqual([failed.value, failed.time], [[1], 1], 'and from when it is')
})

test('its problem ends with the next update', () => {
  const state = after([FAILED, update(3)])
  assert.equal(state.problem, undefined)
  assert.equal(state.status, 'live')
})

test('before anything is known a break is still connecting, until it is said why', () => {
  assert.equal(after([{ kind: 'lost' }]).status, 'connecting')
  const problem = { message: 'nsqadmin does not answer.', remedy: '' }
  assert.equal(after([{ kind: 'lost' }, { kind: 'refused', problem }]).status, 'refused')
})

test('what is missing has near names and no value, and may come', () => {
  const missing = after([update(1), MISSING])
  assert.equal(missing.value, undefined)
  assert.deepEqual(missing.near, ['orders'])
  const come = after([MISSING, update(4)])
  assert.deepEqual([come.status, come.value, come.near], ['live', [4], []])
})

const row = (topic: string, depth: number): TopicRow => ({
  topic,
  channels: 1,
  pausedChannels: 0,
  nsqds: 1,
  growing: false,
  depth,
  backendDepth: 0,
  inFlight: 0,
  deferred: 0,
  messages: 0,
  requeued: 0,
  timedOut: 0,
  clients: 0,
  refused: 0,
  dropped: 0,
  expired: 0,
  paused: false,
  rateIn: null,
  rateOut: null,
})

const topics = (time: number, part: Partial<TopicsUpdate>): TopicsUpdate => ({
  time,
  warnings: [],
  whole: false,
  rows: [],
  removed: [],
  nodes: 1,
  ...part,
})

test('topics: changed rows replace theirs, removed ones go, the others stay the same objects', () => {
  const first = mergeTopics(
    undefined,
    topics(1, { whole: true, rows: [row('a', 1), row('b', 2), row('c', 3)] }),
  )
  const second = mergeTopics(first, topics(2, { rows: [row('b', 20)], removed: ['c'], nodes: 2 }))
  assert.deepEqual(
    second.rows.map(({ topic, depth }) => [topic, depth]),
    [
      ['a', 1],
      ['b', 20],
    ],
  )
  assert.equal(second.byName.get('a'), first.byName.get('a'))
  assert.equal(second.nodes, 2)
  assert.deepEqual(second.trends.of('b').depth, [2, 20])
  assert.deepEqual(second.trends.of('a').depth, [1, 1])
})

test('topics: a whole state forgets what is not in it', () => {
  const first = mergeTopics(undefined, topics(1, { whole: true, rows: [row('a', 1)] }))
  const second = mergeTopics(first, topics(2, { whole: true, rows: [row('b', 2)] }))
  assert.deepEqual([...second.byName.keys()], ['b'])
  assert.deepEqual(second.trends.of('a').depth, [])
})

test('topics: a name that JavaScript knows is a name', () => {
  const value = mergeTopics(
    undefined,
    topics(1, { whole: true, rows: [row('__proto__', 7), row('constructor', 8)] }),
  )
  assert.deepEqual(
    value.rows.map(({ topic }) => topic),
    ['__proto__', 'constructor'],
  )
  assert.deepEqual(value.trends.of('__proto__').depth, [7])
})

test('the counter keeps its rates', () => {
  const first = mergeCounter(undefined, {
    time: 1_000,
    warnings: [],
    finished: 5,
    rateIn: null,
    rateOut: null,
  })
  const second = mergeCounter(first, { time: 3_000, warnings: [], finished: 9, rateIn: 3, rateOut: 2 })
  assert.deepEqual(second.series.time, [1_000, 3_000])
  assert.deepEqual(second.series.rateOut, [null, 2])
  assert.equal(second.finished, 9)
})
