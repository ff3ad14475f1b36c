import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Held, HeldMessages } from '../../src/nsqd/held-messages.ts'
import { messageKey } from '../../src/nsqd/in-flight.ts'
import type { Session } from '../../src/nsqd/session.ts'
import { HELD_LENGTH } from '../../src/storage/held-records.ts'
import { Segment } from '../../src/storage/segment.ts'
import { type Random, seeded } from '../storage/random.ts'

const SEGMENT = new Segment(1, 0, undefined)

/** Stands for a session: held messages only carry it about. */
function fakeSession(): Session {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing of it is used
  return {} as Session
}

function held(key: number, state: Held['state'] = 'ready', when = 0): Held {
  return {
    key,
    segment: SEGMENT,
    offset: 0,
    attempts: 0,
    state,
    session: state === 'inFlight' ? fakeSession() : undefined,
    when,
    deliveredAt: 0,
    since: 0,
    record: undefined,
    heapIndex: -1,
    slot: -1,
  }
}

describe('HeldMessages', () => {
  test('gives ready messages in the order in which they became so', () => {
    const messages = new HeldMessages()
    const [a, b, c] = [held(1), held(2, 'deferred', 50), held(3)]
    for (const message of [a, b, c]) messages.add(message)
    assert.deepEqual([messages.readyCount, messages.deferredCount, messages.size], [2, 1, 3])
    messages.move(b, 'ready', 0)
    const order: number[] = []
    for (let next = messages.nextReady(); next !== undefined; next = messages.nextReady()) {
      order.push(next.key)
      messages.remove(next)
    }
    assert.deepEqual(order, [1, 3, 2])
    assert.deepEqual([messages.readyCount, messages.deferredCount, messages.size], [0, 0, 0])
  })

  test('forgets who had a message once it is no longer in flight', () => {
    const messages = new HeldMessages()
    const message = held(1, 'inFlight', 10)
    messages.add(message)
    assert.ok(message.session)
    messages.move(message, 'inFlight', 20)
    assert.ok(message.session)
    messages.move(message, 'ready', 0)
    assert.equal(message.session, undefined)
  })

  test('tells the nearest time, and whose it is once it has come', () => {
    const messages = new HeldMessages()
    assert.equal(messages.nextWhen, undefined)
    messages.add(held(1, 'deferred', 30))
    messages.add(held(2, 'inFlight', 20))
    messages.add(held(3, 'deferred', 40))
    assert.equal(messages.nextWhen, 20)
    assert.equal(messages.firstDue(19), undefined)
    assert.equal(messages.firstDue(20)?.key, 2)
    messages.clear()
    assert.deepEqual([messages.nextWhen, messages.size, messages.deferredCount], [undefined, 0, 0])
  })

  test('the first of a kind are found without looking at all that are held', () => {
    const messages = new HeldMessages()
    let reads = 0
    const add = (key: number, state: Held['state'], when: number): void => {
      const message = held(key, state)
      Object.defineProperty(message, 'when', { get: () => (reads++, when) })
      messages.add(message)
    }
    const count = 10_000
    for (let i = 0; i < count; i++) add(i, 'inFlight', i)
    for (let i = 0; i < count; i++) add(count + i, 'deferred', count + i)
    reads = 0
    assert.deepEqual(keys(messages.firstInFlight(3)), [0, 1, 2])
    assert.deepEqual(keys(messages.firstDeferred(3)), [count, count + 1, count + 2])
    assert.ok(reads < 200, `${reads} looked at`)
    assert.deepEqual(messages.firstInFlight(0), [])
  })

  test('does as plain lists would', t => {
    const random = seeded(text => t.diagnostic(text))
    const messages = new HeldMessages()
    const all = new Map<number, Held>()
    let ready: Held[] = []
    let key = 0
    for (let step = 0; step < 10_000; step++) {
      const what = random.fraction()
      if (what < 0.35) {
        const message = held(++key, random.pick(['ready', 'deferred', 'inFlight']), random.int(1, 1000))
        messages.add(message)
        all.set(message.key, message)
        if (message.state === 'ready') ready.push(message)
      } else if (what < 0.999) {
        // A ready message leaves from the head of the row only.
        const message = random.chance(0.4) ? ready[0] : waiting(random, all)
        if (message !== undefined) {
          if (message.state === 'ready') ready.shift()
          if (random.chance(0.4)) {
            messages.remove(message)
            all.delete(message.key)
          } else {
            messages.move(message, random.pick(['ready', 'deferred', 'inFlight']), random.int(1, 1000))
            if (message.state === 'ready') ready.push(message)
          }
        }
      } else {
        messages.clear()
        all.clear()
        ready = []
      }
      const values = [...all.values()]
      const waits = values.filter(({ state }) => state !== 'ready').map(({ when }) => when)
      assert.deepEqual(
        [messages.size, messages.readyCount, messages.deferredCount],
        [values.length, ready.length, values.filter(({ state }) => state === 'deferred').length],
      )
      assert.equal(messages.nextWhen, waits.length === 0 ? undefined : Math.min(...waits))
      assert.equal(messages.nextReady(), ready[0])
      const due = random.int(0, 1000)
      assert.equal(messages.firstDue(due)?.when, Math.min(...waits) <= due ? Math.min(...waits) : undefined)
      if (step % 100 === 0) assert.deepEqual(recorded(messages), expected(all))
      const probe = random.int(0, key)
      assert.equal(messages.get(probe), all.get(probe))
    }
    assert.deepEqual([...messages.values()], [...all.values()])
    assert.deepEqual(recorded(messages), expected(all))
    assert.equal(messages.countOf(SEGMENT), all.size)
  })
})

/** What the records for a checkpoint say: key, attempts, due. */
function recorded({ records }: HeldMessages): number[][] {
  const all: number[][] = []
  for (let at = 0; at < records.length; at += HELD_LENGTH) {
    const key = messageKey(records.readUInt32BE(at), records.readUInt32BE(at + 4))
    all.push([key, records.readUInt32BE(at + 16), records.readDoubleBE(at + 20)])
  }
  return all.toSorted(([a = 0], [b = 0]) => a - b)
}

function expected(all: ReadonlyMap<number, Held>): number[][] {
  return [...all.values()]
    .toSorted((a, b) => a.key - b.key)
    .map(({ key, attempts, state, when }) => [key, attempts, state === 'deferred' ? when : 0])
}

function keys(some: readonly Held[]): number[] {
  return some.map(({ key }) => key)
}

function waiting(random: Random, all: ReadonlyMap<number, Held>): Held | undefined {
  const candidates = [...all.values()].filter(({ state }) => state !== 'ready')
  return candidates.length === 0 ? undefined : random.pick(candidates)
}
