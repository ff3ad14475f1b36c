import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type BatchFormat, encodeBatch, fits } from '../../../src/cli/forward/batch-format.ts'
import { fakeMessages } from './fake-message.ts'

function encoded(format: BatchFormat, ...bodies: string[]): string {
  return encodeBatch(format, fakeMessages(...bodies)).toString()
}

test('json is an array of the bodies, byte for byte', () => {
  assert.equal(encoded('json', '{"a": 1}', '"x"', ' [2,\n 3] ', 'null'), '[{"a": 1},"x", [2,\n 3] ,null]')
  assert.equal(encoded('json', '1'), '[1]')
})

test('ndjson is a value a line, and no value has a line end', () => {
  const text = encoded('ndjson', '{\r\n  "a": "x\\ny"\n}', '2')
  assert.equal(text, '{    "a": "x\\ny" }\n2\n')
  assert.deepEqual(
    text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    [{ a: 'x\ny' }, 2],
  )
})

test('lines are the bodies as they are', () => {
  assert.equal(encoded('lines', 'a', '', 'b\nc'), 'a\n\nb\nc\n')
})

describe('what fits into a batch', () => {
  test('of lines: everything', () => {
    for (const body of ['', 'x', '{']) assert.ok(fits('lines', Buffer.from(body)))
    assert.ok(fits('lines', Buffer.from([0xff, 0])))
  })

  for (const format of ['json', 'ndjson'] as const) {
    test(`of ${format}: JSON, in UTF-8`, () => {
      for (const body of ['{}', ' 1 ', 'null', '"é"', '[\n]'])
        assert.ok(fits(format, Buffer.from(body)), body)
      for (const body of ['', 'x', '{', '1 2', '{a:1}', '\uFEFF{}', 'NaN'])
        assert.ok(!fits(format, Buffer.from(body)), body)
      assert.ok(!fits(format, Buffer.from([0x22, 0xff, 0x22])))
    })
  }
})
