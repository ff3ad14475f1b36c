import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Marks } from '../../../src/cli/replay/marks.ts'

const at = (file: number, message: number): { file: number; message: number } => ({ file, message })

test('a replay goes on behind what is acknowledged without a gap', () => {
  const marks = new Marks(at(1, 5))
  assert.deepEqual(marks.reached, at(1, 5))
  const first = marks.begin(at(1, 10))
  const second = marks.begin(at(1, 20))
  second()
  assert.deepEqual(marks.reached, at(1, 5))
  marks.pass(at(1, 22))
  marks.pass(at(2, 0))
  const third = marks.begin(at(2, 7))
  first()
  assert.deepEqual(marks.reached, at(2, 0))
  marks.pass(at(2, 9))
  assert.deepEqual(marks.reached, at(2, 0))
  third()
  assert.deepEqual(marks.reached, at(2, 9))
})

test('what needs not be published is behind it at once', () => {
  const marks = new Marks(at(0, 0))
  marks.pass(at(0, 3))
  marks.pass(at(1, 0))
  assert.deepEqual(marks.reached, at(1, 0))
  const publish = marks.begin(at(1, 1))
  marks.pass(at(1, 4))
  marks.pass(at(2, 0))
  assert.deepEqual(marks.reached, at(1, 0))
  publish()
  assert.deepEqual(marks.reached, at(2, 0))
})
