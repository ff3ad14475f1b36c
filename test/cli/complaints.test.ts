import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Complaints } from '../../src/cli/complaints.ts'
import { NsqError } from '../../src/util/errors.ts'

test('what a daemon says moves no cursor and makes no line of its own', () => {
  const said: string[] = []
  const complaints = new Complaints(text => said.push(text), new AbortController().signal)
  complaints.begin()
  complaints.add(new NsqError('E_X', 'nsqd refused: \u001b[2J\u009b31m\nanother line'))
  assert.deepEqual(said, ['nsqd refused: \\x1b[2J\\x9b31m another line'])
})
