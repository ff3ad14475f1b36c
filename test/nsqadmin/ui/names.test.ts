import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isValidTopicName } from '../../../src/protocol/names.ts'
import { nameNote, nameProblem } from '../../../src/nsqadmin/ui/name-rule.ts'

test('what is wrong with a name is said as it is typed', () => {
  assert.equal(nameProblem(''), undefined)
  assert.equal(nameProblem('orders.v1_a-B'), undefined)
  assert.equal(nameProblem('x#ephemeral'), undefined)
  assert.match(nameProblem('a b') ?? '', /no spaces/)
  assert.match(nameProblem('a/b') ?? '', /“\/”/)
  assert.match(nameProblem('größe') ?? '', /“ö”/)
  assert.match(nameProblem('a😀') ?? '', /“😀”/)
  assert.match(nameProblem('a#eph') ?? '', /ephemeral/)
  assert.match(nameProblem('a#b#ephemeral') ?? '', /ephemeral/)
  assert.match(nameProblem('#ephemeral') ?? '', /before #ephemeral/)
  assert.match(nameProblem('a'.repeat(65)) ?? '', /65 characters/)
  assert.match(nameProblem(`${'a'.repeat(60)}#ephemeral`) ?? '', /70 characters/)
})

test('a name has a problem exactly when nsqd would refuse it', () => {
  const pieces = ['a', '#', 'ephemeral', '#ephemeral', ' ', '.', 'ü', '\n', 'b'.repeat(55)]
  for (const first of pieces) {
    for (const second of pieces) {
      for (const third of ['', ...pieces]) {
        const name = first + second + third
        assert.equal(nameProblem(name) === undefined, isValidTopicName(name), JSON.stringify(name))
      }
    }
  }
})

test('an ephemeral name is explained', () => {
  assert.match(nameNote('x#ephemeral') ?? '', /memory/)
  assert.equal(nameNote('x'), undefined)
  assert.equal(nameNote('a b#ephemeral'), undefined)
})
