import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Link, type LinkHandler } from '../../../src/client/connection/link.ts'
import { NsqError } from '../../../src/util/errors.ts'

const OPTIONS = { reconnectDelayMs: 100, maxReconnectDelayMs: 1000 }
const FAILURE = new NsqError('E_CONNECT', 'no')

afterEach(() => mock.timers.reset())

class Handler implements LinkHandler {
  attempts = 0
  fails = true
  maxAttempts = Number.POSITIVE_INFINITY
  readonly signals: AbortSignal[] = []
  async connect(signal: AbortSignal): Promise<void> {
    this.attempts++
    this.signals.push(signal)
    await setImmediate()
    if (this.fails) throw FAILURE
  }
  down(_: NsqError, failedAttempts: number): boolean {
    return failedAttempts < this.maxAttempts
  }
}

/** Milliseconds until the next attempt. */
async function nextAttempt(handler: Handler): Promise<number> {
  const before = handler.attempts
  for (let ms = 0; ms <= 2000; ms += 5) {
    if (handler.attempts > before) return ms
    mock.timers.tick(5)
    await setImmediate()
    await setImmediate()
  }
  return Number.POSITIVE_INFINITY
}

test('waits double up to the longest, and are never regular', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const handler = new Handler()
  const link = new Link(handler, OPTIONS)
  link.start()
  await assert.rejects(link.outcome(), FAILURE)
  for (const full of [100, 200, 400, 800, 1000, 1000]) {
    const ms = await nextAttempt(handler)
    assert.ok(ms >= full / 2 && ms <= full + 10, `${ms} of ${full}`)
  }
  link.stop(new NsqError('E_CLOSED', 'closed'))
  assert.equal(await nextAttempt(handler), Number.POSITIVE_INFINITY)
  await assert.rejects(link.outcome(), { code: 'E_CLOSED' })
})

test('a connection that does not last makes the waits grow as well', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const handler = new Handler()
  handler.fails = false
  const link = new Link(handler, OPTIONS)
  link.start()
  const waits: number[] = []
  for (let i = 0; i < 4; i++) {
    await link.outcome()
    assert.equal(link.state, 'up')
    link.lost(FAILURE)
    waits.push(await nextAttempt(handler))
  }
  assert.ok((waits[3] ?? 0) >= 400, waits.join())
})

test('gives up when the handler says so, and can be started again', async () => {
  mock.timers.enable({ apis: ['setTimeout'] })
  const handler = new Handler()
  handler.maxAttempts = 2
  const link = new Link(handler, OPTIONS)
  link.start()
  await nextAttempt(handler)
  assert.equal(await nextAttempt(handler), Number.POSITIVE_INFINITY)
  assert.equal(link.state, 'idle')
  handler.fails = false
  link.start()
  await link.outcome()
  assert.equal(link.state, 'up')
})

test('an attempt under way when it is stopped is told that nobody wants it', async () => {
  const handler = new Handler()
  handler.fails = false
  const link = new Link(handler, OPTIONS)
  link.start()
  const outcome = link.outcome()
  link.stop(new NsqError('E_CLOSED', 'closed'))
  await assert.rejects(outcome, { code: 'E_CLOSED' })
  assert.equal(handler.signals[0]?.aborted, true)
  await setImmediate()
  assert.equal(link.state, 'stopped')
})
