import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { glyphsFor, sparkline } from '../../../src/cli/stat/glyphs.ts'
import { isGrowing, TREND_LENGTH, Trends } from '../../../src/cli/stat/trend.ts'

const UNICODE = glyphsFor({ LANG: 'en_US.UTF-8' }, 'linux')
const ASCII = glyphsFor({ LANG: 'C' }, 'linux')

describe('growing', () => {
  test('is what ends above everything that it began with', () => {
    assert.ok(isGrowing([1, 2, 3, 4]))
    assert.ok(isGrowing([1, 3, 2, 5, 4, 6]))
    assert.ok(!isGrowing([]))
    // Too few to say.
    assert.ok(!isGrowing([7]))
    assert.ok(!isGrowing([1, 2]))
    assert.ok(!isGrowing([1, 2, 3]))
    assert.ok(!isGrowing([4, 3, 2, 1]))
    assert.ok(!isGrowing([5, 5, 5, 5]))
    // Up and down with every batch.
    assert.ok(!isGrowing([0, 9, 0, 10, 0, 11]))
  })

  test('is judged by looks at the same nsqds', () => {
    const trends = new Trends()
    const depths = (nsqds: string[], depth: number): readonly number[] => {
      trends.begin(nsqds)
      return trends.note('t', depth)
    }
    depths(['a', 'b'], 10)
    depths(['a'], 4)
    const trend = depths(['b', 'a'], 10)
    assert.deepEqual(trend, [10, 4, 10])
    assert.ok(!trends.isGrowing(trend))
    depths(['a', 'b'], 11)
    assert.ok(!trends.isGrowing(depths(['a', 'b'], 12)))
    assert.ok(trends.isGrowing(depths(['a', 'b'], 13)))
  })
})

describe('trend', () => {
  test('remembers some looks, and no row that has gone', () => {
    const trends = new Trends()
    for (let i = 1; i < 40; i++) {
      trends.begin(['a'])
      assert.ok(trends.note('t', i).length <= TREND_LENGTH)
      if (i === 20) trends.note('gone', 1)
    }
    trends.begin(['a'])
    assert.deepEqual(trends.note('gone', 5), [5])
    assert.deepEqual(trends.note('t', 40).slice(-2), [39, 40])
  })

  test('is drawn from nothing to its highest, and what there is can be seen', () => {
    assert.equal(sparkline([0, 1, 50, 100], 6, UNICODE), '   ▁▄▇')
    assert.equal(sparkline([0, 1, 50, 100], 6, ASCII), '   _=#')
    assert.equal(sparkline([0, 0], 2, UNICODE), '  ')
    assert.equal(sparkline([9, 9, 1, 2], 2, UNICODE), '▄▇')
  })

  test('is drawn with what the locale has', () => {
    assert.equal(glyphsFor({ LC_ALL: 'C', LANG: 'en_US.UTF-8' }, 'linux'), ASCII)
    assert.equal(glyphsFor({ LC_ALL: '', LC_CTYPE: 'de_DE.utf8' }, 'linux'), UNICODE)
    assert.equal(glyphsFor({}, 'linux'), ASCII)
    assert.equal(glyphsFor({}, 'win32'), UNICODE)
  })
})
