import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventSink } from '../../../src/http/events.ts'
import { Feed } from '../../../src/nsqadmin/live/feed.ts'
import type { Look } from '../../../src/nsqadmin/live/look.ts'
import type { LiveEvent, View } from '../../../src/nsqadmin/live/views.ts'

class FakeSink implements EventSink {
  closed = false
  /** Whether its reader is behind. */
  isFull = false
  readonly events: unknown[][] = []

  send(event: string, data: unknown): boolean {
    return this.sendJson(event, JSON.stringify(data))
  }

  sendJson(event: string, json: string): boolean {
    if (this.isFull) return false
    this.events.push([event, JSON.parse(json)])
    return true
  }

  take(): unknown[][] {
    return this.events.splice(0)
  }
}

function look(number: number, failed?: Look['failed']): Look {
  const nothing = { nodes: [], stats: [], totals: new Map(), topicNames: new Set<string>(), warnings: [] }
  return { ...nothing, number, time: number, atMs: number, failed }
}

/** A view of the number of the look, which says how often it was asked. */
function countingView(): View & { asked: number } {
  return {
    key: 'counting',
    asked: 0,
    state({ number }) {
      this.asked++
      return { event: 'whole', data: { number } }
    },
    changes: (before, after) => ({ event: 'changes', data: { before: before.data, after: after.data } }),
    past: () => ({ past: true }),
  }
}

const never = new AbortController().signal

test('two viewers, one question: the first state is whole, then come changes', async () => {
  const view = countingView()
  const feed = new Feed(view, never)
  const [a, b] = [new FakeSink(), new FakeSink()]
  feed.join(a)
  assert.deepEqual(a.take(), [])
  await feed.update(look(1))
  assert.deepEqual(a.take(), [['whole', { number: 1, past: true }]])
  feed.join(b)
  assert.deepEqual(b.take(), [['whole', { number: 1, past: true }]])
  await feed.update(look(2))
  const change = ['changes', { before: { number: 1 }, after: { number: 2 } }]
  assert.deepEqual(a.take(), [change])
  assert.deepEqual(b.take(), [change])
  assert.equal(view.asked, 2)
  feed.leave(a)
  await feed.update(look(3))
  assert.deepEqual(a.take(), [])
  assert.equal(feed.size, 1)
})

test('a viewer that is behind gets everything when it has caught up', async () => {
  const feed = new Feed(countingView(), never)
  const [slow, quick] = [new FakeSink(), new FakeSink()]
  for (const sink of [slow, quick]) feed.join(sink)
  await feed.update(look(1))
  slow.take()
  slow.isFull = true
  await feed.update(look(2))
  await feed.update(look(3))
  slow.isFull = false
  await feed.update(look(4))
  assert.deepEqual(slow.take(), [['whole', { number: 4 }]])
  await feed.update(look(5))
  assert.deepEqual(slow.take(), [['changes', { before: { number: 4 }, after: { number: 5 } }]])
  assert.equal(quick.take().length, 5)
})

test('one that is behind from the beginning gets the past as well, later', async () => {
  const feed = new Feed(countingView(), never)
  const sink = new FakeSink()
  sink.isFull = true
  feed.join(sink)
  await feed.update(look(1))
  sink.isFull = false
  await feed.update(look(2))
  assert.deepEqual(sink.take(), [['whole', { number: 2, past: true }]])
})

test('a question that takes long is not asked again meanwhile', async () => {
  const answers: ((event: LiveEvent) => void)[] = []
  const feed = new Feed({ key: '', state: () => new Promise(resolve => answers.push(resolve)) }, never)
  const sink = new FakeSink()
  feed.join(sink)
  const first = feed.update(look(1))
  void feed.update(look(2))
  void feed.update(look(3))
  assert.equal(answers.length, 1)
  answers[0]?.({ event: 'e', data: { answer: 1 } })
  // The last look that came meanwhile is what is asked about next.
  while (answers.length < 2) await Promise.resolve()
  answers[1]?.({ event: 'e', data: { answer: 2 } })
  await first
  assert.deepEqual(sink.take(), [
    ['e', { answer: 1 }],
    ['e', { answer: 2 }],
  ])
  assert.equal(answers.length, 2)
})

test('what fails is said, and the past comes with the first state after it', async () => {
  let error: Error | undefined = new Error('no')
  const feed = new Feed(
    {
      key: '',
      state() {
        if (error !== undefined) throw error
        return { event: 'e', data: {} }
      },
      past: () => ({ past: true }),
    },
    never,
  )
  const sink = new FakeSink()
  feed.join(sink)
  await feed.update(look(1))
  const warnings = [{ message: 'no', remedy: null }]
  assert.deepEqual(sink.take(), [['failed', { time: 1, message: 'no', warnings }]])
  error = undefined
  await feed.update(look(2, { message: 'nobody', warnings: [] }))
  assert.deepEqual(sink.take(), [['failed', { time: 2, message: 'nobody', warnings: [] }]])
  await feed.update(look(3))
  assert.deepEqual(sink.take(), [['e', { past: true }]])
})

test('an old look is not believed when it says that something is missing', async () => {
  const feed = new Feed({ key: '', state: () => ({ event: 'missing', data: {} }) }, never)
  const sink = new FakeSink()
  feed.join(sink)
  await feed.update(look(1), false)
  assert.deepEqual(sink.take(), [])
  await feed.update(look(2))
  assert.deepEqual(sink.take(), [['missing', {}]])
})

test('nothing is sent after the end', async () => {
  const end = new AbortController()
  const feed = new Feed(countingView(), end.signal)
  const sink = new FakeSink()
  feed.join(sink)
  end.abort()
  await feed.update(look(1))
  assert.deepEqual(sink.take(), [])
})
