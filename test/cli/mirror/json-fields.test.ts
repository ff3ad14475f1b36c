import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pickFields } from '../../../src/cli/mirror/json-fields.ts'

function picked(text: string, ...names: string[]): string {
  return pickFields(Buffer.from(text), new Set(names)).toString()
}

describe('pickFields', () => {
  test('keeps fields as they are written, in their order', () => {
    assert.equal(picked('{"a":1,"b":2,"c":3}', 'c', 'a'), '{"a":1,"c":3}')
    assert.equal(
      picked(' { "a" : 1 , "b" : [ 1, {"x": "}"} ] ,"c":"\\"," } ', 'b', 'c'),
      '{"b" : [ 1, {"x": "}"} ],"c":"\\","}',
    )
    assert.equal(
      picked('{"a":12345678901234567890,"b":1.50e+2}', 'a', 'b'),
      '{"a":12345678901234567890,"b":1.50e+2}',
    )
    assert.equal(picked('{"a":{"a":{"b":[[]]}},"b":true}', 'b'), '{"b":true}')
  })

  test('nothing is left of an object without them', () => {
    assert.equal(picked('{}', 'a'), '{}')
    assert.equal(picked('{"b":1}', 'a'), '{}')
    assert.equal(picked('{"x":{"a":1}}', 'a'), '{}')
  })

  test('knows names by what they say', () => {
    assert.equal(
      picked('{"\\u0061":1,"é":2,"__proto__":3}', 'a', 'é', '__proto__'),
      '{"\\u0061":1,"é":2,"__proto__":3}',
    )
    assert.equal(picked('{"a\\"b":1,"a":2}', 'a"b'), '{"a\\"b":1}')
  })

  test('of a name that is there twice the last one counts', () => {
    assert.equal(picked('{"a":1,"b":2,"a":3}', 'a', 'b'), '{"b":2,"a":3}')
  })

  test('says the same as parsing, whatever the object', () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
      return Math.floor((seed / 2 ** 32) * below)
    }
    const texts = ['', 'a', '"', '\\', '}{][,:', 'é ', '\n']
    const value = (depth: number): unknown => {
      const kind = random(depth > 3 ? 4 : 6)
      if (kind === 0) return random(1000) - 500
      if (kind === 1) return [true, false, null][random(3)]
      if (kind === 2) return texts[random(texts.length)]
      if (kind === 3) return 1 / (random(9) + 1)
      const count = random(4)
      if (kind === 4) return Array.from({ length: count }, () => value(depth + 1))
      return object(depth + 1, count)
    }
    const object = (depth: number, count: number): object =>
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`${texts[random(texts.length)]}${i}`, value(depth)]),
      )
    for (let round = 0; round < 500; round++) {
      const whole = object(0, random(6))
      const names = Object.keys(whole).filter(() => random(2) === 0)
      const text = JSON.stringify(whole, undefined, random(3))
      const expected = Object.fromEntries(Object.entries(whole).filter(([name]) => names.includes(name)))
      assert.deepEqual(JSON.parse(picked(text, ...names)), expected, text)
    }
  })
})
