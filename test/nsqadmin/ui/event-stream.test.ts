import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { EventStream } from '../../../src/nsqadmin/ui/event-stream.ts'
import type { Problem } from '../../../src/nsqadmin/ui/live-state.ts'

const REFUSED: Problem = { message: 'No.', remedy: 'Ask another.' }
const UNANSWERED: Problem = { message: 'Silence.', remedy: 'Wait.' }

class FakeSource {
  readonly #listeners = new Map<string, (event: { data?: unknown }) => void>()
  closed = false

  addEventListener(name: string, listener: (event: { data?: unknown }) => void): void {
    this.#listeners.set(name, listener)
  }

  close(): void {
    this.closed = true
  }

  say(name: string, data?: string): void {
    this.#listeners.get(name)?.({ data })
  }
}

type Why = (signal: AbortSignal) => Promise<Problem | undefined>

function rig(t: TestContext, why: Why = () => Promise.resolve(undefined)) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const sources: FakeSource[] = []
  const told: string[] = []
  const stream = new EventStream({
    connect: () => {
      const source = new FakeSource()
      sources.push(source)
      return source
    },
    why,
    unanswered: UNANSWERED,
    opened: () => told.push('opened'),
    lost: () => told.push('lost'),
    refused: ({ message }) => told.push(message),
    events: { news: data => told.push(data) },
  })
  const latest = (): FakeSource => {
    const source = sources.at(-1)
    assert.ok(source)
    return source
  }
  const pass = async (ms: number): Promise<void> => {
    t.mock.timers.tick(ms)
    await setImmediate()
  }
  return { stream, sources, told, latest, pass }
}

test('events come as long as it is open', t => {
  const { stream, told, latest, sources } = rig(t)
  stream.open()
  stream.open()
  assert.equal(sources.length, 1)
  latest().say('open')
  latest().say('news', 'one')
  stream.close()
  latest().say('news', 'late')
  latest().say('error')
  assert.equal(latest().closed, true)
  assert.deepEqual(told, ['opened', 'one'])
})

test('a stream that broke is opened again, later each time until something comes', async t => {
  const { stream, latest, sources, pass } = rig(t)
  stream.open()
  for (const wait of [1000, 2000, 4000, 8000, 15_000, 15_000]) {
    const count = sources.length
    latest().say('error')
    assert.equal(latest().closed, true)
    await pass(wait - 1)
    assert.equal(sources.length, count)
    await pass(1)
    assert.equal(sources.length, count + 1)
  }
  // A proxy may accept everything, and then end it.
  latest().say('open')
  latest().say('error')
  await pass(14_999)
  const before = sources.length
  await pass(1)
  assert.equal(sources.length, before + 1)
  latest().say('news', 'one')
  latest().say('error')
  await pass(1000)
  assert.equal(sources.length, before + 2)
})

test('where nothing comes any more, not even a beat, it is lost, and opened again', async t => {
  const { stream, told, latest, sources, pass } = rig(t)
  stream.open()
  latest().say('open')
  for (let i = 0; i < 10; i++) {
    await pass(5000)
    latest().say(i % 2 ? 'beat' : 'news', 'news')
  }
  assert.equal(sources.length, 1)
  await pass(14_999)
  assert.ok(!told.includes('lost'))
  await pass(1)
  assert.equal(told.at(-1), 'lost')
  assert.equal(latest().closed, true)
  await pass(1000)
  assert.equal(sources.length, 2)
})

test('a connection that is never made is given up, too', async t => {
  const { stream, told, sources, pass } = rig(t)
  stream.open()
  await pass(15_000)
  await pass(1000)
  assert.deepEqual(told, ['lost'])
  assert.equal(sources.length, 2)
})

test('on a line so slow that an event takes longer, one waits longer, until beats come again', async t => {
  const { stream, told, latest, sources, pass } = rig(t)
  stream.open()
  await pass(15_000)
  await pass(1000)
  latest().say('open')
  await pass(29_999)
  latest().say('news', 'at last')
  assert.equal(sources.length, 2)
  latest().say('beat')
  await pass(15_000)
  assert.deepEqual(told, ['lost', 'opened', 'at last', 'lost'])
})

test('why it cannot be had is said', async t => {
  const { stream, told, latest } = rig(t, () => Promise.resolve(REFUSED))
  stream.open()
  latest().say('error')
  await setImmediate()
  assert.deepEqual(told, ['lost', 'No.'])
})

test('what does not answer at all is said to do so', async t => {
  const { stream, told, latest, pass } = rig(t, () => new Promise(() => {}))
  stream.open()
  latest().say('error')
  await pass(4999)
  assert.deepEqual(told, ['lost'])
  await pass(1)
  await setImmediate()
  assert.equal(told.at(-1), 'Silence.')
})

test('a reason that comes late is not that of the stream that is open since', async t => {
  const answers: ((problem: Problem) => void)[] = []
  const { stream, told, latest, pass } = rig(t, () => new Promise(resolve => void answers.push(resolve)))
  stream.open()
  latest().say('error')
  await pass(1000)
  latest().say('open')
  latest().say('news', 'one')
  answers[0]?.(REFUSED)
  await setImmediate()
  await pass(10_000)
  assert.deepEqual(told, ['lost', 'opened', 'one'])
})

test('once closed nothing is told, nor opened', async t => {
  const { stream, told, latest, sources, pass } = rig(t, () => Promise.resolve(REFUSED))
  stream.open()
  latest().say('error')
  stream.close()
  await setImmediate()
  await pass(60_000)
  assert.deepEqual(told, ['lost'])
  assert.equal(sources.length, 1)
})

test('it is tried again at once when somebody asks for that', t => {
  const { stream, latest, sources } = rig(t)
  stream.open()
  latest().say('error')
  stream.retry()
  assert.equal(sources.length, 2)
  assert.equal(sources[0]?.closed, true)
})
