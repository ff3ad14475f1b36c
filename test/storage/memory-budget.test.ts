import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Block } from '../../src/storage/block.ts'
import { type BlockOwner, MemoryBudget } from '../../src/storage/memory-budget.ts'
import { RecentBlocks } from '../../src/storage/recent-blocks.ts'
import { Segment } from '../../src/storage/segment.ts'
import { SegmentFile } from '../../src/storage/segment-file.ts'

class Owner implements BlockOwner {
  readonly evicted: Block[] = []
  readonly #spares: (block: Block) => boolean

  constructor(spares: (block: Block) => boolean = () => true) {
    this.#spares = spares
  }

  evict(block: Block): boolean {
    if (!this.#spares(block)) return false
    this.evicted.push(block)
    return true
  }
}

function block(length: number): Block {
  return new Block(new Segment(1, 0, undefined), 0, 0, Buffer.alloc(length))
}

/** Appends a message of 1,000 bytes. Gives the size of its block. */
function append(log: RecentBlocks | undefined, segment: Segment | undefined): number {
  assert.ok(log !== undefined && segment !== undefined)
  const room = log.room(segment, 1000)
  room.length = room.committed = room.length + 1000
  segment.append(1000)
  return room.bytes.length
}

describe('MemoryBudget', () => {
  test('lets the oldest blocks of any owner go when there is too much', () => {
    const budget = new MemoryBudget(100)
    const [a, b] = [new Owner(), new Owner()]
    const blocks = [block(40), block(40), block(20), block(50)] as const
    budget.add(a, blocks[0])
    budget.add(b, blocks[1])
    budget.add(a, blocks[2])
    assert.equal(budget.used, 100)
    assert.deepEqual([a.evicted, b.evicted], [[], []])
    budget.add(b, blocks[3])
    assert.equal(budget.used, 70)
    assert.deepEqual([a.evicted, b.evicted], [[blocks[0]], [blocks[1]]])
  })

  test('passes over what cannot be spared, and asks again', () => {
    const budget = new MemoryBudget(100)
    const blocks = [block(60), block(60), block(60)] as const
    const stubborn = new Owner(spared => spared !== blocks[0])
    budget.add(stubborn, blocks[0])
    budget.add(stubborn, blocks[1])
    budget.add(stubborn, blocks[2])
    assert.deepEqual(stubborn.evicted, [blocks[1]])
    assert.equal(budget.used, 120)
  })

  test('never lets go of the block that is being added', () => {
    const budget = new MemoryBudget(100)
    const owner = new Owner()
    const large = block(150)
    budget.add(owner, large)
    assert.deepEqual(owner.evicted, [])
    assert.equal(budget.used, 150)
    budget.add(owner, block(10))
    assert.deepEqual(owner.evicted, [large])
    assert.equal(budget.used, 10)
  })

  test('forgets a block that its owner has dropped', () => {
    const budget = new MemoryBudget(100)
    const owner = new Owner()
    const dropped = block(60)
    budget.add(owner, dropped)
    budget.remove(dropped)
    budget.remove(dropped)
    assert.equal(budget.used, 0)
    budget.add(owner, block(60))
    assert.deepEqual(owner.evicted, [])
  })

  test('shares half of its limit among those who read the disk', () => {
    const budget = new MemoryBudget(8 * 1024 * 1024)
    assert.equal(budget.readLength, 512 * 1024)
    budget.diskReaders = 8
    assert.equal(budget.readLength, 256 * 1024)
    budget.diskReaders = 1000
    assert.equal(budget.readLength, 64 * 1024)
  })

  test('gives many logs less at once, so that what each has begun stays in memory', () => {
    const budget = new MemoryBudget(8 * 1024 * 1024)
    assert.equal(budget.blockLength, 1024 * 1024)
    const logs = Array.from({ length: 256 }, () => new RecentBlocks(budget))
    const segments = logs.map((_, i) => new Segment(i + 1, 0, new SegmentFile('.', i + 1)))
    // In turns, as topics with a steady trickle: 30 KB each, of 32 KiB that there are.
    for (let round = 0; round < 30; round++) for (const [i, log] of logs.entries()) append(log, segments[i])
    assert.equal(budget.blockLength, 16 * 1024)
    assert.ok(budget.used <= budget.limit)
    assert.ok(logs.every(({ firstOrdinal }) => firstOrdinal === 0))
    const [alone, other, ...others] = logs
    for (const log of others) log.forget()
    for (let i = 0; i < 5000; i++) append(alone, segments[0])
    assert.equal(append(alone, segments[0]), 1024 * 1024)
    assert.ok(budget.used <= budget.limit)
    for (const log of [alone, other]) log?.close()
    assert.deepEqual([budget.logs, budget.used], [0, 0])
  })
})
