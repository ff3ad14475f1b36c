import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BlockPool, CHUNK } from '../../src/storage/block-pool.ts'

/** Lends things that come back when they are told to. */
class Loans {
  #isBack: { value: boolean }[] = []

  lent(): () => boolean {
    const loan = { value: false }
    this.#isBack.push(loan)
    return () => loan.value
  }

  /** What was lent first comes back; or another. */
  comeBack(which = 0): void {
    for (const loan of this.#isBack.splice(which, 1)) loan.value = true
  }
}

test('a chunk is used again when what was lent is back, and not in the turn in which it was given back', () => {
  const loans = new Loans()
  const pool = new BlockPool(loans)
  const chunk = pool.take(CHUNK)
  pool.giveBack(chunk)
  assert.notEqual(pool.take(CHUNK), chunk)
  pool.endTurn()
  assert.notEqual(pool.take(CHUNK), chunk)
  loans.comeBack()
  assert.notEqual(pool.take(CHUNK), chunk)
  pool.endTurn()
  assert.equal(pool.take(CHUNK), chunk)
  assert.notEqual(pool.take(CHUNK), chunk)
})

test('what is back is not kept from use by what is not', () => {
  const loans = new Loans()
  const pool = new BlockPool(loans)
  const [first, second] = [pool.take(CHUNK), pool.take(CHUNK)]
  pool.giveBack(first)
  pool.endTurn()
  pool.giveBack(second)
  pool.endTurn()
  loans.comeBack(1)
  pool.endTurn()
  assert.equal(pool.take(CHUNK), second)
  assert.notEqual(pool.take(CHUNK), first)
})

test('blocks of other lengths are not kept', () => {
  const loans = new Loans()
  const pool = new BlockPool(loans)
  for (const length of [16 * 1024, CHUNK - 1, CHUNK + 1]) {
    const chunk = pool.take(length)
    assert.equal(chunk.length, length)
    pool.giveBack(chunk)
    pool.endTurn()
    loans.comeBack()
    pool.endTurn()
    assert.notEqual(pool.take(length), chunk)
  }
})

test('only some are kept, though nothing of them comes back for many turns', () => {
  const loans = new Loans()
  const pool = new BlockPool(loans)
  const chunks = Array.from({ length: 40 }, () => pool.take(CHUNK))
  for (const [i, chunk] of chunks.entries()) {
    pool.giveBack(chunk)
    if (i % 4 === 3) pool.endTurn()
  }
  for (let i = 0; i < 10; i++) loans.comeBack()
  pool.endTurn()
  const again = Array.from({ length: 40 }, () => pool.take(CHUNK)).filter(chunk => chunks.includes(chunk))
  assert.deepEqual(new Set(again), new Set(chunks.slice(0, 16)))
  // There is room for others now.
  const [other] = chunks.slice(-1)
  assert.ok(other !== undefined)
  pool.giveBack(other)
  pool.endTurn()
  loans.comeBack()
  pool.endTurn()
  assert.equal(pool.take(CHUNK), other)
})
