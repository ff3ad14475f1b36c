import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Skips } from '../../src/nsqd/skips.ts'
import { ordinalAt, type Position } from '../../src/storage/position.ts'
import { Segment } from '../../src/storage/segment.ts'
import { countWithin, type OpenStretch, type Stretch, union } from '../../src/storage/stretch.ts'
import { seeded } from '../storage/random.ts'

const segment = new Segment(1, 0, undefined)

function at(ordinal: number): Position {
  return { segment, offset: ordinal, index: ordinal }
}

function stretch(from: number, to: number): Stretch {
  return { from: at(from), to: at(to) }
}

function shown(all: readonly OpenStretch[]): string[] {
  return all.map(({ from, to }) => `${ordinalAt(from)}-${to === undefined ? '' : ordinalAt(to)}`)
}

describe('what a channel leaves out', () => {
  test('is what was pushed, joined where it touches', () => {
    const skips = new Skips()
    assert.ok(skips.isEmpty)
    for (const [from, to] of [
      [3, 5],
      [5, 5],
      [5, 6],
      [8, 10],
      [11, 11],
    ] as const) {
      skips.push(stretch(from, to))
    }
    assert.deepEqual(shown(skips.stretchesFrom(at(0))), ['0-3', '6-8', '10-'])
    assert.deepEqual(shown(skips.stretchesFrom(at(4))), ['6-8', '10-'])
    assert.deepEqual(shown(skips.after(6)), ['8-10'])
    assert.deepEqual([skips.count(0, 20), skips.count(4, 9), skips.count(9, 4)], [5, 3, 0])
  })

  test('is forgotten when it has been passed', () => {
    const skips = new Skips()
    skips.push(stretch(3, 5))
    skips.push(stretch(8, 10))
    assert.equal(ordinalAt(skips.next(4)?.from ?? at(-1)), 3)
    assert.equal(ordinalAt(skips.next(5)?.from ?? at(-1)), 8)
    assert.equal(skips.next(10), undefined)
    assert.ok(skips.isEmpty)
  })

  test('is all that lies between what is to be read', t => {
    const random = seeded(text => t.diagnostic(text))
    const skips = new Skips()
    let cursor = 50
    const unread = new Set(Array.from({ length: 50 }, (_, i) => 50 + i))
    for (let i = 0; i < 300; i++) {
      const from = random.int(0, 99)
      const to = random.int(from, 99)
      const all = union(skips.stretchesFrom(at(cursor)), [stretch(from, to)])
      skips.readOnly(all)
      cursor = ordinalAt(all[0]?.from ?? at(0))
      for (let ordinal = from; ordinal < to; ordinal++) unread.add(ordinal)
      // Some are read.
      for (let most = random.int(0, 20); most > 0 && cursor < 90; most--) {
        const next = skips.next(cursor)
        if (next !== undefined && ordinalAt(next.from) <= cursor) cursor = ordinalAt(next.to)
        assert.ok(unread.delete(cursor), `${cursor} was not to be read`)
        cursor++
      }
      const left = skips.stretchesFrom(at(cursor)).reduce((sum, one) => sum + countWithin(one, 0, 100), 0)
      assert.equal(left, unread.size)
      assert.equal(100 - cursor - skips.count(cursor, 100), unread.size)
    }
  })
})
