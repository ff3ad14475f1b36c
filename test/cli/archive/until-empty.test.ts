import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Backlog } from '../../../src/cli/archive/backlog.ts'
import { type Emptied, type Emptying, untilEmpty } from '../../../src/cli/archive/until-empty.ts'
import { EMPTY } from './fixtures.ts'
import { until } from '../../support/wait.ts'

class Source implements Emptying {
  taken = 0
  inHand = 0
  backlog = EMPTY
  looks = 0
  onLook = (): void => {}

  async flush(): Promise<void> {
    this.inHand = 0
  }

  async look(): Promise<Backlog> {
    this.looks++
    this.onLook()
    return this.backlog
  }
}

/** At a pace for tests. */
function run(source: Source, patience = 5): Promise<Emptied> {
  return untilEmpty(source, new AbortController().signal, { quiet: 10, patience, tick: 1, look: 1 })
}

test('what is in hand is flushed, and a channel that nothing waits in is empty', async () => {
  const source = new Source()
  source.inHand = 3
  assert.deepEqual(await run(source), { isVoid: true, left: [] })
  assert.equal(source.inHand, 0)
})

test('it is not empty while something waits, or comes', async () => {
  const source = new Source()
  source.backlog = { ...EMPTY, depth: 1, flowing: 1, isVoid: false }
  const emptied = run(source)
  await until(() => source.looks > 3)
  source.onLook = () => source.taken++
  source.backlog = EMPTY
  const { looks } = source
  await until(() => source.looks > looks + 3)
  source.onLook = () => {}
  assert.deepEqual(await emptied, { isVoid: true, left: [] })
})

test('where nobody can be asked, each connection has its turn first', async () => {
  const source = new Source()
  source.backlog = { ...EMPTY, isVoid: false, roundMs: 3_600_000 }
  const emptied = run(source)
  await until(() => source.looks > 3)
  // Another nsqd's turn: now it can be asked.
  source.taken++
  source.backlog = EMPTY
  assert.deepEqual(await emptied, { isVoid: true, left: [] })
})

test('what is paused does not come, but what is not paused comes first', async () => {
  const source = new Source()
  source.backlog = { ...EMPTY, depth: 5, flowing: 2, isVoid: false, paused: ['paused at a'] }
  const emptied = run(source)
  await until(() => source.looks > 3)
  source.backlog = { ...EMPTY, depth: 3, isVoid: false, paused: ['paused at a'] }
  assert.deepEqual(await emptied, { isVoid: false, left: ['paused at a'] })
})

test('what is out of reach has some time to come back', async () => {
  const source = new Source()
  source.backlog = { ...EMPTY, isVoid: false, outOfReach: ['nsqd a'] }
  const patient = run(source, 1e9)
  await until(() => source.looks > 3)
  source.backlog = EMPTY
  assert.deepEqual((await patient).left, [])
  source.backlog = { ...EMPTY, isVoid: false, outOfReach: ['nsqd a'] }
  assert.deepEqual(await run(source), { isVoid: false, left: ['nsqd a'] })
})

test('what is on its way has some time to come', async () => {
  const source = new Source()
  source.backlog = { ...EMPTY, inFlight: 2, isVoid: false }
  const patient = run(source, 1e9)
  await until(() => source.looks > 3)
  source.taken += 2
  source.backlog = EMPTY
  assert.deepEqual(await patient, { isVoid: true, left: [] })
  // It is another consumer's.
  source.backlog = { ...EMPTY, inFlight: 2, isVoid: false }
  assert.deepEqual(await run(source), { isVoid: false, left: [] })
})

test('it ends with its signal', async () => {
  const stop = new AbortController()
  const source = new Source()
  source.backlog = { ...EMPTY, depth: 1, flowing: 1 }
  const emptied = untilEmpty(source, stop.signal)
  stop.abort()
  assert.deepEqual(await emptied, { isVoid: false, left: [] })
})
