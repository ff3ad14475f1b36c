import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SegmentNumbers } from '../../src/nsqd/segment-numbers.ts'
import { MAX_SEGMENT } from '../../src/protocol/message-id.ts'
import { NsqError } from '../../src/util/errors.ts'

test('numbers rise, from the clock or from what was used', () => {
  const fresh = new SegmentNumbers(() => undefined)
  const first = fresh.next()
  // Seconds since 2025.
  assert.ok(first > 20_000_000)
  assert.equal(fresh.next(), first + 1)
  fresh.startFrom(5)
  assert.equal(fresh.next(), first + 2)
  fresh.startFrom(first + 1000)
  assert.equal(fresh.next(), first + 1000)
})

test('what is set aside is written down before it is used', () => {
  let written = 0
  let writes = 0
  const numbers = new SegmentNumbers(() => {
    written = numbers.reserve
    writes++
  })
  const first = numbers.next()
  assert.equal(writes, 0)
  numbers.use(first)
  for (let i = 0; i < 10_000; i++) {
    const number = numbers.next()
    numbers.use(number)
    assert.ok(number < written, `${number}`)
  }
  assert.ok(written < first + 20_000)
  assert.ok(writes < 5, `${writes}`)
})

test('what cannot be written down is not used', () => {
  let isFull = true
  const numbers = new SegmentNumbers(() => {
    if (isFull) throw new Error('full')
  })
  numbers.startFrom(2 ** 30)
  const number = numbers.next()
  for (let i = 0; i < 2; i++) assert.throws(() => numbers.use(number), /full/)
  // What was used before is still known.
  assert.equal(numbers.reserve, 2 ** 30)
  isFull = false
  numbers.use(number)
  assert.ok(numbers.reserve > number)
})

test('no more numbers are set aside than there are', () => {
  const numbers = new SegmentNumbers(() => undefined)
  numbers.startFrom(MAX_SEGMENT - 1)
  numbers.setAside()
  assert.equal(numbers.reserve, MAX_SEGMENT + 1)
})

test('used up numbers are an error', () => {
  const numbers = new SegmentNumbers(() => undefined)
  numbers.startFrom(MAX_SEGMENT)
  assert.equal(numbers.next(), MAX_SEGMENT)
  assert.throws(
    () => numbers.next(),
    error => error instanceof NsqError && error.code === 'E_IDS',
  )
})
