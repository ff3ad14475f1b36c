import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import { Delivery, type DeliverySource } from '../../../src/client/consumer/delivery.ts'
import { InHand } from '../../../src/client/consumer/in-hand.ts'
import { MESSAGE_HEADER } from '../../../src/protocol/message.ts'

const TIMEOUT = 60_000
const PERIOD = TIMEOUT / 4

afterEach(() => mock.timers.reset())

class Rig {
  readonly touched: Delivery[] = []
  readonly expired: Delivery[] = []
  readonly inHand: InHand

  constructor({ touches = true, max = 900_000 } = {}) {
    mock.timers.enable({ apis: ['setInterval'] })
    this.inHand = new InHand({ msg_timeout: TIMEOUT, max_msg_timeout: max }, touches, {
      touch: delivery => {
        this.touched.push(delivery)
        this.inHand.touched(delivery)
      },
      expired: deliveries => {
        this.expired.push(...deliveries)
        for (const delivery of deliveries) this.inHand.remove(delivery)
      },
    })
  }

  add(isSeen = true): Delivery {
    const delivery = new Delivery(SOURCE, Buffer.alloc(MESSAGE_HEADER), 0, MESSAGE_HEADER)
    delivery.isSeen = isSeen
    this.inHand.add(delivery)
    return delivery
  }

  /** The times at which something was touched in the next `ms`. */
  touchesIn(ms: number): number[] {
    const times: number[] = []
    for (let at = 1000; at <= ms; at += 1000) {
      const before = this.touched.length
      mock.timers.tick(1000)
      if (this.touched.length > before) times.push(at)
    }
    return times
  }
}

const SOURCE: DeliverySource = {
  topic: 't',
  nsqd: 'n',
  finish() {},
  requeue() {},
  touch() {},
  supersede() {},
}

test('what is answered in good time is never touched', () => {
  const rig = new Rig()
  for (let i = 0; i < 10; i++) {
    const delivery = rig.add()
    mock.timers.tick(PERIOD)
    rig.inHand.remove(delivery)
  }
  assert.deepEqual(rig.touched, [])
})

test('a slow message is touched well before its timeout, again and again', () => {
  const rig = new Rig()
  mock.timers.tick(PERIOD / 3)
  rig.add()
  const times = rig.touchesIn(10 * TIMEOUT)
  let last = 0
  for (const time of times) {
    assert.ok(time - last <= TIMEOUT / 2, `${last} to ${time}`)
    last = time
  }
  assert.ok(times.length >= 15)
})

test('all that wait are touched, not only the one at hand; who was touched by hand is left alone', () => {
  const rig = new Rig()
  const waiting = [rig.add(false), rig.add(false), rig.add()]
  mock.timers.tick(PERIOD)
  const [first] = waiting
  assert.ok(first)
  rig.inHand.touched(first)
  mock.timers.tick(PERIOD)
  assert.deepEqual(rig.touched, waiting.slice(1))
})

test('touching ends where it no longer helps: at max_msg_timeout', () => {
  const rig = new Rig({ max: 4 * TIMEOUT })
  rig.add()
  const times = rig.touchesIn(20 * TIMEOUT)
  const last = times.at(-1) ?? 0
  assert.ok(last >= 2.5 * TIMEOUT && last <= 3.5 * TIMEOUT, times.join())
})

test('with max_msg_timeout no longer than msg_timeout nothing is touched', () => {
  const rig = new Rig({ max: TIMEOUT })
  rig.add()
  assert.deepEqual(rig.touchesIn(3 * TIMEOUT), [])
})

test('without touching, what nobody has seen in its time is let go, and what somebody has is kept', () => {
  const rig = new Rig({ touches: false })
  const [unseen, seen] = [rig.add(false), rig.add()]
  mock.timers.tick(TIMEOUT)
  assert.deepEqual(rig.expired, [])
  mock.timers.tick(TIMEOUT)
  assert.deepEqual(rig.expired, [unseen])
  assert.deepEqual([...rig.inHand], [seen])
})

test('what nobody has seen is let go after max_msg_timeout, too', () => {
  const rig = new Rig({ max: 3 * TIMEOUT })
  const unseen = rig.add(false)
  mock.timers.tick(3 * TIMEOUT)
  assert.deepEqual(rig.expired, [])
  mock.timers.tick(TIMEOUT)
  assert.deepEqual(rig.expired, [unseen])
})

test('removes from any place, also while it is gone through', () => {
  const rig = new Rig()
  const all = [rig.add(), rig.add(), rig.add(), rig.add()]
  const [a, b, c, d] = all
  assert.ok(a && b && c && d)
  rig.inHand.remove(b)
  assert.deepEqual([...rig.inHand], [a, c, d])
  rig.inHand.remove(d)
  rig.inHand.add(b)
  assert.deepEqual([...rig.inHand], [a, c, b])
  for (const delivery of rig.inHand) rig.inHand.remove(delivery)
  assert.deepEqual([...rig.inHand], [])
  rig.inHand.add(d)
  assert.deepEqual([...rig.inHand], [d])
})

test('a timeout of years is no timer that goes off all the time', () => {
  const set = mock.method(globalThis, 'setInterval')
  const year = 365 * 86_400_000
  const timeouts = { msg_timeout: 10 * year, max_msg_timeout: 100 * year }
  new InHand(timeouts, true, { touch() {}, expired() {} }).stop()
  set.mock.restore()
  assert.equal(set.mock.calls[0]?.arguments[1], 2 ** 31 - 1)
})
