import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endSessions } from '../../src/nsqd/shutdown.ts'
import { until } from '../support/wait.ts'

const UNHURRIED = 3_600_000

/** Notes with how many messages in hand it was ended, and goes as soon as it has none then. */
class FakeSession {
  inFlightCount: number
  readonly ends: number[] = []
  readonly #all: Set<FakeSession>

  constructor(all: Set<FakeSession>, inFlightCount: number) {
    this.inFlightCount = inFlightCount
    this.#all = all
    all.add(this)
  }

  end(): void {
    this.ends.push(this.inFlightCount)
    if (this.inFlightCount === 0) this.#all.delete(this)
  }
}

describe('endSessions', () => {
  test('ends each when it has nothing in hand, and then resolves', async () => {
    const all = new Set<FakeSession>()
    const [idle, first, second] = [0, 1, 2].map(count => new FakeSession(all, count))
    assert.ok(idle && first && second)
    const ending = endSessions(all, UNHURRIED)
    assert.deepEqual([idle.ends, first.ends, second.ends], [[0], [], []])
    first.inFlightCount = 0
    await until(() => all.size === 1)
    assert.deepEqual([...all], [second])
    second.inFlightCount = 0
    assert.equal(await ending, 0)
    assert.deepEqual([first.ends, second.ends], [[0], [0]])
  })

  test('ends all at the deadline, and says how many messages were in hand', async () => {
    const all = new Set<FakeSession>()
    const slow = new FakeSession(all, 3)
    const stuck = new FakeSession(all, 4)
    const ending = endSessions(all, 20)
    await until(() => slow.ends.length > 0)
    assert.equal(slow.ends[0], 3)
    // What is answered at the last moment counts; the rest does not keep it for ever.
    slow.inFlightCount = 0
    assert.equal(await ending, 7)
    assert.deepEqual([...all], [stuck])
  })

  test('has nothing to wait for without sessions', async () => {
    assert.equal(await endSessions(new Set(), UNHURRIED), 0)
  })
})
