import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isEphemeral, isValidChannelName, isValidTopicName } from '../../src/protocol/names.ts'

const VALID = ['t', 'a.b-c_D9', 't#ephemeral', 'x'.repeat(64), `${'x'.repeat(54)}#ephemeral`, '.', '-']
const INVALID = [
  '',
  '#ephemeral',
  't#other',
  't#ephemeral#ephemeral',
  't!',
  'a b',
  't\n',
  'é',
  'x'.repeat(65),
  `${'x'.repeat(55)}#ephemeral`,
]

test('names that official nsqd takes', () => {
  for (const name of VALID) {
    assert.ok(isValidTopicName(name), name)
    assert.ok(isValidChannelName(name), name)
  }
})

test('names that it does not take', () => {
  for (const name of INVALID) {
    assert.ok(!isValidTopicName(name), name)
    assert.ok(!isValidChannelName(name), name)
  }
})

test('ephemeral is what ends in #ephemeral', () => {
  assert.ok(isEphemeral('t#ephemeral'))
  assert.ok(!isEphemeral('ephemeral'))
})
