import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ordinalAt, type Position } from '../../src/storage/position.ts'
import { Segment } from '../../src/storage/segment.ts'
import { between, countWithin, type OpenStretch, union } from '../../src/storage/stretch.ts'
import { type Random, seeded } from './random.ts'

const segment = new Segment(1, 0, undefined)
const END = 40

function at(ordinal: number): Position {
  return { segment, offset: 10 * ordinal, index: ordinal }
}

function stretches(...pairs: readonly (readonly [number, number | undefined])[]): OpenStretch[] {
  return pairs.map(([from, to]) => ({ from: at(from), to: to === undefined ? undefined : at(to) }))
}

function shown(all: readonly OpenStretch[]): string {
  return all.map(({ from, to }) => `${ordinalAt(from)}-${to === undefined ? '' : ordinalAt(to)}`).join(' ')
}

function ordinals(all: readonly OpenStretch[]): number[] {
  return Array.from({ length: END }, (_, i) => i).filter(i =>
    all.some(stretch => countWithin(stretch, i, i + 1) === 1),
  )
}

function some(random: Random): OpenStretch[] {
  return Array.from({ length: random.int(0, 5) }, () => {
    const from = random.int(0, END)
    return { from: at(from), to: random.chance(0.1) ? undefined : at(random.int(from, END)) }
  })
}

describe('union', () => {
  test('joins what overlaps or touches, and leaves out what is empty', () => {
    assert.equal(shown(union(stretches([5, 7], [1, 1]), stretches([0, 2], [7, 9], [8, 8]))), '0-2 5-9')
    assert.equal(shown(union(stretches([5, undefined]), stretches([0, 2], [4, 5], [9, 10]))), '0-2 4-')
    assert.equal(shown(union([], [])), '')
  })

  test('has what one or the other has, in order and apart', t => {
    const random = seeded(text => t.diagnostic(text))
    for (let i = 0; i < 500; i++) {
      const [a, b] = [some(random), some(random)]
      const joined = union(a, b)
      const expected = new Set([...ordinals(a), ...ordinals(b)])
      assert.deepEqual(
        ordinals(joined),
        [...expected].sort((x, y) => x - y),
      )
      const gaps = between(joined)
      assert.equal(gaps.length, Math.max(0, joined.length - 1))
      for (const gap of gaps) {
        assert.ok(ordinalAt(gap.from) < ordinalAt(gap.to))
        assert.deepEqual(
          ordinals([gap]).filter(ordinal => expected.has(ordinal)),
          [],
        )
      }
    }
  })
})

test('countWithin counts what two stretches share', () => {
  const [open, closed] = stretches([5, undefined], [5, 8])
  assert.ok(open !== undefined && closed !== undefined)
  assert.deepEqual([countWithin(open, 0, 7), countWithin(open, 9, 20), countWithin(open, 0, 5)], [2, 11, 0])
  assert.deepEqual(
    [countWithin(closed, 6, 20), countWithin(closed, 8, 20), countWithin(closed, 7, 6)],
    [2, 0, 0],
  )
})
