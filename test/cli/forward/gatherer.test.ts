import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { type Batch, Gatherer, type GathererOptions } from '../../../src/cli/forward/gatherer.ts'
import { pause, until } from '../../support/wait.ts'
import { FakeMessage } from './fake-message.ts'

const gatherers: Gatherer[] = []
// Their timers would go on.
afterEach(() => gatherers.splice(0).forEach(gatherer => gatherer.take()))

/** Takes what is offered at once, as long as it is free. */
class Taker {
  isFree = true
  isStarved = false
  readonly batches: string[] = []
  readonly offers: Gatherer[] = []
  readonly gatherer: Gatherer

  constructor(options: Partial<GathererOptions> = {}) {
    this.gatherer = new Gatherer({
      topic: 't',
      messages: 3,
      bytes: 1000,
      waitMs: 3_600_000,
      taker: this,
      isStarved: () => this.isStarved,
      ...options,
    })
    gatherers.push(this.gatherer)
  }

  push({ messages }: Batch): void {
    this.batches.push(messages.map(({ body }) => body.toString()).join())
  }

  offer(gatherer: Gatherer): void {
    this.offers.push(gatherer)
    const batch = this.isFree ? gatherer.take() : undefined
    if (batch !== undefined) this.push(batch)
  }

  add(...bodies: string[]): void {
    for (const body of bodies) this.gatherer.add(new FakeMessage(body))
  }
}

test('a batch is cut when it has its messages', () => {
  const taker = new Taker()
  taker.add('1', '2', '3', '4')
  assert.deepEqual(taker.batches, ['1,2,3'])
  taker.add('5', '6')
  assert.deepEqual(taker.batches, ['1,2,3', '4,5,6'])
})

test('with one message in a request, each goes at once', () => {
  const taker = new Taker({ messages: 1 })
  taker.add('1', '2')
  assert.deepEqual(taker.batches, ['1', '2'])
})

test('a batch is cut before it has too many bytes, and a large message goes alone', () => {
  const taker = new Taker({ messages: 100, bytes: 10 })
  taker.add('1234', '1234', '5', '12345678901234', '6')
  assert.deepEqual(taker.batches, ['1234,1234', '5', '12345678901234'])
})

test('what has waited for long enough goes', async () => {
  const taker = new Taker({ waitMs: 1 })
  taker.add('1', '2')
  await until(() => taker.batches.length === 1)
  assert.deepEqual(taker.batches, ['1,2'])
})

test('what has waited while nobody was free grows on', async () => {
  const taker = new Taker({ waitMs: 1 })
  taker.isFree = false
  taker.add('1')
  await until(() => taker.offers.length === 1)
  taker.add('2')
  assert.deepEqual(
    taker.gatherer.take()?.messages.map(({ body }) => body.toString()),
    ['1', '2'],
  )
  assert.equal(taker.gatherer.take(), undefined)
})

test('what came in one turn goes when nsqd waits for it, and nothing is on its way', async () => {
  const taker = new Taker()
  taker.add('1')
  await turn()
  await turn()
  assert.deepEqual(taker.batches, [])
  taker.isStarved = true
  taker.add('2')
  assert.deepEqual(taker.batches, [])
  await until(() => taker.batches.length === 1)
  assert.deepEqual(taker.batches, ['1,2'])
  // Its answer will bring more.
  taker.add('3')
  await pause(5)
  assert.deepEqual(taker.batches, ['1,2'])
  taker.gatherer.settled()
  await until(() => taker.batches.length === 2)
})

test('a batch that was divided is answered when its parts are', async () => {
  const taker = new Taker()
  taker.isStarved = true
  taker.add('1', '2', '3', '4')
  taker.gatherer.settled(2)
  taker.gatherer.settled()
  await pause(5)
  assert.equal(taker.batches.length, 1)
  taker.gatherer.settled()
  await until(() => taker.batches.length === 2)
})

test('at the end nothing waits', () => {
  const taker = new Taker()
  taker.add('1')
  taker.gatherer.end()
  assert.deepEqual(taker.batches, ['1'])
  taker.add('2')
  assert.deepEqual(taker.batches, ['1', '2'])
})
