import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { Backoff } from '../../../src/client/consumer/backoff.ts'

afterEach(() => mock.timers.reset())

function setUp(maxMs: number): { backoff: Backoff; calls: string[] } {
  mock.timers.enable({ apis: ['setTimeout'] })
  const calls: string[] = []
  const backoff = new Backoff(
    { multiplierMs: 1000, maxMs },
    {
      pause: () => calls.push('pause'),
      probe: () => calls.push('probe'),
      resume: () => calls.push('resume'),
    },
  )
  return { backoff, calls }
}

test('a window of failures is one step, and what is finished meanwhile counts for nothing', () => {
  const { backoff, calls } = setUp(60_000)
  backoff.requeued()
  backoff.requeued()
  backoff.finished()
  assert.deepEqual(calls, ['pause'])
  mock.timers.tick(1999)
  assert.deepEqual(calls, ['pause'])
  mock.timers.tick(1)
  assert.deepEqual(calls, ['pause', 'probe'])
  backoff.finished()
  assert.deepEqual(calls, ['pause', 'probe', 'resume'])
})

test('each failed probe doubles the wait up to the longest, each good one goes a step back', () => {
  const { backoff, calls } = setUp(5000)
  const waits: number[] = []
  const wait = (): void => {
    const before = calls.length
    for (let ms = 1; calls.length === before; ms++) {
      mock.timers.tick(1)
      if (calls.length > before) waits.push(ms)
    }
  }
  for (let i = 0; i < 5; i++) {
    backoff.requeued()
    wait()
  }
  assert.deepEqual(waits, [2000, 4000, 5000, 5000, 5000])
  waits.length = 0
  backoff.finished()
  wait()
  backoff.finished()
  wait()
  backoff.finished()
  assert.deepEqual(waits, [4000, 2000])
  assert.equal(calls.at(-1), 'resume')
})

test('0 turns it off', () => {
  const { backoff, calls } = setUp(0)
  backoff.requeued()
  assert.deepEqual(calls, [])
})

test('after stop nothing is waited for any more, whatever is answered', () => {
  const { backoff, calls } = setUp(60_000)
  backoff.requeued()
  mock.timers.tick(2000)
  backoff.requeued()
  mock.timers.tick(4000)
  calls.length = 0
  backoff.stop()
  backoff.finished()
  backoff.requeued()
  mock.timers.tick(60_000)
  assert.deepEqual(calls, [])
})
