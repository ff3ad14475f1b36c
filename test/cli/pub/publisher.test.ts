import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Publisher, type PublishTarget } from '../../../src/cli/pub/publisher.ts'

/** Takes batches and answers when told to. */
class FakeTarget implements PublishTarget {
  readonly batches: { topic: string; bodies: string[]; defer: number | undefined }[] = []
  readonly #replies: { resolve: () => void; reject: (error: Error) => void }[] = []

  publishBatch(topic: string, bodies: Buffer[], { defer }: { defer?: number }): Promise<void> {
    this.batches.push({ topic, bodies: bodies.map(String), defer })
    return new Promise((resolve, reject) => this.#replies.push({ resolve, reject }))
  }

  acknowledge(): Promise<void> {
    this.#replies.shift()?.resolve()
    return new Promise(resolve => setImmediate(resolve))
  }

  refuse(error: Error): Promise<void> {
    this.#replies.shift()?.reject(error)
    return new Promise(resolve => setImmediate(resolve))
  }
}

describe('Publisher', () => {
  test('sends at once when idle, and fills a batch while another is on its way', async () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, { deferMs: 0 })
    publisher.add('t', Buffer.from('a'))
    publisher.flush()
    publisher.add('t', Buffer.from('b'))
    publisher.flush()
    publisher.add('t', Buffer.from('c'))
    publisher.flush()
    assert.deepEqual(target.batches.map(({ bodies }) => bodies), [['a']])
    await target.acknowledge()
    assert.deepEqual(target.batches.map(({ bodies }) => bodies), [['a'], ['b', 'c']])
    const finished = publisher.finish()
    await target.acknowledge()
    await finished
    assert.deepEqual(publisher.acknowledged, { messages: 3, bytes: 3 })
  })

  test('cuts batches by count, by bytes and by topic, and passes the delay on', () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, { deferMs: 50, maxBatchMessages: 2, maxBatchBytes: 4 })
    for (const [topic, body] of [
      ['t', 'a'],
      ['t', 'b'],
      ['t', 'abcd'],
      ['t', 'c'],
      ['u', 'd'],
    ] as const) {
      publisher.add(topic, Buffer.from(body))
    }
    void publisher.finish()
    assert.deepEqual(target.batches, [
      { topic: 't', bodies: ['a', 'b'], defer: 50 },
      { topic: 't', bodies: ['abcd'], defer: 50 },
      { topic: 't', bodies: ['c'], defer: 50 },
      { topic: 'u', bodies: ['d'], defer: 50 },
    ])
  })

  test('is full while too many bytes are unacknowledged', async () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, { deferMs: 0, maxBatchBytes: 2, maxUnacknowledgedBytes: 4 })
    publisher.add('t', Buffer.from('ab'))
    assert.equal(publisher.isFull, false)
    publisher.add('t', Buffer.from('cd'))
    assert.equal(publisher.isFull, true)
    let hasRoom = false
    const room = publisher.room().then(() => (hasRoom = true))
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(hasRoom, false)
    await target.acknowledge()
    await room
    assert.equal(publisher.isFull, false)
  })

  test('after a failure counts what was not acknowledged and sends no more', async () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, { deferMs: 0, maxBatchMessages: 2, maxUnacknowledgedBytes: 1 })
    for (const body of ['a', 'b', 'c', 'd', 'e']) publisher.add('t', Buffer.from(body))
    const room = publisher.room()
    await target.refuse(new Error('no'))
    await room
    const finished = publisher.finish()
    await target.acknowledge()
    await finished
    assert.equal(target.batches.length, 2)
    assert.deepEqual(publisher.acknowledged, { messages: 2, bytes: 2 })
    assert.deepEqual(publisher.failed, { messages: 3, bytes: 3 })
    assert.match(String(publisher.error), /no/)
  })
})
