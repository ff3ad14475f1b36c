import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Block } from '../../src/storage/block.ts'
import { Segment } from '../../src/storage/segment.ts'

test('a block covers what is committed in it, of its own segment', () => {
  const segment = new Segment(1, 0, undefined)
  const block = new Block(segment, 100, 5, Buffer.alloc(50), 20)
  assert.deepEqual(
    [99, 100, 119, 120].map(offset => block.covers(segment, offset)),
    [false, true, true, false],
  )
  assert.equal(block.covers(new Segment(2, 0, undefined), 100), false)
  block.length = 30
  assert.equal(block.covers(segment, 120), false)
  block.committed = 30
  assert.equal(block.covers(segment, 120), true)
})
