import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ArchivedMessage } from '../../../src/archive/message.ts'
import { Unfinished } from '../../../src/cli/archive/unfinished.ts'
import { errorFromFrame } from '../../../src/client/errors.ts'
import { NsqError } from '../../../src/util/errors.ts'

function message(id: number, nsqd = 'a:1'): ArchivedMessage {
  return {
    topic: 't',
    id: String(id).padStart(16, '0'),
    nsqd,
    timestamp: 0n,
    attempts: 1,
    body: Buffer.of(),
    finish: () => true,
    requeue: () => true,
  }
}

test('a message is unfinished until it has come again and was finished', () => {
  const unfinished = new Unfinished()
  const [one, two] = [message(1), message(2)]
  unfinished.answered([one, two], [two])
  assert.equal(unfinished.count, 1)
  unfinished.answered([two], [two])
  unfinished.answered([message(2, 'b:1')], [])
  assert.equal(unfinished.count, 1)
  unfinished.answered([message(2)], [])
  assert.equal(unfinished.count, 0)
})

test('a FIN that nsqd refuses counts, whatever finish returned', () => {
  const unfinished = new Unfinished()
  const one = message(1, '/run/my nsqd.sock')
  unfinished.answered([one], [])
  const text = `E_FIN_FAILED FIN ${one.id} failed ID not in flight`
  assert.equal(unfinished.refused(errorFromFrame(one.nsqd, text)), true)
  assert.equal(unfinished.refused(new NsqError('E_CONNECT', text)), false)
  assert.equal(unfinished.count, 1)
  unfinished.answered([one], [])
  assert.equal(unfinished.count, 0)
})

test('beyond a bound they are only counted', () => {
  const unfinished = new Unfinished()
  const many = Array.from({ length: 100_010 }, (_, id) => message(id))
  unfinished.answered(many, many)
  assert.equal(unfinished.count, 100_010)
  unfinished.answered(many.slice(0, 100_000), [])
  assert.equal(unfinished.count, 10)
  unfinished.clear()
  assert.equal(unfinished.count, 0)
})
