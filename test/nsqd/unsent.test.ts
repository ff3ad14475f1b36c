import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Sender, Unsent } from '../../src/nsqd/unsent.ts'

test('nothing is lent while nothing waits', () => {
  assert.equal(new Unsent().lent()(), true)
})

/** A sender that was given some bytes and has sent less. */
class Fake {
  given: number
  sent: number

  constructor(given: number, sent: number) {
    this.given = given
    this.sent = sent
  }

  get pending(): number {
    return this.given - this.sent
  }
}

test('what waited is back when all of it has left, whatever comes later', () => {
  const unsent = new Unsent()
  const sender = new Fake(100, 20)
  unsent.update(sender)
  const isBack = unsent.lent()
  assert.equal(isBack(), false)
  sender.given = 500
  sender.sent = 99
  unsent.update(sender)
  assert.equal(isBack(), false)
  sender.sent = 100
  unsent.update(sender)
  assert.equal(isBack(), true)
  assert.equal(unsent.lent()(), false)
})

test('of several senders all must have sent, or be gone', () => {
  const unsent = new Unsent()
  const [one, other] = [new Fake(10, 0), new Fake(10, 0)]
  unsent.update(one)
  unsent.update(other)
  const isBack = unsent.lent()
  one.sent = 10
  unsent.update(one)
  assert.equal(isBack(), false)
  unsent.remove(other)
  assert.equal(isBack(), true)
})

test('while something is not back, not every sender is asked again', () => {
  const unsent = new Unsent()
  let asked = 0
  const counting: Sender = {
    given: 10,
    pending: 10,
    get sent() {
      asked++
      return 0
    },
  }
  for (let i = 0; i < 100; i++) unsent.update(Object.create(counting))
  const isBack = unsent.lent()
  for (let i = 0; i < 10; i++) assert.equal(isBack(), false)
  assert.equal(asked, 10)
})

test('who has sent everything and is given more has sent what it had before', () => {
  const unsent = new Unsent()
  const sender = new Fake(10, 0)
  unsent.update(sender)
  const isBack = unsent.lent()
  sender.sent = 10
  unsent.update(sender)
  sender.given = 30
  unsent.update(sender)
  assert.equal(isBack(), true)
})

test('with much that waits over all, each client has a smaller share', () => {
  const unsent = new Unsent()
  const share = unsent.share
  const senders = Array.from({ length: 70 }, () => new Fake(1024 * 1024, 0))
  for (const sender of senders) unsent.update(sender)
  assert.ok(unsent.isMuch && unsent.share < share)
  for (const sender of senders.slice(0, 40)) unsent.remove(sender)
  assert.ok(!unsent.isMuch)
  assert.equal(unsent.share, share)
})
