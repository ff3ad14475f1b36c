import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkPool, LARGEST_POOLED } from '../../src/protocol/chunk-pool.ts'

test('what was given back is used again, for what fits', () => {
  const pool = new ChunkPool()
  const [large, small] = [pool.take(60_000), pool.take(10_000)]
  assert.equal(large.length, LARGEST_POOLED)
  assert.ok(small.length >= 10_000 && small.length < 60_000)
  pool.giveBack(large)
  pool.giveBack(small)
  assert.notEqual(pool.take(16_385), small)
  assert.equal(pool.take(16_384), small)
  assert.notEqual(pool.take(16_384), small)
})

test('every length is met, and of what is given back not everything is kept', () => {
  const pool = new ChunkPool()
  for (const length of [1, 100, 8192, 8193, 16_384, 65_535, 65_536, 65_537, 1_000_000]) {
    const chunk = pool.take(length)
    assert.ok(chunk.length >= length)
    if (length > LARGEST_POOLED || length <= 8192) assert.equal(chunk.length, length)
    pool.giveBack(chunk)
    if (length > LARGEST_POOLED) assert.notEqual(pool.take(length), chunk)
  }
  const many = new Set(Array.from({ length: 100 }, () => pool.take(LARGEST_POOLED)))
  for (const chunk of many) pool.giveBack(chunk)
  const again = Array.from({ length: 100 }, () => pool.take(LARGEST_POOLED))
  assert.equal(again.filter(chunk => many.has(chunk)).length, 32)
})

test('other sizes are kept when they are asked for', () => {
  const pool = new ChunkPool([16_384, 1_048_576], 1)
  const chunk = pool.take(20_000)
  assert.equal(chunk.length, 1_048_576)
  const another = pool.take(20_000)
  pool.giveBack(chunk)
  pool.giveBack(another)
  assert.equal(pool.take(1_000_000), chunk)
  assert.notEqual(pool.take(1_000_000), another)
})
