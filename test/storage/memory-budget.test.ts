import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Block } from '../../src/storage/block.ts'
import { type BlockOwner, MemoryBudget } from '../../src/storage/memory-budget.ts'
import { Segment } from '../../src/storage/segment.ts'

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
})
