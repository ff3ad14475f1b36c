import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Patience } from '../../src/net/patience.ts'

describe('Patience', () => {
  test('ends a minute after the last step, counted from look to look', () => {
    const patience = new Patience()
    const looks = [1, 1, 2, 2, 2, 2].map(mark => patience.isOver(mark, 0, 20_000))
    assert.deepEqual(looks, [false, false, false, false, false, true])
  })

  test('is longer for what is long', () => {
    const patience = new Patience()
    const size = 64 * 60_000
    assert.deepEqual(
      [1, 2, 3].map(() => patience.isOver(0, size, 60_000)),
      [false, false, true],
    )
  })

  test('begins anew when nothing was asked of the other side meanwhile', () => {
    const patience = new Patience()
    assert.equal(patience.isOver(1, 0, 60_000), false)
    patience.rest()
    assert.equal(patience.isOver(1, 0, 60_000), false)
    assert.equal(patience.isOver(1, 0, 60_000), true)
  })
})
