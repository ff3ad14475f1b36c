import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Consumer } from '../../../src/client/consumer/consumer.ts'
import { ReadyCount, type ReadySlot, type ReadyTarget } from '../../../src/client/consumer/ready-count.ts'
import { FakeNsqd } from '../fake-nsqd.ts'
import { pause, until } from '../../support/wait.ts'

const ROTATE_MS = 1000
const MESSAGES = 60

afterEach(() => mock.timers.reset())

class Target implements ReadyTarget {
  readonly maxReady: number
  readonly sent: number[] = []
  constructor(maxReady = 2500) {
    this.maxReady = maxReady
  }
  get ready(): number {
    return this.sent.at(-1) ?? 0
  }
  sendReady(count: number): void {
    this.sent.push(count)
  }
}

function setUp(
  budget: number,
  connections: number,
  maxBytes?: number,
): { ready: ReadyCount; targets: Target[]; slots: ReadySlot[] } {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const ready = new ReadyCount(budget, ROTATE_MS, maxBytes)
  const targets = Array.from({ length: connections }, () => new Target())
  const slots = targets.map(target => ready.add(target))
  return { ready, targets, slots }
}

/** In small steps: a timer that is set during a tick counts from the tick's end. */
async function advance(ms: number): Promise<void> {
  for (let i = 0; i < ms; i += 10) {
    mock.timers.tick(Math.min(10, ms - i))
    await setImmediate()
  }
}

function counts(targets: Target[]): number[] {
  return targets.map(target => target.ready)
}

test('a connection that comes later gets its share when what is in transit has had time to arrive', async () => {
  const { targets } = setUp(200, 3)
  assert.deepEqual(counts(targets), [67, 0, 0])
  await advance(250)
  assert.deepEqual(counts(targets), [67, 67, 66])
  // Lowered for the second and the third; nothing is ever sent twice.
  assert.deepEqual(targets[0]?.sent, [200, 100, 67])
})

test('with too many bytes in flight nothing is asked for, until there are half as many', async () => {
  const { ready, targets, slots } = setUp(10, 2, 1000)
  await advance(250)
  assert.deepEqual(counts(targets), [5, 5])
  slots[0]?.received(600)
  slots[1]?.received(400)
  assert.deepEqual(counts(targets), [5, 5])
  slots[1]?.received(1)
  assert.deepEqual(counts(targets), [0, 0])
  // What backoff allows is not given before that.
  ready.setLimit(10)
  slots[1]?.answered(400)
  await advance(250)
  assert.deepEqual(counts(targets), [0, 0])
  slots[0]?.answered(600)
  await advance(250)
  assert.deepEqual(counts(targets), [5, 5])
  // Nor does a connection that is gone leave its bytes behind.
  slots[0]?.received(5000)
  assert.deepEqual(counts(targets), [0, 0])
  const [first] = slots
  if (first !== undefined) ready.remove(first)
  assert.equal(targets[1]?.ready, 10)
})

test('starved is who has 85 % of its RDY in flight, and anything at all', async () => {
  const { ready, slots, targets } = setUp(40, 2)
  await advance(250)
  assert.deepEqual(counts(targets), [20, 20])
  assert.equal(ready.isStarved, false)
  for (let i = 0; i < 16; i++) slots.forEach(slot => slot.received(1))
  assert.equal(ready.isStarved, false)
  slots[1]?.received(1)
  assert.equal(ready.isStarved, true)
  slots[1]?.answered(1)
  assert.equal(ready.isStarved, false)
  // Backoff: nothing comes, and what is in hand is what it waits for.
  ready.setLimit(0)
  assert.equal(ready.isStarved, true)
})

test('what is in flight counts against the budget until it is answered', async () => {
  const { ready, targets, slots } = setUp(4, 1)
  for (let i = 0; i < 4; i++) slots[0]?.received(1)
  const second = new Target()
  ready.add(second)
  await advance(10_000)
  assert.deepEqual([targets[0]?.ready, second.ready], [2, 0])
  slots[0]?.answered(1)
  await advance(1)
  assert.equal(second.ready, 1)
  slots[0]?.answered(1)
  slots[0]?.answered(1)
  await advance(1)
  assert.equal(second.ready, 2)
})

for (const order of ['first', 'last']) {
  test(`nobody gets more than max_rdy_count; the others get what it leaves: ${order}`, async () => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const ready = new ReadyCount(200, ROTATE_MS)
    const [small, large] = [new Target(10), new Target()]
    for (const target of order === 'first' ? [small, large] : [large, small]) ready.add(target)
    await advance(250)
    assert.deepEqual(counts([small, large]), [10, 190])
  })
}

test('with more connections than budget each gets its turn, also the idle ones', async () => {
  const { targets } = setUp(5, 20)
  const turns = targets.map(() => 0)
  await advance(ROTATE_MS - 1)
  for (let turn = 0; turn < 8; turn++) {
    await advance(ROTATE_MS)
    const now = counts(targets)
    assert.ok(now.reduce((sum, count) => sum + count) <= 5)
    for (const [index, count] of now.entries()) turns[index] = (turns[index] ?? 0) + count
  }
  assert.ok(
    turns.every(count => count >= 1),
    turns.join(),
  )
})

test('with a limit of 0 nobody gets anything, whatever is answered', async () => {
  const { ready, targets, slots } = setUp(6, 2)
  await advance(250)
  slots[0]?.received(1)
  ready.setLimit(0)
  slots[0]?.answered(1)
  await advance(1000)
  assert.deepEqual(counts(targets), [0, 0])
  ready.setLimit(1)
  assert.deepEqual(counts(targets), [1, 0])
  await advance(ROTATE_MS + 250)
  assert.deepEqual(counts(targets), [0, 1])
  ready.setLimit(6)
  await advance(250)
  assert.deepEqual(counts(targets), [3, 3])
})

test('what a connection had goes to the others when it is gone', async () => {
  const { ready, targets, slots } = setUp(6, 2)
  await advance(250)
  const [first] = slots
  assert.ok(first)
  first.received(1)
  ready.remove(first)
  assert.equal(targets[1]?.ready, 6)
})

for (const nsqds of [1, 3, 20]) {
  for (const maxInFlight of [5, 200]) {
    test(`${nsqds} nsqds, maxInFlight ${maxInFlight}: nobody starves, nsqd never has more in flight`, async () => {
      const fakes = await Promise.all(Array.from({ length: nsqds }, () => FakeNsqd.start()))
      let most = 0
      for (const fake of fakes) {
        fake.inFlightChanged = () => {
          most = Math.max(
            most,
            fakes.reduce((sum, { inFlight }) => sum + inFlight, 0),
          )
        }
        fake.queue(...Array.from({ length: MESSAGES }, (_, i) => String(i)))
      }
      const consumer = new Consumer({
        topic: 't',
        channel: 'c',
        nsqd: fakes.map(fake => fake.address),
        maxInFlight,
        concurrency: maxInFlight,
        rotateMs: 500,
        handler: () => pause(Math.random() * 2),
      })
      await consumer.start()
      await until(() => fakes.every(fake => fake.finished.length > 0))
      await until(() => fakes.every(fake => fake.finished.length === MESSAGES))
      await consumer.close()
      assert.ok(most <= maxInFlight, `${most} in flight`)
      assert.ok(most > 0)
      await Promise.all(fakes.map(fake => fake.close()))
    })
  }
}
