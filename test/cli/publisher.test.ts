import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Publisher } from '../../src/cli/pub/publisher.ts'
import { PublishError } from '../../src/client/errors.ts'
import { NsqError } from '../../src/util/errors.ts'
import { FakeTarget } from './fake-target.ts'

const bodies = ['a', 'bc', 'def'].map(text => Buffer.from(text))

describe('Publisher', () => {
  test('counts what is acknowledged, without waiting for it', async () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, 50)
    publisher.publish('t', bodies)
    publisher.publish('u', bodies.slice(1))
    assert.deepEqual(target.batches, [
      { topic: 't', bodies: ['a', 'bc', 'def'], defer: 50 },
      { topic: 'u', bodies: ['bc', 'def'], defer: 50 },
    ])
    assert.deepEqual(publisher.acknowledged, { messages: 0, bytes: 0 })
    const finished = publisher.finish()
    target.acknowledge()
    target.acknowledge()
    await finished
    assert.deepEqual(publisher.acknowledged, { messages: 5, bytes: 11 })
    assert.deepEqual(publisher.failed, { messages: 0, bytes: 0 })
    assert.equal(publisher.error, undefined)
  })

  test('finishes at once when there was nothing', async () => {
    await new Publisher(new FakeTarget(), 0).finish()
  })

  test('keeps the first failure, and counts what was not acknowledged', async () => {
    const target = new FakeTarget()
    const publisher = new Publisher(target, 0)
    publisher.publish('t', bodies)
    publisher.publish('t', bodies)
    const cause = new NsqError('E_DISCONNECTED', 'gone')
    target.refuse(new PublishError(cause, 2))
    target.refuse(new Error('later'))
    await publisher.finish()
    assert.deepEqual(publisher.acknowledged, { messages: 1, bytes: 2 })
    assert.deepEqual(publisher.failed, { messages: 5, bytes: 10 })
    assert.match(String(publisher.error), /gone/)
  })
})
