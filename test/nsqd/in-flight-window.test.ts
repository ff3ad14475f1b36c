import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { InFlightWindow } from '../../src/nsqd/in-flight-window.ts'
import { seeded } from '../storage/random.ts'

const LARGEST = 128 * 1024

describe('InFlightWindow', () => {
  test('says who has a message, and where it lies', () => {
    const window = new InFlightWindow(100)
    window.add(7, 1000)
    window.add(8, 2000)
    assert.deepEqual(
      [99, 100, 101, 102].map(ordinal => window.ownerOf(ordinal)),
      [0, 7, 8, 0],
    )
    assert.deepEqual(
      [100, 101].map(ordinal => window.offsetOf(ordinal)),
      [1000, 2000],
    )
  })

  test('rises over what is settled, in whatever order', () => {
    const window = new InFlightWindow(0)
    for (let i = 0; i < 5; i++) window.add(1, i)
    window.settle(1)
    window.settle(2)
    assert.deepEqual([window.low, window.high], [0, 5])
    window.settle(0)
    assert.equal(window.low, 3)
    window.settle(4)
    assert.equal(window.low, 3)
    window.settle(3)
    assert.deepEqual([window.low, window.high], [5, 5])
    window.addSettled()
    assert.deepEqual([window.low, window.high], [6, 6])
    assert.equal(window.ownerOf(5), 0)
  })

  test('takes the largest of everything', () => {
    const ordinal = 2 ** 45
    const window = new InFlightWindow(ordinal)
    window.add(2 ** 32 - 1, 2 ** 32 - 1)
    assert.equal(window.ownerOf(ordinal), 2 ** 32 - 1)
    assert.equal(window.offsetOf(ordinal), 2 ** 32 - 1)
  })

  test('grows up to its limit, and says so', () => {
    const window = new InFlightWindow(5)
    for (let i = 0; i < LARGEST; i++) {
      assert.equal(window.isFull, false)
      window.add((i % 1000) + 1, i)
    }
    assert.equal(window.isFull, true)
    for (let i = 0; i < LARGEST; i++) {
      if (window.ownerOf(5 + i) !== (i % 1000) + 1 || window.offsetOf(5 + i) !== i) assert.fail(`${i}`)
    }
    window.settle(5)
    assert.equal(window.isFull, false)
    window.add(9, 9)
    assert.equal(window.ownerOf(5 + LARGEST), 9)
    assert.equal(window.ownerOf(5), 0)
  })

  test('begins anew', () => {
    const window = new InFlightWindow(0)
    for (let i = 0; i < 3000; i++) window.add(1, i)
    window.reset(1000)
    assert.deepEqual([window.low, window.high, window.ownerOf(1000), window.isFull], [1000, 1000, 0, false])
    window.add(2, 5)
    assert.equal(window.ownerOf(1000), 2)
  })

  test('does as a plain map would', t => {
    const random = seeded(text => t.diagnostic(text))
    const model = new Map<number, { owner: number; offset: number }>()
    let high = random.int(0, 10_000)
    let low = high
    const window = new InFlightWindow(high)
    for (let step = 0; step < 20_000; step++) {
      const what = random.fraction()
      if (what < 0.55 || model.size === 0) {
        if (random.chance(0.1)) {
          window.addSettled()
        } else {
          const message = { owner: random.int(1, 5), offset: random.int(0, 2 ** 32 - 1) }
          window.add(message.owner, message.offset)
          model.set(high, message)
        }
        high++
      } else if (what < 0.999) {
        const ordinal = random.pick(
          random.chance(0.5) ? [...model.keys()].slice(0, 5) : [...model.keys()].slice(-5),
        )
        window.settle(ordinal)
        model.delete(ordinal)
      } else {
        model.clear()
        high += random.int(0, 100)
        low = high
        window.reset(high)
      }
      while (low < high && !model.has(low)) low++
      assert.deepEqual([window.low, window.high], [low, high])
      const probe = random.int(low - 2, high + 2)
      assert.equal(window.ownerOf(probe), model.get(probe)?.owner ?? 0)
      const known = model.get(probe)
      if (known !== undefined) assert.equal(window.offsetOf(probe), known.offset)
    }
  })
})
