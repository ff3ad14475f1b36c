import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { inTime, SilenceWatch } from '../../../src/client/connection/timeouts.ts'

/** Holds the event loop up for longer than the timers of these tests: what is due is due together. */
function compute(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

describe('SilenceWatch', () => {
  test('gives up after twice the heartbeat interval and a second, once', t => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
    const given: number[] = []
    const watch = new SilenceWatch(silenceMs => given.push(silenceMs))
    watch.start(500)
    t.mock.timers.tick(1999)
    assert.deepEqual(given, [])
    t.mock.timers.tick(10_000)
    assert.deepEqual(given, [2000])
  })

  test('does not when it is stopped', t => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setImmediate'] })
    const watch = new SilenceWatch(() => assert.fail('gave up'))
    watch.start(500)
    watch.stop()
    watch.heard()
    t.mock.timers.tick(10_000)
  })

  test('does not when something was heard in the turn after', t => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const watch = new SilenceWatch(() => assert.fail('gave up'))
    watch.start(500)
    t.mock.timers.tick(2000)
    watch.heard()
    return turn()
  })
})

describe('inTime', () => {
  test('settles as what it waits for', async () => {
    assert.equal(await inTime(Promise.resolve('done'), 60_000, isLate), 'done')
    await assert.rejects(inTime(Promise.reject(new Error('failed')), 60_000, isLate), /failed/)
  })

  test('says so when it takes longer', async () => {
    const connection = new AbortController()
    const answer = new Promise((_, reject) => {
      connection.signal.addEventListener('abort', () => reject(new Error('too late')))
    })
    await assert.rejects(
      inTime(answer, 1, () => connection.abort()),
      /too late/,
    )
  })

  test('does not say so when the answer was there, and only the process was busy', async () => {
    const answer = turn('done')
    const done = inTime(answer, 1, isLate)
    compute(5)
    assert.equal(await done, 'done')
    await turn()
  })
})

function isLate(): void {
  assert.fail('late')
}
